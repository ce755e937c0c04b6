"""The augmented sound: silent in its masks, as long, as loud and as high as the original."""

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, band_frequencies
from crnn.augment.effects import BandPass, Clipping, Gain
from crnn.augment.plan import Strengths, band_edges, sample
from crnn.augment.waveform import prevent_clipping, render
from crnn.explain.sonify import split_by_mask
from tests.conftest import melody

RATE = GTZAN_FRONT_END.sample_rate


def sound(seconds: float = 7.3) -> torch.Tensor:
    return torch.from_numpy(melody(seconds))


def tone(hertz: float, seconds: float) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(int(seconds * RATE)) / RATE)


def loudness(samples: torch.Tensor) -> float:
    """RMS in dB."""
    return float(10 * torch.log10(samples.square().mean() + 1e-12))


def test_nothing_drawn_sounds_as_it_was() -> None:
    torch.testing.assert_close(
        render(sound(), sample(Strengths(), 7.3, GTZAN_FRONT_END), GTZAN_FRONT_END),
        sound(),
        atol=1e-5,
        rtol=0,
    )


def test_time_masks_are_silent_and_the_rest_is_as_it_was() -> None:
    plan = sample(Strengths(time_mask=60, seed=2), 7.3, GTZAN_FRONT_END)
    before, after = sound(), render(sound(), plan, GTZAN_FRONT_END)
    reach = 2048 / RATE  # an STFT frame sees so far to both sides
    spans = [span for piece in plan.pieces for span in piece.time_masks]
    time = torch.arange(len(before)) / RATE
    far = torch.ones(len(before), dtype=torch.bool)
    for start, end in [*spans, *((piece.start, piece.start) for piece in plan.pieces)]:
        far &= (time < start - reach) | (time > end + reach)
    ratio = after[far] @ before[far] / before[far].square().sum()
    assert float((after[far] - ratio * before[far]).abs().max()) < 1e-4
    long = [
        (start, end) for start, end in spans if end - start > 0.3
    ]  # an STFT frame's reach at both edges
    assert len(long) >= 2
    for start, end in long:
        assert (
            loudness(after[int((start + 0.1) * RATE) : int((end - 0.1) * RATE)])
            < loudness(before) - 60
        )


def test_frequency_masks_take_their_bands_and_leave_the_others() -> None:
    plan = sample(Strengths(frequency_mask=60, seed=4), 3.0, GTZAN_FRONT_END)
    bottom, top = plan.pieces[0].frequency_masks[0]
    inside, outside = tone((bottom * top) ** 0.5, 3.0), tone(top * 1.3, 3.0)
    after = render(inside + outside, plan, GTZAN_FRONT_END)
    spectrum = torch.fft.rfft(after[RATE : 2 * RATE]).abs()  # one Hz a bin
    assert float(spectrum[round((bottom * top) ** 0.5)]) < 0.01 * float(spectrum[round(top * 1.3)])


def test_a_warp_moves_a_click_and_keeps_a_pitch() -> None:
    plan = sample(Strengths(time_warp=40, seed=7), 3.0, GTZAN_FRONT_END)
    before, after = plan.pieces[0].warp  # type: ignore[misc]
    assert abs(after - before) > 0.1
    click = torch.zeros(3 * RATE)
    click[round(before * RATE) : round(before * RATE) + 40] = 0.5
    augmented = render(click, plan, GTZAN_FRONT_END)
    assert int(augmented.abs().argmax()) / RATE == pytest.approx(after, abs=0.05)
    warped = render(tone(440, 3.0), plan, GTZAN_FRONT_END)
    spectrum = torch.fft.rfft(warped[: int(after * RATE)]).abs()
    assert int(spectrum.argmax()) * RATE / int(after * RATE) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    "strengths",
    [Strengths(50, 60, 20, 5.0, "crowd", masks=2), Strengths(frequency_mask=30, fill="mean")],
)
@pytest.mark.parametrize("seconds", [0.5, 3.0, 7.3])
def test_as_long_and_as_loud_as_the_original(strengths: Strengths, seconds: float) -> None:
    before = sound(seconds)
    after = render(before, sample(strengths, seconds, GTZAN_FRONT_END), GTZAN_FRONT_END)
    assert after.shape == before.shape
    assert bool(torch.isfinite(after).all())
    assert loudness(after) == pytest.approx(loudness(before), abs=0.1)  # dB


