"""Sounds that tests are made of: no network, no research data."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import nbformat
import numpy as np
import pytest
import soundfile
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN

ROOT = Path(__file__).parents[1]
# A cache of compiled functions for each of pytest-xdist's processes, set before librosa is
# imported: numba's is not safe to fill from two at once, and once corrupt it ends every process.
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
COMPILED = ROOT / ".pytest_cache" / "numba"  # by the process that starts the others
os.environ["NUMBA_CACHE_DIR"] = f"{COMPILED}-{WORKER}"

# How long an example takes says more of the machine's other work than of the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes test, one compiles what librosa needs, and each gets a copy.

    It takes half a minute, and several times that in four processes at once on two cores.
    """
    own = Path(os.environ["NUMBA_CACHE_DIR"])
    if WORKER and not own.exists() and COMPILED.exists():
        shutil.copytree(COMPILED, own)
    if WORKER is None and config.getoption("numprocesses", None) and not COMPILED.exists():
        partial = COMPILED.with_name(f"numba-partial-{os.getpid()}")
        code = "from crnn.baseline.features import prepare; prepare()"
        environment = os.environ | {"NUMBA_CACHE_DIR": str(partial)}
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
        partial.rename(COMPILED)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one of pytest-xdist's processes; those of whole pages, in any."""
    for item in items:
        group = item.path.relative_to(ROOT / "tests").as_posix()
        if group == "browser/test_accessibility.py":
            group = item.name
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than cores, since those with the browser tests wait half of their time."""
    return (os.cpu_count() or 1) + 2


def run_notebook(text: str) -> dict[str, Any]:
    """Run every code cell; the names that it leaves."""
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    names: dict[str, Any] = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    return names


Encode = Callable[..., bytes]


def melody(seconds: float, rate: int = 22_050, seed: int = 0) -> np.ndarray:
    """Notes of half a second with three harmonics over soft noise: [T] float32."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    pitch = 220 * 2 ** (random.integers(0, 24, int(seconds * 2) + 1)[(time * 2).astype(int)] / 12)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = sum(np.sin(n * phase) / n for n in (1, 2, 3)) + 0.05 * random.standard_normal(len(time))
    return np.asarray(0.3 * sound, dtype=np.float32)


def encode(
    samples: np.ndarray, rate: int = 22_050, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    """A file in memory, by libsndfile: WAV, FLAC, OGG (subtype OPUS too), MP3."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


def encode_av(
    samples: np.ndarray,
    rate: int,
    container: str,
    codec: str,
    index_first: bool = False,
    title: str = "",
) -> bytes:
    """A file in memory, by FFmpeg: mp4/aac, adts/aac, webm/libopus; samples [T] or [T, C]."""
    import av

    out = io.BytesIO()
    options = (
        {"movflags": "empty_moov+frag_keyframe", "frag_duration": "500000"} if index_first else {}
    )
    with av.open(out, "w", format=container, options=options) as media:
        if title:
            media.metadata["title"] = title
        stream = media.add_stream(codec, rate=rate)
        layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1(wide)"}[samples[0].size]
        stream.layout = layout
        frame = av.AudioFrame.from_ndarray(
            samples.reshape(1, -1).astype(np.float32), format="flt", layout=layout
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=rate, frame_size=stream.frame_size or 960
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            media.mux(stream.encode(piece))
        media.mux([packet for packet in stream.encode(None) if packet.size])
    return out.getvalue()


@pytest.fixture(scope="session")
def song() -> np.ndarray:
    """7.3 s at 22 050 Hz."""
    return melody(7.3)


@pytest.fixture(scope="session")
def tiny() -> Checkpoint:
    """An untrained network of a few thousand weights; its batch norms have seen one batch."""
    torch.manual_seed(0)
    config = ModelConfig(
        n_mels=128,
        frames=39,
        n_classes=3,
        pools=pool_sizes(GTZAN_FRONT_END),
        channels=(4, 4, 4, 4),
        gru=8,
        dropout=0.2,
    )
    network = CRNN(config)
    with torch.no_grad():
        network.train()(-80 * torch.rand(16, 1, 128, 39))
    return Checkpoint("toy", ("a", "b", "c"), GTZAN_FRONT_END, 3.0, network.eval(), temperature=1.3)
