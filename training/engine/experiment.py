"""An experiment: where its data and runs are, and which runs have to be trained before a run."""

from dataclasses import dataclass, replace
from pathlib import Path

from crnn.audio.front_end import FrontEnd
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import Collection, DataError, load
from training.data.partial_labels import auxiliary_clips
from training.data.teacher import teacher_outputs
from training.distributed import ProcessGroup
from training.engine import run
from training.engine.recipes import RECIPES, Recipe, from_scratch
from training.engine.run import RunSpec


@dataclass(frozen=True)
class Experiment:
    """Paths and options of an experiment (training.commands.shared_options); trains missing runs.

    Attributes:
        data: folder of the collections, or a manifest.
        runs: folder of runs and computed features.
        recipe: its name; default: the task's.
        precision, progress, workers: see `training.engine.run.train`.
        max_epochs: of any run, for a trial.
        skip_broken: leave out tracks whose audio is missing or can't be decoded.
    """

    data: Path
    runs: Path
    recipe: str | None = None
    precision: str = "auto"
    progress: bool = True
    workers: int | None = None
    max_epochs: int | None = None
    skip_broken: bool = False

    @property
    def cache(self) -> Path:
        """Folder of computed features."""
        return self.runs / "frames"

    def collection(self, task: str, front_end: FrontEnd | None = None) -> Collection:
        """The collection behind a task (training.data.collection.load).

        Args:
            front_end: default: the collection's, with the hop of the task's recipe.
        """
        if front_end is None and task != "new-songs":
            front_end = self._recipe(task).front_end
        group = ProcessGroup.current()
        return group.run_on_all(
            lambda: load(task, self.data, self.cache, front_end, self.skip_broken)
        )

    def spec(self, task: str, split: str, seed: int) -> RunSpec:
        """The run of a task's recipe; quadrants use the one of mood."""
        name, recipe = self._recipe_name(task), self._recipe(task)
        if task == "quadrant":  # every clip has one: none is partially labelled
            recipe = replace(recipe, auxiliary=0.0)
        return RunSpec(task, name, recipe, split, seed)

    def folder(self, spec: RunSpec) -> Path:
        """A run's folder, which may not exist yet."""
        return self.runs / self._shortened(spec).name

    def finished(self, spec: RunSpec) -> bool:
        """Whether a run is finished and need not be trained."""
        return run.finished(self.folder(spec))

    def cost(self, spec: RunSpec, front_end: FrontEnd | None = None) -> float:
        """Frames times epochs of a run; only to compare runs with each other."""
        collection = self.collection(spec.task, front_end)
        tracks = splits.from_name(spec.split, collection).train
        frames = sum(collection.features.count(int(track)) for track in tracks)
        return float(frames * self._shortened(spec).recipe.epochs)

    def train(self, spec: RunSpec, collection: Collection | None = None) -> Path:
        """A finished run's folder; trains it, and the run it is initialised from, if missing."""
        first = self.init_from(spec)
        # Its own collection first: where both are missing, the error names this one.
        collection = collection or self.collection(spec.task, spec.recipe.front_end)
        initial_run = self._initial_run(spec, first, collection.front_end) if first else None
        auxiliary = teacher = None
        group = ProcessGroup.current()
        if spec.recipe.auxiliary:
            auxiliary = group.run_on_all(
                lambda: auxiliary_clips(
                    self.data, self.cache, collection.front_end, self.skip_broken, spec.task
                )
            )
        if spec.recipe.distillation and not self.finished(spec):
            # A finished run needs no teacher, whose outputs take longer than the run.
            tracks = splits.from_name(spec.split, collection).train.tolist()
            teacher = group.run_on_all(
                lambda: teacher_outputs(self.data, self.cache, collection, tracks)
            )
        return run.train(
            self._shortened(spec),
            collection,
            self.runs,
            self.precision,
            self.progress,
            initial_run,
            auxiliary,
            self.workers,
            teacher,
        )

    def init_from(self, spec: RunSpec) -> RunSpec | None:
        """The run that a run is initialised from, None for random weights."""
        if not spec.recipe.init_from:
            return None
        task, _, rest = spec.recipe.init_from.partition("/")
        recipe, _, split = rest.partition("/")
        if recipe not in RECIPES or RECIPES[recipe].init_from or not split:
            raise ValueError(
                f"init_from {spec.recipe.init_from!r}: TASK/RECIPE/SPLIT is needed, of a recipe "
                "that starts from random weights"
            )
        return RunSpec(task, recipe, RECIPES[recipe], split, 0)

    def classifier(self, spec: RunSpec, collection: Collection) -> Classifier:
        """The network of a run; trains it where it is missing."""
        return Classifier(Checkpoint.load(self.train(spec, collection) / "checkpoint"))

    def _recipe_name(self, task: str) -> str:
        return self.recipe or ("mood" if task == "quadrant" else task)

    def _recipe(self, task: str) -> Recipe:
        return RECIPES[self._recipe_name(task)]

    def _initial_run(self, spec: RunSpec, first: RunSpec, front_end: FrontEnd) -> Path:
        try:
            return self.train(first, self.collection(first.task, front_end))
        except DataError as error:
            raise DataError(
                f"{error} Recipe {spec.recipe_name} is initialised from a network that learned it; "
                f"to do without, give --recipe one of {', '.join(from_scratch())}."
            ) from error

    def _shortened(self, spec: RunSpec) -> RunSpec:
        if self.max_epochs is None or spec.recipe.epochs <= self.max_epochs:
            return spec
        recipe = replace(spec.recipe, epochs=self.max_epochs)
        return replace(
            spec, recipe=recipe, recipe_name=f"{spec.recipe_name}-{self.max_epochs}epochs"
        )
