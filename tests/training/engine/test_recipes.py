"""Recipes are read from YAML, and settings are checked where they are given."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from training.engine import recipes
from training.engine.recipes import RECIPES, Recipe, from_scratch

ENTRIES = yaml.safe_load(Path(recipes.__file__).with_name("recipes.yaml").read_text())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_holds_its_differences_and_their_reason(name: str) -> None:
    entry = ENTRIES[name]
    assert len(entry["why"]) > 20
    base = RECIPES[entry["base"]] if "base" in entry else Recipe()
    settings = {key: value for key, value in entry.items() if key not in ("why", "base")}
    repeated = [key for key in settings if getattr(base, key) == getattr(RECIPES[name], key)]
    assert not repeated


def test_recipes_build_networks_of_moderate_size() -> None:
    for name, recipe in RECIPES.items():
        config = recipe.model_config(GTZAN_FRONT_END, 10)
        size = sum(p.numel() for p in CRNN(config).parameters())
        assert size < 1_000_000, name


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_a_bundled_network_is_what_its_recipe_trains(task: str) -> None:
    checkpoint, recipe = Checkpoint.load(task), RECIPES[task]
    assert checkpoint.front_end == replace(GTZAN_FRONT_END, hop_length=recipe.hop_length)
    assert checkpoint.segment_seconds == recipe.segment_seconds
    classes = len(checkpoint.labels)
    assert checkpoint.model.config == recipe.model_config(checkpoint.front_end, classes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epoch": 3}, "recipe setting epoch: one of .*epochs.* is needed"),
        ({"epochs": "many"}, "recipe setting epochs: .*integer"),
        ({"epochs": 0}, "recipe setting epochs: .*greater than or equal to 1"),
        ({"dropout": 1.0}, "recipe setting dropout: .*less than 1"),
        ({"optimizer": "lion"}, "recipe setting optimizer: .*'adam', 'adamw' or 'sgd'"),
        ({"channels": 4}, "recipe setting channels: .*tuple"),
        ({"auxiliary": 0.5, "distillation": 3}, "recipe setting auxiliary: 0 is needed with dist"),
    ],
)
def test_settings_out_of_bounds_are_one_sentence(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Recipe().changed(settings)
    assert "\n" not in str(caught.value)


def test_lists_become_tuples_and_recipes_stay_comparable() -> None:
    recipe = Recipe().changed({"channels": [4, 8, 8, 8], "noise_db": [10, 20]})
    assert recipe.channels == (4, 8, 8, 8)
    assert recipe == Recipe().changed(recipe.to_dict())
    assert hash(recipe) == hash(Recipe().changed(recipe.to_dict()))


def test_recipes_that_need_no_other_collection() -> None:
    assert {"genre-alone", "mood-start", "paper-genre"} <= set(from_scratch())
    assert "genre" not in from_scratch()
