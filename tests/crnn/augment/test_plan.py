"""The lab: one draw, seen, heard and answered alike."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, band_frequencies
from crnn.audio.mel import log_mel
from crnn.augment.plan import (
    Strengths,
    Version,
    analyse,
    augment_mel,
    display_front_end,
    fill_value,
    sample,
)
from crnn.augment.robustness import NAMES, Sweep, curves, fixed_strengths, sweep
from crnn.augment.waveform import band_edges
from crnn.errors import AudioError
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import pool_sizes
from crnn.model.network import CRNN
from crnn.viz import augmentation as lab_figures
from pages.text import augmentation as lab_words
from tests.conftest import melody

ALL = Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink", seed=3)
FINE = display_front_end(GTZAN_FRONT_END)


def sound(seconds: float = 7.3) -> torch.Tensor:
    return torch.from_numpy(melody(seconds))


@pytest.fixture(scope="module")
def network(tiny: Checkpoint) -> Classifier:
    return Classifier(tiny)


class TestDraws:
    def test_one_piece_every_three_seconds_and_the_tail(self) -> None:
        pieces = sample(ALL, 7.3, FINE).pieces
        assert [round(p.start, 3) for p in pieces] == [0.0, 3.0, 6.0]
        assert [round(p.seconds, 3) for p in pieces] == [3.0, 3.0, 1.3]

    def test_equal_seeds_draw_the_same_and_others_do_not(self) -> None:
        assert sample(ALL, 7.3, FINE).to_dict() == sample(ALL, 7.3, FINE).to_dict()
        assert sample(ALL, 7.3, FINE).to_dict() != sample(replace(ALL, seed=4), 7.3, FINE).to_dict()

    def test_a_piece_alone_is_drawn_as_within_its_track(self) -> None:
        alone, within = sample(ALL, 3.0, FINE, first=1).pieces[0], sample(ALL, 9.0, FINE).pieces[1]
        assert torch.equal(alone.time.start, within.time.start)
        assert torch.equal(alone.frequency.width, within.frequency.width)
        assert torch.equal(alone.warp.point, within.warp.point)

    def test_one_control_leaves_what_the_others_drew(self) -> None:
        one, other = (
            sample(ALL, 3.0, FINE),
            sample(replace(ALL, time_warp=0, frequency_mask=5), 3.0, FINE),
        )
        assert one.span_seconds(one.pieces[0]) == other.span_seconds(other.pieces[0])
        assert one.noise == other.noise

    def test_a_mask_of_the_whole_piece_leaves_nothing(self) -> None:
        whole = next(
            d
            for d in (
                sample(Strengths(time_mask=129, masks=5, seed=s), 3.0, FINE) for s in range(500)
            )
            if int(d.pieces[0].time.width.max()) == 129
        )
        assert (0.0, 3.0) in whole.span_seconds(whole.pieces[0])

    def test_parameters_are_json(self) -> None:
        stored = json.loads(json.dumps(sample(ALL, 3.0, FINE).to_dict()))
        assert stored["strengths"]["time_mask"] == 50
        assert len(stored["pieces"]) == 1


class TestPictures:
    def test_zero_strength_changes_nothing(self, network: Classifier) -> None:
        off = sample(Strengths(), 7.3, FINE)
        assert not Strengths().any
        plain, same = analyse(sound(), [network]), analyse(sound(), [network], off)
        assert torch.equal(plain.mel, same.mel)
        assert np.array_equal(plain.predictions[0].overall, same.predictions[0].overall)

    @pytest.mark.parametrize("front_end", [FINE, GTZAN_FRONT_END, PAPER_FRONT_END])
    def test_masks_lie_at_the_drawn_seconds_and_bands_on_every_grid(self, front_end) -> None:  # type: ignore[no-untyped-def]
        draws = sample(Strengths(time_mask=60, frequency_mask=40, seed=1), 7.3, FINE)
        mel = torch.full((128, 7 * 22_050 // front_end.hop_length), -20.0)
        after = augment_mel(mel, draws, front_end)
        expected = torch.zeros(mel.shape, dtype=torch.bool)
        times = torch.arange(mel.shape[1]) * front_end.hop_seconds
        centres = torch.from_numpy(band_frequencies(front_end))
        for piece in draws.pieces:
            inside = (times >= piece.start - 1e-6) & (times < piece.start + piece.seconds - 1e-6)
            for band in draws.bands(piece):
                bottom, top = band_edges(*band, FINE)
                expected[(centres >= bottom) & (centres < top)] |= inside
            for start, end in draws.span_seconds(piece):
                expected |= inside & (times >= start - 1e-6) & (times < end - 1e-6)
        assert (
            float(((after != -20) == expected).float().mean()) > 0.998
        )  # frames on an edge fall to either side

    def test_a_network_with_other_bands_and_rate_sees_the_same_hertz_masked(self) -> None:
        other = replace(PAPER_FRONT_END, n_mels=64, sample_rate=16_000)
        draws = sample(Strengths(frequency_mask=60, seed=1), 3.0, FINE)
        bottom, top = band_edges(*draws.bands(draws.pieces[0])[0], FINE)
        masked = (augment_mel(torch.full((64, 90), -20.0), draws, other)[:, 5] != -20).numpy()
        centres = band_frequencies(other)
        assert np.array_equal(masked, (centres >= bottom) & (centres < top))

    def test_networks_of_two_rates_answer_together(self, tiny: Checkpoint) -> None:
        slow = replace(PAPER_FRONT_END, sample_rate=16_000)
        config = replace(tiny.model.config, frames=slow.frames(3.0), pools=pool_sizes(slow))
        second = Classifier(Checkpoint("other", ("x", "y", "z"), slow, 3.0, CRNN(config).eval()))
        draws = sample(ALL, 3.0, FINE)
        heard = analyse(sound(3), [Classifier(tiny), second], draws)
        assert [p.task for p in heard.predictions] == ["toy", "other"]
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
        draws = sample(Strengths(time_warp=40, seed=5), 6.0, FINE)
        mel = log_mel(melody(6), FINE)
        second = replace(draws, pieces=draws.pieces[1:])
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
        draws = sample(wild, seconds, FINE)
        heard = analyse(sound(seconds), [network], draws)
        assert bool(torch.isfinite(heard.mel).all())
        assert heard.predictions[0].overall.sum() == pytest.approx(1)
        said = lab_words.clipped(draws)
        assert len(said) == 3
        assert "is cut to that" in said[0]


class TestWords:
    def test_they_say_what_was_drawn(self) -> None:
        draws = sample(ALL, 3.0, FINE)
        (low, high), (start, end) = (
            draws.bands(draws.pieces[0])[0],
            draws.span_seconds(draws.pieces[0])[0],
        )
        noise, warp, frequency, time = lab_words.describe(draws, FINE, start=6.0)
        assert noise == "Pink noise, 10 dB quieter than the music."
        assert warp.startswith("What was at ")
        assert f"({high - low} mel bands)" in frequency
        assert f"Masked {6 + start:.2f}–{6 + end:.2f} s" in time

    def test_noise_louder_than_the_music_is_called_so(self) -> None:
        for ratio, words in ((-5.0, "5 dB louder than"), (0.0, "as loud as")):
            assert words in lab_words.describe(sample(Strengths(snr_db=ratio), 3.0, FINE), FINE)[0]

    def test_a_width_of_zero_is_explained(self) -> None:
        seed = next(
            s
            for s in range(500)
            if not sample(Strengths(time_mask=2, seed=s), 3.0, FINE).pieces[0].time.width.any()
        )
        assert (
            "Another seed"
            in lab_words.describe(sample(Strengths(time_mask=2, seed=seed), 3.0, FINE), FINE)[0]
        )


class TestFigures:
    def pair(self, network: Classifier, **options: bool):  # type: ignore[no-untyped-def]
        draws = sample(ALL, 3.0, FINE)
        before, after = analyse(sound(3), [network]), analyse(sound(3), [network], draws)
        return lab_figures.pair(before, after, draws, 6.0, **options), draws, before, after

    def test_both_pictures_share_scale_and_time(self, network: Classifier) -> None:
        figure, draws, _, _ = self.pair(network)
        assert [trace.coloraxis for trace in figure.data] == ["coloraxis", "coloraxis"]
        assert figure.layout.xaxis.matches == "x2"
        assert float(figure.data[0].x[0]) == 6.0
        assert len(figure.layout.shapes) == len(draws.bands(draws.pieces[0])) + len(
            draws.span_seconds(draws.pieces[0])
        )

    def test_the_difference_is_after_minus_before(self, network: Classifier) -> None:
        figure, _, before, after = self.pair(network, difference=True)
        assert (
            np.abs(figure.data[2].z - (after.mel - before.mel).numpy()).max() <= 0.5
        )  # rounded to whole dB
        assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax

    def test_the_quiz_hides_the_outlines(self, network: Classifier) -> None:
        assert len(self.pair(network, outlined=False)[0].layout.shapes) == 0

    def test_the_map_goes_through_the_moved_moment(self) -> None:
        draws = sample(ALL, 3.0, FINE)
        before, after = draws.moved(draws.pieces[0])  # type: ignore[misc]
        _, line, mark = lab_figures.warp_map(draws).data
        assert (mark.x[0], mark.y[0]) == (after, before)
        assert list(line.x) == [0.0, after, 3.0]

    def test_shifts_are_in_points(self, network: Classifier) -> None:
        _, _, before, after = self.pair(network)
        new, old = lab_figures.probability_change(
            before.predictions[0], after.predictions[0], "Toy"
        ).data
        for label, was, now, said in zip(new.y, old.x, new.x, new.text, strict=True):
            assert was == pytest.approx(100 * before.predictions[0].to_dict()[label])
            assert said in (f"{now - was:+.0f}", "±0")


class TestRobustness:
    def test_the_first_point_is_the_original(self, network: Classifier) -> None:
        told: list[float] = []
        for name in NAMES:
            steps = sweep(name, FINE)
            (curve,) = curves(sound(3), [network], steps, progress=told.append)
            plain: Version = analyse(sound(3), [network])
            assert curve.label == plain.predictions[0].ranked()[0][0]
            assert curve.mean[0] == pytest.approx(plain.predictions[0].overall.max())
            assert len(curve.mean) == len(steps.steps) == len(curve.ticks)
            assert all(
                a <= b <= c for a, b, c in zip(curve.lowest, curve.mean, curve.highest, strict=True)
            )
        assert told[-1] == 1.0

    def test_it_follows_the_class_it_is_told_to(self, network: Classifier) -> None:
        steps = Sweep("Noise", "dB", (("none", Strengths()), ("-20", Strengths(snr_db=-20.0))))
        plain = analyse(sound(3), [network]).predictions[0]
        last = plain.ranked()[-1][0]
        (curve,) = curves(sound(3), [network], steps, fixed_strengths(ALL), firsts=[last])
        assert curve.label == last
        assert curve.mean[0] == pytest.approx(plain.to_dict()[last])
        assert lab_figures.robustness([curve], "x").data[1].y[1] == pytest.approx(
            100 * curve.mean[1]
        )
        assert last in lab_words.robustness([curve])

    def test_others_have_their_turn_between_the_steps(self, network: Classifier) -> None:
        turns: list[str] = []

        @contextmanager
        def turn() -> Iterator[None]:
            turns.append("in")
            yield
            turns.append("out")

        steps = sweep("time", FINE)
        curves(sound(3), [network], steps, turn=turn)
        assert turns == ["in", "out"] * len(steps.steps)

    def test_labels_are_in_the_seconds_of_the_front_end(self) -> None:
        assert sweep("time", FINE).steps[-1][0] == "3 s"
        assert sweep("time", replace(PAPER_FRONT_END, sample_rate=16_000)).steps[-1][0] == "4.1 s"
