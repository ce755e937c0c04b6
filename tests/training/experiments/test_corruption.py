"""Corruption: the same augmented tracks for every network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.augment.plan import Strengths
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode, melody
from tests.training.engine.test_run import TINY, run
from training.cli import main
from training.data.collection import Collection
from training.evaluation.metrics import scores, track_logits
from training.experiments import noise_domain
from training.experiments.corruption import ROWS, corrupt, corrupted_logits


def test_nothing_is_the_plain_answer_and_noise_is_not(toy: Collection, tmp_path: Path) -> None:
    folder = run(toy, tmp_path, replace(TINY, epochs=1))
    classifier, everyone = (
        Classifier(Checkpoint.load(folder / "checkpoint")),
        np.arange(len(toy.names)),
    )
    plain = track_logits(classifier, toy, everyone)
    same = corrupted_logits(classifier, toy, everyone, Strengths())
    assert all(np.array_equal(a, b) for a, b in zip(plain.logits, same.logits, strict=True))
    once, again = (
        corrupted_logits(classifier, toy, everyone, Strengths(snr_db=0.0)) for _ in range(2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(once.logits, again.logits, strict=True))
    assert scores(once, 1.0, toy.labels) != scores(plain, 1.0, toy.labels) or not np.allclose(
        once.logits[0], plain.logits[0]
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_keeps_the_pictures_form(
    toy: Collection, row: tuple[str, Strengths, float | None]
) -> None:
    mel = toy.features.mel(3)
    after = corrupt(mel, row[1], GTZAN_FRONT_END)
    assert after.shape == mel.shape
    assert torch.equal(after, mel) == (not row[1].any)
    assert -80 <= float(after.min()) <= float(after.max()) <= 0


@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise_as_power_ends_nearer_to_noise_in_the_waveform_than_another_draw_does(
    kind: str, tiny: Checkpoint
) -> None:
    found = noise_domain.distances(
        torch.from_numpy(melody(8)), (kind, 0.0), Classifier(tiny), seed=0
    )
    assert 0 < found["difference_db"] < found["difference_db_redrawn"]
    unheard = noise_domain.distances(
        torch.from_numpy(melody(8)), (kind, 100.0), Classifier(tiny), seed=0
    )
    assert unheard["difference_db"] < 0.05


def test_the_two_ways_of_noise_from_the_command_line(tmp_path: Path, tiny: Checkpoint) -> None:
    (tmp_path / "audio" / "jazz").mkdir(parents=True)
    for i in range(2):
        (tmp_path / "audio" / "jazz" / f"jazz.{i:05d}.flac").write_bytes(
            encode(melody(4, seed=i), kind="FLAC")
        )
    tiny.save(tmp_path / "net")
    settings = [
        "--data",
        str(tmp_path),
        "--checkpoint",
        str(tmp_path / "net"),
        "--out",
        str(tmp_path),
        "--no-progress",
    ]
    assert main(["noise", *settings]) == 0
    found = json.loads((tmp_path / "noise.json").read_text())
    assert [row["name"] for row in found["rows"]] == [
        f"{kind} noise, {snr:g} dB" for kind, snr in noise_domain.NOISES
    ]
    assert all(0 <= row["total_variation"]["mean"] <= 1 for row in found["rows"])
