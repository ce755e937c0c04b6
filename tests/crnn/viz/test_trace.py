"""Figures of every stage, of front ends and networks unlike the bundled ones, too."""

from itertools import pairwise

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.viz import trace as figures
from tests.crnn.explain.test_trace import classifier, sound, traced

LABELS = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("kind", "samples"),
    [
        ("bundled kind", "silence"),
        ("paper, long, PELU", "music"),
        ("attention", "short"),
        ("both ways", "music"),
    ],
)
def test_every_figure_is_drawn_and_small_enough_for_a_browser(kind: str, samples: str) -> None:
    of = classifier(kind)
    front_end = of.checkpoint.front_end
    waves = {"music": sound(11, front_end), "short": sound(0.5, front_end)}
    # Silence within a track that sounds: the segment at its beginning.
    waves["silence"] = np.concatenate(
        [np.zeros(6 * front_end.sample_rate, np.float32), sound(3, front_end)]
    )
    found, _ = traced(of, waves[samples], 0)
    labels = of.checkpoint.labels
    drawn = [
        figures.waveform(found, front_end),
        figures.window(found, front_end),
        figures.stft(found, front_end),
        figures.mel_filter_bank(front_end),
        figures.mel_power(found, front_end),
        figures.log_mel(found, front_end),
        figures.hidden_states(found, of.checkpoint),
        figures.logits(found, labels),
        figures.probabilities(found, labels),
        *(
            figures.feature_maps(found, layer, varied, front_end)
            for layer in range(5)
            for varied in (False, True)
        ),
    ]
    assert all(len(figure.to_json()) < 1_000_000 for figure in drawn)


def test_the_mosaic_holds_each_map_where_it_says() -> None:
    found, _ = traced(classifier("bundled kind"), sound(6))
    trace = figures.feature_maps(found, 2, False, GTZAN_FRONT_END).data[0]
    tiles, numbers = np.asarray(trace.z), np.asarray(trace.customdata)
    for number, picture in enumerate(found.maps[1].numpy()):
        np.testing.assert_array_equal(
            tiles[(numbers == number) & ~np.isnan(tiles)], picture.ravel()
        )
    varied = figures.selected_maps(found, 2, True)
    spread = found.maps[1].numpy().std(axis=(1, 2))[varied]
    assert all(a >= b for a, b in pairwise(spread))


def test_the_table_adds_up() -> None:
    found, _ = traced(classifier("bundled kind"), sound(6))
    rows = figures.probability_table(found, LABELS)
    total = sum(float(row["e^(z / T + b)"]) for row in rows)
    for row in rows:
        assert float(row["z / T + b"]) == pytest.approx(float(row["Logit z"]) / 1.3, abs=1e-3)
        assert float(row["Probability (%)"]) == pytest.approx(
            100 * float(row["e^(z / T + b)"]) / total, abs=0.02
        )
