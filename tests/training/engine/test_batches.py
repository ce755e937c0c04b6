"""What a step of training reads: crops, tags, partially labelled clips."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.labels import GENRES
from crnn.model.checkpoint import Checkpoint
from tests.training.tiny import TINY, run, spec
from training.data import splits
from training.data.collection import Collection
from training.data.datamodule import EpochSampler, RandomCrops, SegmentDataModule, TrackSegments
from training.data.feature_store import FeatureStore
from training.data.partial_labels import PartiallyLabelled, auxiliary_clips
from training.data.teacher import TeacherOutputs
from training.engine.module import TrainingModule
from training.engine.recipes import Recipe
from training.engine.run import train


def whole_batch(crops: RandomCrops) -> tuple[torch.Tensor, ...]:
    """All crops of the first epoch, as a step of training reads them."""
    return tuple(
        torch.stack(parts) for parts in zip(*(crops[0, i] for i in range(len(crops))), strict=True)
    )


def step(recipe: Recipe, batch: tuple[torch.Tensor, ...]) -> tuple[TrainingModule, torch.Tensor]:
    """A new module, the same for every recipe but for its auxiliary layers, and its loss."""
    torch.manual_seed(0)
    module = TrainingModule(recipe, GTZAN_FRONT_END, 4, 0, 10, n_tags=1, n_outputs=1).eval()
    module.log = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    return module, module.training_step(batch, 0)  # type: ignore[arg-type]


class TestData:
    def test_crops_are_as_many_as_segments_fit_and_repeat_with_the_seed(
        self, toy: Collection
    ) -> None:
        crops, again = (RandomCrops(toy, np.arange(40), 39, seed=1) for _ in range(2))
        assert len(crops) == 40 * 3
        assert all(torch.equal(crops[2, i][0], again[2, i][0]) for i in range(len(crops)))
        assert not all(torch.equal(crops[2, i][0], crops[3, i][0]) for i in range(len(crops)))

    def test_every_epoch_has_all_crops_in_an_order_of_its_own(self) -> None:
        order = EpochSampler(20, seed=1)
        first = list(order)
        order.set_epoch(1)
        second = list(order)
        assert sorted(first) == [(0, i) for i in range(20)]
        assert sorted(second) == [(1, i) for i in range(20)]
        assert [i for _, i in first] != [i for _, i in second]

    def test_a_crop_is_a_piece_of_its_track(self, toy: Collection) -> None:
        crop, candidates, tags, outputs = RandomCrops(toy, np.array([5]), 39, 0)[0, 0]
        mel = toy.features.mel(5)
        assert list(candidates) == [float(k == toy.targets[5]) for k in range(4)]
        assert len(tags) == len(outputs) == 0
        assert any(torch.equal(crop[0], mel[:, i : i + 39]) for i in range(mel.shape[1] - 38))

    def test_no_crop_or_segment_reaches_into_silence(self, toy: Collection) -> None:
        mel = np.concatenate([toy.features.mel(1).numpy(), np.full((128, 200), -80.0)], axis=1)
        quiet = replace(toy, features=FeatureStore.from_mels([mel] * 40))
        crops, audible = RandomCrops(quiet, np.arange(40), 39, 0), toy.features.count(1)
        assert len(crops) == 40 * -(-(audible - 1) // 39)
        assert all(float(crops[0, i][0].amax(dim=1).min()) > -80 for i in range(0, 90, 7))
        segments = TrackSegments(quiet, np.array([7]), 39)[0][0]
        assert len(segments) == 3
        assert bool((segments[:, 0].amax(dim=1) > -80).all())

    def test_short_tracks_are_repeated(self, toy: Collection) -> None:
        crop, *_ = RandomCrops(toy, np.array([0]), 200, 0)[0, 0]
        assert crop.shape == (1, 128, 200)

    def test_tracks_come_whole(self, toy: Collection) -> None:
        segments, target, track = TrackSegments(toy, np.array([7]), 39)[0]
        assert segments.shape == (3, 1, 128, 39)
        assert (int(target), int(track)) == (int(toy.targets[7]), 7)


class TestTags:
    """Tags that say whether a track's number is odd, which its class does not."""

    @pytest.fixture
    def tagged(self, toy: Collection) -> Collection:
        odd = (np.arange(40)[:, None] // 4 % 2).astype(np.float32)
        return replace(toy, tag_names=("odd",), tags=odd)

    def test_a_crop_brings_its_tracks_tags(self, tagged: Collection) -> None:
        assert [float(RandomCrops(tagged, np.array([t]), 39, 0)[0, 0][2]) for t in (3, 4)] == [0, 1]

    def test_their_loss_is_added_and_reaches_the_network(self, tagged: Collection) -> None:
        crops = RandomCrops(tagged, np.arange(8), 39, 0)
        batch = whole_batch(crops)
        _, without = step(TINY, batch)
        module, loss = step(replace(TINY, tags=5.0), batch)
        said = module.tagger(module.network.embed(batch[0])).detach()  # type: ignore[misc]
        apart = torch.nn.functional.binary_cross_entropy_with_logits(said, batch[2])
        assert (loss - without).item() == pytest.approx(5 * float(apart), rel=1e-3)
        loss.backward()
        assert all(p.grad is not None for p in module.network.convolutions.parameters())

    def test_the_tag_layer_is_learned_too(self, tagged: Collection) -> None:
        module = TrainingModule(replace(TINY, tags=5.0), GTZAN_FRONT_END, 4, 0, 10, n_tags=1)
        found = module.configure_optimizers()
        optimizer = found["optimizer"] if isinstance(found, dict) else found
        learned = {id(p) for group in optimizer.param_groups for p in group["params"]}
        assert learned == {id(p) for p in module.parameters()}
        assert id(module.tagger.weight) in learned  # type: ignore[union-attr, arg-type]

    def test_the_checkpoint_holds_the_network_alone(
        self, tagged: Collection, tmp_path: Path
    ) -> None:
        folder = run(tagged, tmp_path, replace(TINY, tags=1.0), "all")
        loaded = Checkpoint.load(folder / "checkpoint").model
        assert not [name for name in loaded.state_dict() if "tag" in name]

    def test_a_collection_without_any_is_refused(self, toy: Collection, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="has none"):
            run(toy, tmp_path, replace(TINY, tags=1.0), "all")


class TestDistillation:
    """A teacher with one output, which says whether a track's number is odd."""

    @pytest.fixture
    def teacher(self) -> TeacherOutputs:
        return TeacherOutputs(tuple(np.full((3, 1), i % 2, np.float32) for i in range(40)), 1)

    def test_a_crop_brings_the_teachers_outputs(
        self, toy: Collection, teacher: TeacherOutputs
    ) -> None:
        crops = RandomCrops(toy, np.array([3, 4]), 39, 0, teacher=teacher)
        assert [float(crops[0, i][3]) for i in (0, len(crops) - 1)] == [1, 0]

    def test_its_loss_is_added(self, toy: Collection, teacher: TeacherOutputs) -> None:
        crops = RandomCrops(toy, np.arange(8), 39, 0, teacher=teacher)
        batch = whole_batch(crops)
        _, without = step(TINY, batch)
        module, loss = step(replace(TINY, distillation=3.0), batch)
        said = module.student(module.network.embed(batch[0])).detach()  # type: ignore[misc]
        apart = float(((said - batch[3]) ** 2).mean())
        assert (loss - without).item() == pytest.approx(3 * apart, rel=1e-3)

    def test_a_run_records_its_teacher(
        self, toy: Collection, teacher: TeacherOutputs, tmp_path: Path
    ) -> None:
        recipe = replace(TINY, epochs=1, distillation=3.0)
        folder = train(spec(recipe), toy, tmp_path, "32-true", False, teacher=teacher)
        assert json.loads((folder / "config.json").read_text())["teacher"] == teacher.digest
        loaded = Checkpoint.load(folder / "checkpoint").model
        assert not [name for name in loaded.state_dict() if "student" in name]
        with pytest.raises(ValueError, match="distillation=3"):
            run(toy, tmp_path / "again", recipe)
        assert run(toy, tmp_path, recipe) == folder, "a finished run does without"


class TestPartialLabels:
    """Clips of another collection that may be of several classes."""

    @pytest.fixture
    def auxiliary(self, toy: Collection) -> PartiallyLabelled:
        """Ten of the toy's tracks, each of its class or the next."""
        rows = toy.candidates[:10] + np.roll(toy.candidates[:10], 1, axis=1)
        features = FeatureStore.from_mels([toy.features.mel(i).numpy() for i in range(10)])
        return PartiallyLabelled("others", GTZAN_FRONT_END, features, rows)

    def loss(self, logits: torch.Tensor, candidates: torch.Tensor, smoothing: float) -> float:
        recipe = replace(TINY, label_smoothing=smoothing)
        return float(TrainingModule(recipe, GTZAN_FRONT_END, 4, 0, 10)._loss(logits, candidates))

    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_one_candidate_is_the_usual_cross_entropy(self, smoothing: float) -> None:
        logits, target = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 2])
        usual = torch.nn.functional.cross_entropy(logits, target, label_smoothing=smoothing)
        assert self.loss(logits, torch.eye(4)[target], smoothing) == pytest.approx(
            float(usual), rel=1e-5
        )

    def test_only_what_lies_outside_the_candidates_costs(self) -> None:
        logits = torch.tensor([[2.0, 1.0, -9.0, 0.0]])
        outside = float(logits.softmax(-1)[0, 2:].sum())
        assert self.loss(logits, torch.tensor([[1.0, 1, 0, 0]]), 0) == pytest.approx(
            -np.log(1 - outside), rel=1e-5
        )
        assert self.loss(logits, torch.ones(1, 4), 0) == pytest.approx(0, abs=1e-6)

    def test_an_epoch_has_the_fraction_of_them_that_was_asked_for(
        self, toy: Collection, auxiliary: PartiallyLabelled
    ) -> None:
        data = SegmentDataModule(
            toy, splits.from_name("all", toy), 39, 8, 0, auxiliary=auxiliary, fraction=0.5
        )
        crops = data.crops
        assert len(crops) == 40 * 3 + 10 * 2
        assert [float(crops[0, i][1].sum()) for i in (0, 119, 120, 139)] == [1, 1, 2, 2]

    def test_a_run_records_its_auxiliary_clips(
        self, toy: Collection, auxiliary: PartiallyLabelled, tmp_path: Path
    ) -> None:
        recipe = replace(TINY, epochs=1, auxiliary=0.5)
        folder = train(spec(recipe), toy, tmp_path, "32-true", False, auxiliary=auxiliary)
        assert json.loads((folder / "config.json").read_text())["beside"] == auxiliary.digest
        assert "auxiliary: 10 of others" in Checkpoint.load(folder / "checkpoint").data
        with pytest.raises(ValueError, match=r"auxiliary=0\.5"):
            run(toy, tmp_path / "again", recipe)

    def test_clips_without_a_mood_are_dark_or_sad_and_known_artists_alone_train(
        self, data: Path, tmp_path: Path
    ) -> None:
        found = auxiliary_clips(data, tmp_path, task="mood")
        assert found.candidates.tolist() == [[1, 0, 0, 0, 1]] * 10  # every sixth clip
        assert found.tags is not None
        fewer = found.without({"artist 3", "artist 60"})  # C5's; nobody's
        assert fewer.tags is not None
        assert len(fewer.features) == len(fewer.tags) == 9 == len(fewer.candidates)
        assert "artist 3" not in fewer.groups
        assert fewer.digest != found.digest
        assert found.without({"artist 60"}) is found

    def test_genres_of_the_other_collection_name_candidates(
        self, data: Path, tmp_path: Path
    ) -> None:
        """Every other clip is jazz, and those of new songs' artists are not among them."""
        found = auxiliary_clips(data, tmp_path)
        assert len(found.features) == sum(i % 2 for i in range(5, 60))
        assert {GENRES[k] for k in found.candidates.argmax(axis=1)} == {"jazz"}
        assert found.candidates.sum() == len(found.features)
