"""What docs/deploy.md and the example of secrets promise."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_requirements_name_no_index() -> None:
    for file in ROOT.glob("requirements*.txt"):
        assert not re.search(r"(?m)^\s*(--|-i\b|-f\b)|https?://", file.read_text()), file.name


def test_secrets_are_ignored_and_their_example_is_not() -> None:
    def ignored(name: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT).returncode == 0

    assert ignored(".streamlit/secrets.toml")
    assert not ignored(".streamlit/secrets.toml.example")


def test_the_example_of_secrets_names_what_is_read_and_holds_none() -> None:
    text = (ROOT / ".streamlit/secrets.toml.example").read_text()
    assert tomllib.loads(text) == {"SPOTIFY_AUDIO": False}
    uncommented = tomllib.loads(re.sub(r"(?m)^# (?=[A-Z_]+ = )", "", text))
    code = "".join(
        file.read_text() for folder in ("crnn", "pages") for file in (ROOT / folder).rglob("*.py")
    )
    for name, value in uncommented.items():
        assert name in code or name in ("GENRE_CHECKPOINT", "MOOD_CHECKPOINT"), name
        assert value is False or "..." in value or value.startswith("user/"), name


def test_deploying_says_what_it_must() -> None:
    text = (ROOT / "docs/deploy.md").read_text()
    for words in (
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "Python **3.11**",
        "690 MB",
        "502 MB",
        "--server.address",
        "proxy_set_header Upgrade",
        "client_max_body_size",
        "Not tested",
    ):
        assert words in text
