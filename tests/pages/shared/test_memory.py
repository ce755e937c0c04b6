"""Freed memory goes back to the system."""

import gc
import subprocess
import sys

import pytest

from pages.shared import models

CODE = """
import numpy as np, psutil, sys
from pages.shared.models import return_large_blocks
if "{how}" == "returned":
    assert return_large_blocks()
blocks = [np.ones(2_000_000) for _ in range(12)]   # 16 MB each
for _ in range(3):  # freed once, glibc would keep blocks of this size
    blocks = [np.ones(2_000_000) for _ in range(12)]
keep = [np.ones(1000) for _ in range(2000)]
before = psutil.Process().memory_info().rss
del blocks
print((before - psutil.Process().memory_info().rss) >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc's mallopt")
def test_large_blocks_are_returned_when_freed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(how="returned")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) > 150  # of 183 MB


def test_modules_are_left_out_of_garbage_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_spared", 0)
    try:
        models.spare_modules()
        frozen = gc.get_freeze_count()
        assert frozen > 50_000
        assert len(gc.get_objects()) < frozen / 10
        models.spare_modules()  # nothing was imported since
        assert gc.get_freeze_count() <= frozen
    finally:
        gc.unfreeze()
