"""Dependencies are those of the requirements files, and what the wheel holds is there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lines: list[str]) -> set[str]:
    return {re.sub(r"\s*#.*", "", line) for line in lines} - {""}


def required(name: str) -> set[str]:
    return pins((ROOT / f"requirements{name}.txt").read_text().splitlines())


def test_extras_are_the_requirements_files() -> None:
    core = pins(PROJECT["project"]["dependencies"])
    extras = {
        name: pins(deps) for name, deps in PROJECT["project"]["optional-dependencies"].items()
    }
    assert core | extras["app"] == required("")
    assert extras["train"] <= required("") | required("-training")
    assert required("-training") <= core | extras["train"]
    assert extras["tags"] | extras["collections"] <= required("-test")
    for name in ("onnx", "test"):
        assert extras[name] == required(f"-{name}")


def test_the_wheel_takes_the_bundled_checkpoints() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"assets/checkpoints": "crnn/checkpoints"}
    for task in ("genre", "mood"):
        assert (ROOT / "assets/checkpoints" / task / "model.safetensors").is_file()
