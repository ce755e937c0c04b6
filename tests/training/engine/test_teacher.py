"""A network that learns another one's answers beside the labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from tests.training.tiny import TINY, run, spec
from training.data.collection import Collection
from training.data.datamodule import RandomCrops
from training.engine.experiment import Experiment
from training.engine.module import TrainingModule
from training.engine.recipes import RECIPES
from training.engine.run import train
from training.evaluation.metrics import track_logits

TAUGHT = replace(TINY, teacher="toy", distillation=1.0)


def said(folder: Path, collection: Collection) -> list[int]:
    given = track_logits(
        Classifier(Checkpoint.load(folder / "checkpoint")), collection, np.arange(40)
    )
    return [int(k) for k in given.probabilities().argmax(axis=1)]


def test_with_all_of_the_loss_the_teacher_is_believed_against_every_label(
    toy: Collection, tmp_path: Path
) -> None:
    teacher = run(toy, tmp_path / "teacher", replace(TINY, epochs=15, conv_dropout=0.0))
    contradicted = replace(toy, targets=(toy.targets + 1) % 4)
    taught = replace(TAUGHT, epochs=15, conv_dropout=0.0)
    student = train(
        spec(taught), contradicted, tmp_path, "32-true", progress=False, teacher=teacher
    )
    assert said(student, toy) == said(teacher, toy) == list(toy.targets)


@pytest.mark.parametrize(
    "changes", [{}, {"mixup": 0.4}, {"frequency_mask": 30}], ids=["plain", "mixed", "masked"]
)
def test_answers_to_the_crop_as_it_is_heard_take_their_share_of_the_loss(
    toy: Collection, changes: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: a teacher who says what the student says adds the entropy of that answer, the least it can be."""
    crops = RandomCrops(toy, np.arange(8), 39, 0)
    parts = [crops[0, i] for i in range(len(crops))]
    batch = tuple(torch.stack([part[i] for part in parts]) for i in range(3))
    monkeypatch.setattr(TrainingModule, "log", lambda *_, **__: None)
    losses, heard = {}, []
    for share in (0.0, 0.25, 1.0):
        torch.manual_seed(0)
        module = TrainingModule(
            replace(TINY, distillation=share, **changes), GTZAN_FRONT_END, 4, 0, 10
        ).eval()  # type: ignore[arg-type]
        module.network.register_forward_hook(lambda _, given, answer: heard.append(answer.detach()))
        module._teacher = [module.network] if share else []
        losses[share] = float(module.training_step(batch, 0))  # type: ignore[arg-type]
    assert losses[0.25] == pytest.approx(0.75 * losses[0.0] + 0.25 * losses[1.0], rel=1e-5)
    entropy = -(heard[-1].softmax(-1) * heard[-1].log_softmax(-1)).sum(-1).mean()
    assert losses[1.0] == pytest.approx(float(entropy), rel=1e-5)
    another = functional.cross_entropy(heard[-1], heard[-1].roll(1, dims=-1).softmax(-1))
    assert losses[1.0] < float(another)


def test_the_teacher_neither_learns_nor_is_kept() -> None:
    teacher = CRNN(TINY.model_config(GTZAN_FRONT_END, 4))
    module = TrainingModule(TAUGHT, GTZAN_FRONT_END, 4, 0, 10, teacher=teacher)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not teacher.training
    module.train()
    assert not teacher.training
    assert set(module.state_dict()) == set(
        TrainingModule(TINY, GTZAN_FRONT_END, 4, 0, 10).state_dict()
    )


class TestWhichTeacher:
    @pytest.fixture
    def recipes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tiny = replace(TINY, epochs=1)
        monkeypatch.setitem(RECIPES, "first", tiny)
        monkeypatch.setitem(RECIPES, "teaches", replace(tiny, init_from="toy/first/all"))
        monkeypatch.setitem(
            RECIPES,
            "taught",
            replace(TAUGHT, epochs=1, teacher="teaches", init_from="toy/first/all"),
        )

    def test_it_is_trained_first_on_the_same_split_with_the_same_seed(
        self, toy: Collection, tmp_path: Path, recipes: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Experiment, "collection", lambda self, task, front_end=None: toy)
        shop = Experiment(tmp_path, tmp_path, "taught", "32-true", progress=False)
        taught = shop.spec("toy", "fold:0/valid", 3)
        before = [before.name for before in shop.prerequisites(taught)]
        assert before == [
            "toy-first-all-seed0",
            "toy-first-all-seed0",
            "toy-teaches-fold0-valid-seed3",
        ]
        shop.train(taught)
        assert {folder.name for folder in tmp_path.iterdir()} == {*before, taught.name}

    @pytest.mark.parametrize("name", ["nobody", "taught"])
    def test_one_that_is_not_there_or_has_a_teacher_itself_is_refused(
        self, tmp_path: Path, name: str, recipes: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(RECIPES, "wrong", replace(TAUGHT, teacher=name))
        shop = Experiment(tmp_path, tmp_path, "wrong")
        with pytest.raises(
            ValueError, match=f"teacher '{name}': the name of a recipe without a teacher"
        ):
            shop.train(shop.spec("genre", "all", 0))

    @pytest.mark.parametrize("changes", [{"teacher": ""}, {"distillation": 0.0}])
    def test_a_teacher_and_a_share_go_together(
        self, toy: Collection, tmp_path: Path, changes: dict[str, object]
    ) -> None:
        with pytest.raises(
            ValueError, match="a teacher is needed just where distillation is above 0"
        ):
            train(spec(replace(TAUGHT, **changes)), toy, tmp_path)  # type: ignore[arg-type]
