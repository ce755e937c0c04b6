"""A recipe and runs that take seconds."""

from pathlib import Path

from training.data.collection import Collection
from training.engine.recipes import Recipe
from training.engine.run import RunSpec, train

TINY = Recipe(
    epochs=6,
    batch_size=8,
    learning_rate=5e-3,
    channels=(4, 8, 8, 8),
    gru=8,
    patience=0,
    dropout=0.0,
)


def spec(recipe: Recipe = TINY, split: str = "all", seed: int = 0) -> RunSpec:
    return RunSpec("toy", "tiny", recipe, split, seed)


def run(toy: Collection, folder: Path, recipe: Recipe = TINY, split: str = "all") -> Path:
    return train(spec(recipe, split), toy, folder, precision="32-true", progress=False)
