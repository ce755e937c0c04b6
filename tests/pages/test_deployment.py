"""What docs/deploy.md and the example of secrets promise."""

import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

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
        "417 MB",
        "--server.address",
        "docker run --read-only --tmpfs /tmp",
        "cp space/README.md README.md",
        "proxy_set_header Upgrade",
        "client_max_body_size",
        "Not tested",
    ):
        assert words in text


def instructions(name: str) -> list[str]:
    """What the Dockerfile's instructions of that name say."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    return re.findall(rf"(?m)^{name} +(.+)", text)


def test_the_image_runs_for_a_user_without_rights_and_the_space_knows_its_port() -> None:
    (requirements,) = re.findall(r"pip install .* -r (\S+)", " ".join(instructions("RUN")))
    assert requirements in " ".join(instructions("COPY"))
    assert int(instructions("USER")[-1].split(":")[0]) > 0
    (version,) = re.findall(r"^python:([\d.]+)", instructions("FROM")[0])
    assert f"Python **{version}**" in (ROOT / "docs/deploy.md").read_text()
    header = yaml.safe_load((ROOT / "space/README.md").read_text().split("---\n")[1])
    assert header["sdk"] == "docker"
    assert [str(header["app_port"])] == instructions("EXPOSE")
    assert len(header["short_description"]) <= 60


def test_what_the_image_copies_is_enough_and_its_health_check_holds(tmp_path: Path) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for name in kept:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, target)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    serve, check = (
        json.loads(
            instructions(name)[-1][instructions(name)[-1].index("[") :].replace("8501", port)
        )
        for name in ("CMD", "HEALTHCHECK")
    )
    server = subprocess.Popen([sys.executable, "-m", *serve], cwd=tmp_path)
    try:
        first_page = (
            "from streamlit.testing.v1 import AppTest\n"
            "page = AppTest.from_file('app.py').run(timeout=120)\n"
            "assert not page.exception, page.exception"
        )
        subprocess.run([sys.executable, "-c", first_page], cwd=tmp_path, check=True)
        health = subprocess.run([sys.executable, *check[1:]], check=False)
        assert health.returncode == 0
    finally:
        server.terminate()
        server.wait(20)
    assert subprocess.run([sys.executable, *check[1:]], stderr=-3, check=False).returncode != 0