def test_noise_is_the_mixed_waveform() -> None:
    plan = sample(Strengths(snr_db=10.0), 3.0, GTZAN_FRONT_END)
    before, after = sound(3), render(sound(3), plan, GTZAN_FRONT_END)
    scale = float((before @ after) / (before @ before))
    noise = after / scale - before
    assert loudness(before) - loudness(noise) == pytest.approx(10, abs=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_a_warp_bends_without_a_click(seed: int) -> None:
    """A steady tone, warped: no step anywhere larger than a few of the tone's own, no hole."""
    plan = sample(Strengths(time_warp=40, seed=seed), 6.0, GTZAN_FRONT_END)
    after = render(tone(440, 6.0), plan, GTZAN_FRONT_END)
    inside = after[RATE // 10 : -RATE // 10]
    own = float(tone(440, 1.0).diff().abs().max())
    assert float(inside.diff().abs().max()) < 2 * own
    hops = inside[: len(inside) // 256 * 256].view(-1, 256)
    assert float(hops.square().mean(dim=1).sqrt().min()) > 0.02  # of a tone of 0.21


def test_what_masks_leave_of_a_hiss_stays_a_hiss() -> None:
    music = torch.cat([tone(440, 2.9), 1e-5 * torch.randn(3 * RATE - int(2.9 * RATE))])
    plan = sample(Strengths(frequency_mask=128, masks=5, seed=3), 3.0, GTZAN_FRONT_END)
    after = render(music, plan, GTZAN_FRONT_END)
    assert loudness(after) <= loudness(music) + 0.1
    assert float(after[int(2.95 * RATE) :].abs().max()) < 0.01  # the tone had 0.3


def test_pieces_join_without_a_click() -> None:
    """A tone beside a frequency mask: no step at the seams larger than the tone's own."""
    plan = sample(Strengths(frequency_mask=20, seed=0), 9.0, GTZAN_FRONT_END)
    masked = [band for piece in plan.pieces for band in piece.frequency_masks]
    hertz = next(
        f
        for f in (220.0, 330.0, 550.0, 880.0, 1500.0)
        if not any(a * 0.9 < f < b * 1.1 for a, b in masked)
    )
    after = render(tone(hertz, 9.0), plan, GTZAN_FRONT_END)
    steps = after.diff().abs()
    own = float(steps[RATE : 2 * RATE].max())
    for seam in (3, 6):
        assert float(steps[seam * RATE - 500 : seam * RATE + 1500].max()) < 1.3 * own


def test_band_edges_meet_and_enclose_their_centres() -> None:
    for front_end in (GTZAN_FRONT_END, PAPER_FRONT_END):
        centres = band_frequencies(front_end)
        for band in range(1, 127):
            low, high = band_edges(band, band + 1, front_end)
            assert low < centres[band] < high
            assert band_edges(band - 1, band, front_end)[1] == pytest.approx(low)
        assert band_edges(0, 128, front_end) == (0.0, float("inf"))


def test_levels_go_down_together() -> None:
    one, other = prevent_clipping(torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.0]))
    assert one.tolist() == [1.0, -0.5]
    assert other.tolist() == [0.25, 0.0]
    assert np.allclose(prevent_clipping(torch.tensor([0.5]))[0], [0.5])


def test_a_mask_takes_the_sound_apart_without_loss() -> None:
    """What is selected has the high tone, the rest the low one; together they are the sound."""
    low, high = tone(220, 5), tone(4000, 5)
    whole = low + high
    mask = torch.zeros(128, len(whole) // 1709 + 1)
    mask[64:] = 1  # from about 2 kHz
    kept, rest = split_by_mask(whole, mask, GTZAN_FRONT_END)
    assert torch.allclose(kept + rest, whole, atol=1e-5)
    inside = slice(2048, -2048)
    assert (kept - high).abs()[inside].max() < 0.01
    assert (rest - low).abs()[inside].max() < 0.01


def test_a_mask_in_time_is_heard_at_its_time() -> None:
    whole = sound(6.0)
    mask = torch.zeros(128, len(whole) // 1709 + 1)
    mask[:, 26:52] = 1  # 2.02 to 3.95 s
    kept, _ = split_by_mask(whole, mask, GTZAN_FRONT_END)
    loud = kept.unfold(0, 2205, 2205).square().mean(dim=1)
    assert loud[:18].max() < 1e-6
    assert loud[42:].max() < 1e-6
    assert loud[22:38].min() > 1e-3


@pytest.mark.parametrize("length", [2205, 4410, 22_050])
def test_everything_and_nothing_are_the_sound_and_silence(length: int) -> None:
    whole = sound(1.0)[:length]
    shape = (128, length // 1709 + 1)
    assert torch.allclose(
        split_by_mask(whole, torch.ones(shape), GTZAN_FRONT_END)[0], whole, atol=1e-5
    )
    assert split_by_mask(whole, torch.zeros(shape), GTZAN_FRONT_END)[0].abs().max() < 1e-6


def test_a_gain_is_heard_and_effects_are_as_loud_as_the_original() -> None:
    for effects, change in (((Gain(-6.0), Clipping(10)), -6), ((BandPass(300, 3400),), 0)):
        plan = sample(Strengths(effects=effects), 3.0, GTZAN_FRONT_END)
        after = render(sound(3), plan, GTZAN_FRONT_END)
        assert loudness(after) - loudness(sound(3)) == pytest.approx(change, abs=0.1)
