"""The app where neither code nor environment nor home can be written."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import os
import pathlib

import pytest

for folder in os.environ["READ_ONLY"].split(os.pathsep):
    with pytest.raises(OSError, match="Read-only"):
        (pathlib.Path(folder) / "new").write_text("")

from crnn.sources.examples import EXAMPLES
from tests.pages.visit import opened

page = opened("", example="hunting")
assert not page.exception, page.exception
page.session_state["details"] = "Classic approach (SVM)"
page.run(timeout=300)
assert not page.exception, page.exception
charts = [chart.proto.id for chart in page.get("plotly_chart")]
assert any("svm-beside" in chart for chart in charts), charts
for name in ("lab", "compare", "how", "results"):
    page = opened(name, **({"examples": ["hunting"]} if name == "compare" else {}))
    assert not page.exception, (name, page.exception)
print("all right")
"""


def run(code: str, tmp_path: Path, **environment: str) -> str:
    """What Python prints where nothing but `temporary` can be written."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    settings = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "READ_ONLY": os.pathsep.join((str(ROOT), sys.prefix, str(home))),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tests/readonly"), str(ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_page_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    assert run(CODE, tmp_path).endswith("all right\n")


CACHE = """
from crnn.baseline.librosa_cache import librosa, numba
import librosa.core
print(numba.config.CACHE_DIR, flush=True)
"""


def test_compiled_functions_go_where_one_process_alone_can_write(tmp_path: Path) -> None:
    alone = run(CACHE, tmp_path, NUMBA_CACHE_DIR="").strip()
    assert Path(alone).parent == tmp_path / "temporary"
    assert not Path(alone).exists()  # removed at exit
    home = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(tmp_path / "writable")}
    first = f"import subprocess, sys{CACHE}" + (
        f"subprocess.run([sys.executable, '-c', {CACHE!r}], check=True)"
    )
    one, other = run(first, tmp_path, **home).splitlines()
    assert one == str(tmp_path / "writable/crnn-numba")
    assert Path(other).parent == tmp_path / "temporary"
    assert run(CACHE, tmp_path, **home).strip() == one  # its owner has ended
