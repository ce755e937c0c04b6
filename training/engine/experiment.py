"""An experiment: where its data and runs are, and which runs have to be trained before a run."""

from dataclasses import dataclass, replace
from pathlib import Path

from crnn.audio.front_end import FrontEnd
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import Collection, DataError, load
from training.data.partial_labels import auxiliary_clips
from training.distributed import ProcessGroup
from training.engine.recipes import RECIPES, from_scratch
from training.engine.run import RunSpec, train


@dataclass(frozen=True)
class Experiment:
    """Where things are, and how to train what is missing."""

    data: Path
    runs: Path
    recipe: str | None = None
    precision: str = "auto"
    progress: bool = True
    workers: int | None = None
    max_epochs: int | None = None  # of any run, for a rehearsal

    def collection(self, task: str, front_end: FrontEnd | None = None) -> Collection:
        return ProcessGroup.current().run_on_all(
            lambda: load(task, self.data, self.runs / "frames", front_end)
        )

    def spec(self, task: str, split: str, seed: int) -> RunSpec:
        """The run of a task's recipe; quadrants are trained by mood's."""
        name = self.recipe or ("mood" if task == "quadrant" else task)
        return RunSpec(task, name, RECIPES[name], split, seed)

    def folder(self, spec: RunSpec) -> Path:
        """Where a run lies, or will."""
        return self.runs / self._shortened(spec).name

    def finished(self, spec: RunSpec) -> bool:
        """Whether a run is there and need not be trained."""
        return (self.folder(spec) / "checkpoint" / "config.json").exists()

    def cost(self, spec: RunSpec, front_end: FrontEnd | None = None) -> float:
        """What a run takes, in epochs of frames; only to compare runs with each other."""
        collection = self.collection(spec.task, front_end)
        frames = sum(
            collection.features.count(int(track))
            for track in splits.from_name(spec.split, collection).train
        )
        return float(frames * self._shortened(spec).recipe.epochs)

    def _shortened(self, spec: RunSpec) -> RunSpec:
        if self.max_epochs is None or spec.recipe.epochs <= self.max_epochs:
            return spec
        recipe = replace(spec.recipe, epochs=self.max_epochs)
        return replace(
            spec, recipe=recipe, recipe_name=f"{spec.recipe_name}-{self.max_epochs}epochs"
        )

    def train(self, spec: RunSpec, collection: Collection | None = None) -> Path:
        """The folder of a finished run; trains it, and what it begins from, where they are missing."""
        start, teacher = self.init_from(spec), self.teacher(spec)
        # Its own collection first: whoever lacks both is told of this one.
        collection = collection or self.collection(spec.task)
        donor = self._donor(spec, start) if start else None
        taught_by = self.train(teacher, collection) if teacher else None
        beside = None
        if spec.recipe.beside:
            beside = ProcessGroup.current().run_on_all(
                lambda: auxiliary_clips(self.data, self.runs / "frames")
            )
        spec = self._shortened(spec)
        return train(
            spec,
            collection,
            self.runs,
            self.precision,
            self.progress,
            donor,
            taught_by,
            beside,
            self.workers,
        )

    def prerequisites(self, spec: RunSpec) -> list[RunSpec]:
        """The runs that have to be finished before a run begins: what it begins from, and what teaches it."""
        found: list[RunSpec] = []
        for before in (self.init_from(spec), self.teacher(spec)):
            if before:
                found += [*self.prerequisites(before), before]
        return found

    def teacher(self, spec: RunSpec) -> RunSpec | None:
        """The run whose answers a run learns, None where it learns labels alone. ValueError if its recipe names none such."""
        name = spec.recipe.teacher
        if not name:
            return None
        if name not in RECIPES or RECIPES[name].teacher:
            raise ValueError(f"teacher {name!r}: the name of a recipe without a teacher is needed")
        return RunSpec(spec.task, name, RECIPES[name], spec.split, spec.seed)

    def init_from(self, spec: RunSpec) -> RunSpec | None:
        """The run that a run begins from, None where it begins at random. ValueError if its recipe names none such."""
        if not spec.recipe.init_from:
            return None
        task, _, rest = spec.recipe.init_from.partition("/")
        recipe, _, split = rest.partition("/")
        if recipe not in RECIPES or RECIPES[recipe].init_from or not split:
            raise ValueError(
                f"start {spec.recipe.init_from!r}: TASK/RECIPE/SPLIT is needed, of a recipe that begins at random"
            )
        return RunSpec(task, recipe, RECIPES[recipe], split, 0)

    def _donor(self, spec: RunSpec, start: RunSpec) -> Path:
        try:
            return self.train(start)
        except DataError as error:
            raise DataError(
                f"{error} Recipe {spec.recipe_name} begins from a network that learned it; to do without, give --recipe one of "
                f"{', '.join(from_scratch())}."
            ) from error

    def classifier(self, spec: RunSpec, collection: Collection) -> Classifier:
        return Classifier(Checkpoint.load(self.train(spec, collection) / "checkpoint"))
