"""The measured strength is the asked one, in dB, Hz, cents, ratios and seconds; and independent
implementations (SciPy, FFmpeg, libsndfile, training's on spectrograms) give the same.
"""

import io

import av
import numpy as np
import pytest
import soundfile
import torch
from scipy import signal

from crnn.audio.front_end import GTZAN_FRONT_END, hz_to_mel
from crnn.audio.mel import log_mel
from crnn.augment.effects import (
    BandPass,
    Clipping,
    Codec,
    CutMix,
    Effect,
    Equaliser,
    Gain,
    MixStyle,
    Mixup,
    PitchShift,
    Recording,
    Reverberation,
    TimeStretch,
    equalise,
)
from crnn.augment.effects.mixing import mix_statistics
from tests.conftest import melody

RATE = 22_050


def tone(hertz: float, seconds: float = 2.0) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(int(seconds * RATE)) / RATE)


def level(samples: torch.Tensor) -> float:
    """RMS in dB of the second half, where nothing swings in any more."""
    return float(10 * torch.log10(samples[len(samples) // 2 :].square().mean()))


def pitch(samples: torch.Tensor) -> float:
    """Hz of the strongest component, between the FFT's bins by a parabola."""
    sound = samples.numpy()[2000:-2000]
    power = np.log(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) + 1e-9)
    k = int(power.argmax())
    a, b, c = power[k - 1 : k + 2]
    return float((k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / len(sound))


@pytest.mark.parametrize("db", [-20.0, 6.0])
def test_gain_in_decibels(db: float) -> None:
    assert level(Gain(db).apply(tone(440), RATE)) - level(tone(440)) == pytest.approx(db, abs=1e-3)


@pytest.mark.parametrize("db", [3.0, 24.0])
def test_clipping_lowers_the_peak_by_its_decibels_and_leaves_what_is_below(db: float) -> None:
    before = tone(440)
    after = Clipping(db).apply(before, RATE)
    assert 20 * np.log10(float(before.max() / after.max())) == pytest.approx(db, abs=1e-3)
    inside = before.abs() < after.max()
    assert torch.equal(after[inside], before[inside])


def test_a_band_pass_has_half_the_power_at_its_edges_and_24_db_less_an_octave_beyond() -> None:
    band = BandPass(300, 3400)
    for hertz, expected in ((300, -3.01), (3400, -3.01), (1000, 0), (150, -24.1)):
        change = level(band.apply(tone(hertz), RATE)) - level(tone(hertz))
        assert change == pytest.approx(expected, abs=0.1)
    assert level(band.apply(tone(6800), RATE)) - level(tone(6800)) < -24


def test_a_band_that_the_rate_does_not_have_is_silent() -> None:
    assert float(BandPass(12_000).apply(tone(440), RATE).abs().max()) == 0


@pytest.mark.parametrize("seconds", [0.3, 1.5])
@pytest.mark.parametrize("direct_db", [-6.0, 6.0])
def test_a_rooms_sound_falls_by_60_db_in_its_time(seconds: float, direct_db: float) -> None:
    """Schroeder 1965: the energy still to come, by time, through −5 to −35 dB as in ISO 3382."""
    room = Reverberation(seconds, direct_db)
    click = torch.zeros(2 * RATE)
    click[0] = 1
    heard = room.apply(click, RATE).numpy().astype(float)
    tail = heard[1:]
    assert -10 * np.log10(np.square(tail).sum()) == pytest.approx(direct_db, abs=0.1)
    left = 10 * np.log10(np.cumsum(np.square(tail)[::-1])[::-1] / np.square(tail).sum() + 1e-12)
    fit = (left < -5) & (left > -35)
    slope = np.polyfit(np.arange(len(tail))[fit] / RATE, left[fit], 1)[0]
    assert -60 / slope == pytest.approx(seconds, rel=0.05)
    sound = melody(1.0)
    expected = signal.fftconvolve(sound, room.impulse_response(RATE).numpy())[: len(sound)]
    assert np.allclose(room.apply(torch.from_numpy(sound), RATE), expected, atol=1e-4)


@pytest.mark.parametrize("semitones", [-7.0, 0.5, 12.0])
def test_a_pitch_shift_in_cents(semitones: float) -> None:
    after = pitch(PitchShift(semitones).apply(tone(440), RATE))
    assert 1200 * np.log2(after / 440) == pytest.approx(100 * semitones, abs=5)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25])
def test_a_stretch_moves_clicks_by_its_ratio_and_keeps_the_pitch(rate: float) -> None:
    click = torch.zeros(2 * RATE)
    click[RATE // 2] = 1
    energy = TimeStretch(rate).apply(click, RATE)[: int(1.5 * RATE)].square().numpy()
    found = (energy * np.arange(len(energy))).sum() / energy.sum()  # a vocoder smears it
    assert found / RATE == pytest.approx(0.5 / rate, abs=0.03)
    cents = 1200 * np.log2(pitch(TimeStretch(rate).apply(tone(440), RATE)[:RATE]) / 440)
    assert cents == pytest.approx(0, abs=5)


@pytest.mark.parametrize("effect", [TimeStretch(0.8), TimeStretch(1.3), PitchShift(2)], ids=str)
def test_a_long_sound_has_no_click_or_hole_where_its_blocks_meet(effect: Effect) -> None:
    before = tone(440, 30)  # three blocks
    after = effect.apply(before, RATE)
    if isinstance(effect, TimeStretch) and effect.rate > 1:
        after = after[: int(len(after) / effect.rate)]  # then it begins again
    inside = after[RATE:-RATE]
    assert float(inside.diff().abs().max()) < 2 * float(before.diff().abs().max())
    hops = inside[: len(inside) // 1024 * 1024].view(-1, 1024)
    assert float(hops.square().mean(1).sqrt().min()) > 0.06  # of 0.21
    quarters = inside[: len(inside) // 4 * 4].view(4, -1)
    assert [pitch(part) for part in quarters] == pytest.approx([pitch(quarters[0])] * 4, abs=0.5)


def ffmpeg(sound: np.ndarray, *filters: tuple[str, str]) -> np.ndarray:
    """A sound through FFmpeg's filters."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
    graph.link_nodes(
        source, *(graph.add(*f) for f in filters), graph.add("abuffersink")
    ).configure()
    frame = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
    frame.sample_rate = RATE
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0])
        except (av.EOFError, BlockingIOError):
            return np.concatenate(parts)


def test_stretch_and_shift_are_ffmpegs() -> None:
    """FFmpeg overlaps and adds (WSOLA) where ours is a vocoder: compared by mel spectrogram."""
    sound, ratio = melody(3.0), 2 ** (4 / 12)
    shift = [("asetrate", f"{RATE * ratio:.0f}"), ("aresample", f"{RATE}")]
    before = log_mel(sound, GTZAN_FRONT_END)
    for ours, filters in (
        (TimeStretch(0.8), [("atempo", "0.8")]),
        (PitchShift(4), [*shift, ("atempo", f"{1 / ratio}")]),
    ):
        mel = log_mel(ours.apply(torch.from_numpy(sound), RATE), GTZAN_FRONT_END)
        theirs = log_mel(ffmpeg(sound, *filters)[: len(sound)], GTZAN_FRONT_END)
        both = slice(min(mel.shape[1], theirs.shape[1]))
        assert float((mel[:, both] - theirs[:, both]).abs().mean()) < 3  # dB
        assert float((before[:, both] - theirs[:, both]).abs().mean()) > 5


@pytest.mark.parametrize(
    ("codec", "kbit_s"), [("mp3", 16), ("mp3", 64), ("opus", 16), ("opus", 64)]
)
def test_a_codec_has_its_bit_rate_delays_nothing_and_decodes_as_elsewhere(
    codec: str, kbit_s: int
) -> None:
    sound = torch.from_numpy(melody(4.0))
    coder = Codec(codec, kbit_s)
    file_rate = {"mp3": RATE, "opus": 48_000}[codec]
    at_rate = melody(4.0, rate=file_rate)
    data = coder.encode(at_rate, file_rate)
    assert 8 * len(data) / 4 == pytest.approx(1000 * kbit_s, rel=0.1)
    assert soundfile.info(io.BytesIO(data)).samplerate == file_rate
    after = coder.apply(sound, RATE)
    lag = int(signal.correlate(after.numpy(), sound.numpy(), method="fft").argmax())
    assert abs(lag - (len(sound) - 1)) <= 2
    noise = {16: 3, 64: 12}[kbit_s]  # dB that the difference lies below the sound, at least
    assert level(sound) - level(after - sound) > noise


def test_the_equaliser_of_the_sound_is_that_of_the_spectrogram() -> None:
    equaliser = Equaliser(12, seed=5)
    assert float(equaliser.gains().abs().max()) <= 12
    sound = 0.1 * torch.randn(10 * RATE, generator=torch.Generator().manual_seed(0))
    before = log_mel(sound, GTZAN_FRONT_END)
    heard = log_mel(equaliser.apply(sound, RATE), GTZAN_FRONT_END)
    seen = equalise(
        before[None, None], torch.zeros(1, 1, 1), equaliser.gains().view(1, 1, -1), -200.0
    )[0, 0]
    difference = (heard - seen).mean(1)  # each is relative to its own maximum
    assert float((difference - difference.mean()).abs().max()) < 1  # dB


def hiss(seed: int, seconds: float = 6.0) -> torch.Tensor:
    """Pink noise, so that no band is silent."""
    generator = torch.Generator().manual_seed(seed)
    spectrum = torch.fft.rfft(torch.randn(int(seconds * RATE), generator=generator))
    sound = torch.fft.irfft(spectrum / (1 + torch.arange(len(spectrum))).sqrt())
    return 0.1 * sound / sound.square().mean().sqrt()


def test_mixup_adds_equally_loud_tracks_by_their_weight_and_so_does_the_label() -> None:
    mix = Mixup(Recording("Other", 5 * tone(1000)), 0.25)
    spectrum = np.abs(np.fft.rfft(mix.apply(tone(440), RATE).numpy())) / RATE
    assert spectrum[[880, 2000]] == pytest.approx([0.75 * 0.3, 0.25 * 0.3], rel=0.01)
    assert mix.label == 0.25
    assert mix.other.fitted(tone(440)).square().mean() == pytest.approx(0.3**2 / 2, rel=1e-3)


def test_cutmix_takes_its_region_from_the_second_track() -> None:
    first, second = hiss(0), hiss(1)
    mix = CutMix(Recording("Other", second.roll(len(second) // 2)), 0.25, seed=3)
    start, end, low, high = mix.region()
    assert (end - start) * (high - low) == pytest.approx(mix.label)
    hertz, time, mixed = signal.stft(mix.apply(first, RATE).numpy(), RATE, nperseg=512)
    own, others = (signal.stft(each.numpy(), RATE, nperseg=512)[2] for each in (first, second))
    height = np.array([hz_to_mel(h, "slaney") for h in hertz]) / hz_to_mel(RATE / 2, "slaney")
    time = time / 6

    def distance(other: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
        difference = (mixed - other)[rows][:, columns]
        return float(np.linalg.norm(difference) / np.linalg.norm(own[rows][:, columns]))

    inside = (height > low + 0.05) & (height < high - 0.05)
    during = (time > start + 0.02) & (time < end - 0.02)
    before = (time > end + 0.02) | (time < start - 0.02)
    assert distance(others, inside, during) < 0.1
    assert distance(own, inside, before) < 0.1
    assert distance(own, height > high + 0.05, during) < 0.1


def test_mixstyle_of_the_sound_is_that_of_trainings_spectrogram() -> None:
    first, second = hiss(0), BandPass(500, 3000).apply(hiss(1), RATE)
    mix = MixStyle(Recording("Other", second), 0.5)
    before, style, after = (
        log_mel(each, GTZAN_FRONT_END)
        for each in (first, mix.other.fitted(first), mix.apply(first, RATE))
    )
    expected = mix_statistics(before, style, 0.5, -200.0)
    assert mix.label == 0
    change, wanted = ((each - before).mean(1) for each in (after, expected))
    loud = style.mean(1) > -60  # where the floor of 80 dB hides nothing
    difference = (change - wanted)[loud]  # each is relative to its own maximum
    assert float((difference - difference.mean()).abs().max()) < 1.5  # dB
    assert float((wanted - wanted.mean())[loud].abs().max()) > 5
