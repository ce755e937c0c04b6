"""Two processes, started by torchrun, train as one would: oracle is the same run in one process."""

import csv
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from tests.training.two_processes import DRAWN, PLAIN, SPLIT, spec
from training.data import splits
from training.data.collection import Collection, gtzan
from training.data.datamodule import EpochSampler, SegmentDataModule
from training.distributed import ProcessGroup
from training.engine.run import train
from training.evaluation.metrics import scores, track_logits

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Two:
    """What two processes left behind: their folder, and what each saw."""

    folder: Path
    seen: tuple[dict[str, Any], dict[str, Any]]

    def run(self, name: str, runs: str = "runs") -> Path:
        return self.folder / runs / spec(name, PLAIN).name


@pytest.fixture(scope="module")
def two(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Two:
    """One start for all tests: importing torch three times is most of the time."""
    out = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]
    # A free port of this computer's own, without asking for the name of its host.
    command += ["--rdzv_backend=c10d", "--rdzv_endpoint=127.0.0.1:0", "--local_addr=127.0.0.1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    if sys.platform == "linux":
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    started = subprocess.Popen(
        [*command, "-m", "tests.training.two_processes", str(data), str(out)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(out / "errors").open("w"),
        start_new_session=True,
    )
    try:
        status = started.wait(timeout=900)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(
                started.pid, signal.SIGKILL
            )  # those it started too, if it did not end by itself
    assert status == 0, (out / "errors").read_text()[-4000:]
    first, second = (json.loads((out / f"rank{rank}.json").read_text()) for rank in (0, 1))
    return Two(out, (first, second))


def columns(folder: Path) -> dict[str, list[float]]:
    with (folder / "history.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return Checkpoint.load(folder / "checkpoint").model.state_dict()


def test_where_only_crops_are_drawn_two_end_where_one_does(
    two: Two, toy: Collection, tmp_path: Path
) -> None:
    one = train(spec("plain", PLAIN), toy, tmp_path, "32-true", progress=False)
    ours, theirs = columns(one), columns(two.run("plain"))
    assert (
        len(splits.from_name(SPLIT, toy).valid) % 2 == 1
    )  # or no process would meet a track twice
    assert ours["val_track"] == theirs["val_track"]
    for name in ours:
        # Sums in another order, in single precision: 8e-5 of the largest weight apart; 0.7 of it
        # where each process's batch norms see its own half only.
        assert theirs[name] == pytest.approx(ours[name], abs=5e-4), name
    expected = weights(one)
    for name, value in weights(two.run("plain")).items():
        apart = float((value - expected[name]).abs().max())
        assert apart <= 1e-3 * max(1e-2, float(expected[name].abs().max())), name


def test_both_learn_with_draws_of_their_own_and_end_with_the_same_weights(
    two: Two, toy: Collection
) -> None:
    first, second = (seen["seeds"] for seen in two.seen)
    assert len(first) == len(second) == len(set(first) | set(second)) / 2
    for name in ("plain", "drawn"):
        config = json.loads((two.run(name) / "config.json").read_text())
        assert config["processes"] == 2
        assert len(set(config["weights_of_each"])) == 1
    classifier = Classifier(Checkpoint.load(two.run("drawn") / "checkpoint"))
    assert (
        scores(track_logits(classifier, toy, np.arange(40)), 1.0, toy.labels)["track_accuracy"]
        == 1.0
    )


def test_one_process_writes_each_epoch_once(two: Two) -> None:
    assert columns(two.run("drawn"))["epoch"] == list(range(DRAWN.epochs))
    assert sorted(file.name for file in two.run("drawn").iterdir()) == [
        "checkpoint",
        "config.json",
        "history.csv",
    ]


def test_a_stopped_run_ends_as_if_it_had_not_been(two: Two) -> None:
    straight = weights(two.run("short"))
    for name, value in weights(two.run("short", "again")).items():
        torch.testing.assert_close(value, straight[name], msg=name)


def test_a_run_of_two_is_a_finished_run_to_one(
    two: Two, toy: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pytorch_lightning.Trainer.fit", lambda *_, **__: pytest.fail("trained again")
    )
    assert train(spec("plain", PLAIN), toy, two.folder / "runs", progress=False) == two.run("plain")


def test_features_of_two_processes_are_those_of_one(two: Two, data: Path, tmp_path: Path) -> None:
    alone = gtzan(data, GTZAN_FRONT_END, tmp_path).features
    cache = two.folder / "runs" / "frames"
    assert len(list(cache.iterdir())) == len(list(cache.glob("*.npy"))) == len(alone)
    together = gtzan(data, GTZAN_FRONT_END, cache).features
    # dB; one thread or two sum a frame in another order, and 16 bits keep steps of 0.06 at −80 dB.
    for one, other in zip(alone.arrays(), together.arrays(), strict=True):
        np.testing.assert_allclose(one.astype(float), other.astype(float), atol=0.07)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("indivisible", "batch_size is 5, of all processes together, and does not divide among 2"),
        ("no data", "No GTZAN in"),
        ("not train", "only `train` runs in several processes"),
    ],
)
def test_errors_are_told_once(two: Two, what: str, sentence: str) -> None:
    (status, _, told), (other_status, _, silence) = (seen[what] for seen in two.seen)
    assert (status, other_status, silence) == (1, 1, "")
    assert told.count("\n") == 0
    assert sentence in told


@pytest.mark.parametrize("what", ["command", "manifest"])
def test_the_folder_is_printed_once(two: Two, what: str) -> None:
    (status, folder, _), other = (seen[what] for seen in two.seen)
    assert Path(folder.strip()).is_dir()
    assert (status, other) == (0, [0, "", ""])


def test_what_fails_in_one_fails_in_all(two: Two) -> None:
    assert [seen["failed"] for seen in two.seen] == ["OtherProcessFailed", "ZeroDivisionError"]


class TestShares:
    """What needs no second process to be seen."""

    @pytest.mark.parametrize(("size", "world"), [(24, 2), (25, 2), (26, 4), (24, 3)])
    def test_the_batches_of_a_step_joined_are_the_batch_of_one(self, size: int, world: int) -> None:
        batch = 12
        alone = list(EpochSampler(size, 1))
        orders = [list(EpochSampler(size, 1, ProcessGroup(rank, world))) for rank in range(world)]
        assert {len(order) for order in orders} == {size // world}
        assert len({item for order in orders for item in order}) == size // world * world
        for step in range(size // batch):
            share = slice(step * batch // world, (step + 1) * batch // world)
            joined = [item for order in orders for item in order[share]]
            assert sorted(joined) == sorted(alone[step * batch : (step + 1) * batch])

    @pytest.mark.parametrize("tracks", [1, 7, 8])
    def test_every_track_is_validated_by_someone_in_as_many_steps(
        self, toy: Collection, tracks: int
    ) -> None:
        split = splits.Split(
            np.arange(30), np.arange(30, 30 + tracks), np.array([], dtype=np.int64)
        )
        shares = [
            [
                int(track)
                for _, _, track in SegmentDataModule(
                    toy, split, 39, 8, 0, group=ProcessGroup(r, 3)
                ).val_dataloader()
            ]
            for r in range(3)
        ]
        assert len({len(share) for share in shares}) == 1
        assert {track for share in shares for track in share} == set(split.valid)

    def test_reading_ahead_changes_no_crop(self, toy: Collection) -> None:
        split = splits.from_name(SPLIT, toy)
        here, ahead = (
            list(SegmentDataModule(toy, split, 39, 8, 0, workers=n).train_dataloader())
            for n in (0, 1)
        )
        assert len(here) == len(ahead)
        for (mel, target, *_), (other, same, *_) in zip(here, ahead, strict=True):
            assert torch.equal(mel, other)
            assert torch.equal(target, same)

    def test_hosts_of_unequal_numbers_are_refused(self) -> None:
        with pytest.raises(ValueError, match="3 processes, 2 of them on this host"):
            ProcessGroup(0, 3, 0, 2).join()


def test_shared_batch_norm_is_batch_norm_where_one_process_has_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Outputs, gradients, running statistics against PyTorch's; sums over two are tested above."""
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 1)
    monkeypatch.setattr("training.distributed.all_reduce", lambda x: x)
    plain = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    torch.nn.init.uniform_(plain[0].weight)
    shared = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    shared.load_state_dict(plain.state_dict())
    with monkeypatch.context() as patch:
        patch.setattr("torch.cuda.is_available", lambda: False)
        ProcessGroup(0, 2).sync_batch_norm(shared)
    assert type(shared[0]).__name__ == "CPUSyncBatchNorm"
    x = -80 * torch.rand(4, 3, 5, 6)
    results = []
    for network in (plain, shared):
        given = x.clone().requires_grad_()
        answer = network(given)
        functional.mse_loss(answer, x / 80).backward()
        results.append((answer.detach(), given.grad, network[0].weight.grad, network[0].bias.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    for (name, one), other in zip(
        plain.state_dict().items(), shared.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(one, other, msg=name)
    torch.testing.assert_close(plain.eval()(x), shared.eval()(x))
