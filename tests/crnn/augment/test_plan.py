"""The lab: one draw, seen, augmented and answered alike."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import (
    GTZAN_FRONT_END,
    PAPER_FRONT_END,
    FrontEnd,
    band_frequencies,
)
from crnn.audio.mel import log_mel
from crnn.audio.noise import NoiseLoop
from crnn.augment.effects import BandPass, Clipping, Codec, Gain
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.plan import (
    Strengths,
    analyse,
    augment_mel,
    augment_samples,
    display_front_end,
    fill_value,
    sample,
)
from crnn.augment.robustness import curves, sweep
from crnn.errors import AudioError
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import pool_sizes
from crnn.model.network import CRNN
from tests.conftest import melody

ALL = Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink", seed=3)
FINE = display_front_end(GTZAN_FRONT_END)


def sound(seconds: float = 7.3) -> torch.Tensor:
    return torch.from_numpy(melody(seconds))


@pytest.fixture(scope="module")
def network(tiny: Checkpoint) -> Classifier:
    return Classifier(tiny)


class TestSample:
    def test_one_piece_every_three_seconds_and_the_tail(self) -> None:
        pieces = sample(ALL, 7.3, FINE).pieces
        assert [round(p.start, 3) for p in pieces] == [0.0, 3.0, 6.0]
        assert [round(p.seconds, 3) for p in pieces] == [3.0, 3.0, 1.3]

    def test_equal_seeds_draw_the_same_and_others_do_not(self) -> None:
        assert sample(ALL, 7.3, FINE).to_dict() == sample(ALL, 7.3, FINE).to_dict()
        assert sample(ALL, 7.3, FINE).to_dict() != sample(replace(ALL, seed=4), 7.3, FINE).to_dict()

    def test_a_piece_alone_is_drawn_as_within_its_track(self) -> None:
        alone, within = sample(ALL, 3.0, FINE, first=1).pieces[0], sample(ALL, 9.0, FINE).pieces[1]
        assert np.add(alone.time_masks, 3.0) == pytest.approx(np.array(within.time_masks))
        assert alone.frequency_masks == within.frequency_masks
        assert alone.warp is not None
        assert np.add(alone.warp, 3.0) == pytest.approx(within.warp)

    def test_one_control_leaves_what_the_others_drew(self) -> None:
        one, other = (
            sample(ALL, 3.0, FINE),
            sample(replace(ALL, time_warp=0, frequency_mask=5), 3.0, FINE),
        )
        assert one.pieces[0].time_masks == other.pieces[0].time_masks
        assert one.noise == other.noise

    def test_a_mask_of_the_whole_piece_leaves_nothing(self) -> None:
        plans = (sample(Strengths(time_mask=129, masks=5, seed=s), 3.0, FINE) for s in range(500))
        assert any((0.0, 3.0) in plan.pieces[0].time_masks for plan in plans)

    def test_parameters_are_json(self) -> None:
        stored = json.loads(json.dumps(sample(ALL, 3.0, FINE).to_dict()))
        assert stored["strengths"]["time_mask"] == 50
        assert len(stored["pieces"]) == 1


class TestApply:
    def test_zero_strength_changes_nothing(self, network: Classifier) -> None:
        off = sample(Strengths(), 7.3, FINE)
        assert not Strengths().any
        plain, same = analyse(sound(), [network]), analyse(sound(), [network], off)
        assert torch.equal(plain.mel, same.mel)
        assert np.array_equal(plain.predictions[0].overall, same.predictions[0].overall)

    @pytest.mark.parametrize("front_end", [FINE, GTZAN_FRONT_END, PAPER_FRONT_END])
    def test_masks_lie_at_the_sampled_seconds_and_hertz(self, front_end: FrontEnd) -> None:
        plan = sample(Strengths(time_mask=60, frequency_mask=40, seed=1), 7.3, FINE)
        mel = torch.full((128, 7 * 22_050 // front_end.hop_length), -20.0)
        after = augment_mel(mel, plan, front_end)
        expected = torch.zeros(mel.shape, dtype=torch.bool)
        times = torch.arange(mel.shape[1]) * front_end.hop_seconds
        centres = torch.from_numpy(band_frequencies(front_end))
        for piece in plan.pieces:
            inside = (times >= piece.start - 1e-6) & (times < piece.start + piece.seconds - 1e-6)
            for bottom, top in piece.frequency_masks:
                expected[(centres >= bottom) & (centres < top)] |= inside
            for start, end in piece.time_masks:
                expected |= inside & (times >= start - 1e-6) & (times < end - 1e-6)
        assert (
            float(((after != -20) == expected).float().mean()) > 0.998
        )  # frames on an edge fall to either side

    def test_a_network_with_other_bands_and_rate_sees_the_same_hertz_masked(self) -> None:
        other = replace(PAPER_FRONT_END, n_mels=64, sample_rate=16_000)
        plan = sample(Strengths(frequency_mask=60, seed=1), 3.0, FINE)
        bottom, top = plan.pieces[0].frequency_masks[0]
        masked = (augment_mel(torch.full((64, 90), -20.0), plan, other)[:, 5] != -20).numpy()
        centres = band_frequencies(other)
        assert np.array_equal(masked, (centres >= bottom) & (centres < top))

    def test_networks_of_two_rates_answer_together(self, tiny: Checkpoint) -> None:
        slow = replace(PAPER_FRONT_END, sample_rate=16_000)
        config = replace(tiny.model.config, frames=slow.frames(3.0), pools=pool_sizes(slow))
        second = Classifier(Checkpoint("other", ("x", "y", "z"), slow, 3.0, CRNN(config).eval()))
        plan = sample(ALL, 3.0, FINE)
        augmented = analyse(sound(3), [Classifier(tiny), second], plan)
        assert [p.task for p in augmented.predictions] == ["toy", "other"]
        assert len(curves(sound(3), [Classifier(tiny), second], sweep("noise", FINE))) == 2

    def test_masked_values_are_silence_or_the_mean_never_0_db(self) -> None:
        mel = log_mel(melody(3), FINE)
        assert fill_value(mel, Strengths(), FINE) == -80.0
        assert fill_value(mel, Strengths(fill="mean"), FINE) == pytest.approx(float(mel.mean()))
        paper = log_mel(melody(3), PAPER_FRONT_END)
        assert fill_value(paper, Strengths(), PAPER_FRONT_END) == pytest.approx(
            float(paper.max()) - 80
        )

    def test_what_is_before_a_piece_is_not_touched_by_its_warp(self) -> None:
        plan = sample(Strengths(time_warp=40, seed=5), 6.0, FINE)
        mel = log_mel(melody(6), FINE)
        second = replace(plan, pieces=plan.pieces[1:])
        after = augment_mel(mel, second, FINE)
        edge = int(3.0 / FINE.hop_seconds)
        assert torch.equal(after[:, :edge], mel[:, :edge])
        assert not torch.equal(after[:, edge + 1 :], mel[:, edge + 1 :])

    def test_silence_is_a_sentence(self, network: Classifier) -> None:
        with pytest.raises(AudioError, match="silent"):
            analyse(torch.zeros(66_150), [network])

    @pytest.mark.parametrize("seconds", [0.1, 0.5, 3.0])
    def test_extremes_are_bounded(self, network: Classifier, seconds: float) -> None:
        wild = Strengths(
            time_mask=10_000, frequency_mask=500, time_warp=9_000, snr_db=-20.0, masks=5
        )
        plan = sample(wild, seconds, FINE)
        augmented = analyse(sound(seconds), [network], plan)
        assert bool(torch.isfinite(augmented.mel).all())
        assert augmented.predictions[0].overall.sum() == pytest.approx(1)


class TestEffects:
    def test_effects_and_noise_are_applied_in_their_order(self) -> None:
        """Noise before a gain has the asked ratio; after it, too: it is relative to the music."""
        effects = (Gain(-6.0), Clipping(6.0))
        strengths = Strengths(snr_db=10.0, effects=effects, noise_after=1)
        plan, noise = sample(strengths, 3.0, FINE), BackgroundNoise(10.0)
        expected = Gain(-6.0).apply(sound(3), 22_050)
        expected = Clipping(6.0).apply(noise.mix(expected, plan.noise, 22_050), 22_050)
        assert torch.equal(augment_samples(sound(3), plan, 22_050), expected)
        first = sample(replace(strengths, noise_after=0), 3.0, FINE)
        assert not torch.equal(augment_samples(sound(3), first, 22_050), expected)

    def test_the_network_predicts_from_what_is_heard(self, network: Classifier) -> None:
        plan = sample(Strengths(effects=(BandPass(300, 3400),)), 3.0, FINE)
        heard = augment_samples(sound(3), plan, 22_050)
        augmented, plain = analyse(sound(3), [network], plan), analyse(heard, [network])
        assert torch.equal(augmented.mel, plain.mel)
        assert np.array_equal(augmented.predictions[0].overall, plain.predictions[0].overall)

    def test_noise_of_a_recording_is_mixed_in_alike_and_stored_by_its_name(self) -> None:
        loop = NoiseLoop.from_samples("rain.wav", melody(2, seed=3), 22_050)
        plans = [sample(Strengths(snr_db=5.0, noise=loop, seed=s), 3.0, FINE) for s in (1, 1, 2)]
        one, same, other = (augment_samples(sound(3), plan, 22_050) for plan in plans)
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
        added = one - sound(3)
        ratio = sound(3).square().mean() / added.square().mean()
        assert float(10 * ratio.log10()) == pytest.approx(5, abs=0.1)
        stored = json.loads(json.dumps(plans[0].to_dict()))["strengths"]
        assert stored["noise"] == "rain.wav"

    def test_they_are_named_in_the_stored_settings(self) -> None:
        stored = sample(Strengths(effects=(Codec("mp3", 32),)), 3.0, FINE).to_dict()
        assert json.loads(json.dumps(stored))["strengths"]["effects"] == [
            {"effect": "Codec", "codec": "mp3", "kbit_s": 32}
        ]
