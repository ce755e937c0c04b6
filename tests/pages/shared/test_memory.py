"""Freed memory goes back to the system."""

import subprocess
import sys

import pytest

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
