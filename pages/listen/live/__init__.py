"""Live: genre and mood of the microphone's sound, computed in the browser.

The browser gets the code, ONNX Runtime and the networks as files of this app; its microphone's
samples never leave it.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime

from crnn import inference, model, viz
from crnn.audio.front_end import band_edges
from crnn.errors import CheckpointError
from crnn.labels import colours, display
from pages.shared import models
from pages.shared.markdown import escape
from pages.text import predictions

_FOLDER = Path(__file__).parent
_RUNTIME = _FOLDER.parents[2] / "assets" / "onnxruntime-web"
_MIMES = {".js": "text/javascript", ".mjs": "text/javascript"}

_EVERY = 0.5  # seconds between predictions
_EARLY = 3.0  # seconds of sound before the first one; less than a segment is repeated, as in files
# Peak below which there is no sound: microphones' own noise is louder than silence in files.
QUIET = 1e-3

_mount = st.components.v2.component(
    "live",
    **{kind: (_FOLDER / f"live.{kind}").read_text("utf-8") for kind in ("html", "css", "js")},
)


def show() -> None:
    """Draw it, or say why it cannot be used with the networks in use."""
    files = {
        "engine": _FOLDER / "engine.js",
        "runtime": _RUNTIME / "ort.wasm.bundle.min.mjs",
        "wasm": _RUNTIME / "ort-wasm-simd-threaded.wasm.gz",
    }
    try:
        checkpoints = [models.network(task).checkpoint for task in models.TASKS]
        exports = [inference.onnx.path(checkpoint) for checkpoint in checkpoints]
        networks = [network(checkpoint) for checkpoint in checkpoints]
    except CheckpointError as error:
        reason = escape(str(error).split(";")[0].rstrip("."), 400)  # the command is not a visitor's
        st.info(f"Live cannot run here: {reason}. Use Record instead.", icon=":material/info:")
        return
    data = {
        "networks": networks,
        "urls": {
            **{name: _address(file) for name, file in files.items()},
            "models": [_address(file) for file in exports],
        },
        "megabytes": round(sum(file.stat().st_size for file in (*files.values(), *exports)) / 1e6),
        "palette": base64.b64encode(viz.player.palette().tobytes()).decode(),
        "every": _EVERY,
        "early": _EARLY,
        "quiet": QUIET,
        "sure": predictions.SURE,
    }
    # In a list: in a mapping Streamlit would look for tables, for which it imports pandas (80 MB).
    _mount(key="live", data=[data], on_record_change=_record)


def _record() -> None:
    st.session_state.source = "Record"


def network(checkpoint: model.Checkpoint) -> dict[str, Any]:
    """What the browser needs to know of a network."""
    front_end, palette = checkpoint.front_end, colours(checkpoint.labels)
    if front_end.n_fft.bit_count() > 1:
        raise CheckpointError(f"{front_end.n_fft} samples a frame, where a power of 2 is needed")
    return {
        "title": display(checkpoint.task),
        "classes": [[display(label), palette[label]] for label in checkpoint.labels],
        "frontEnd": front_end.to_dict(),
        "edges": band_edges(front_end).tolist(),
        "width": checkpoint.model.config.frames,
    }


def _address(file: Path) -> str:
    """Where the browser gets a file. To be asked for in every run, else Streamlit drops it."""
    if not runtime.exists():
        return ""
    mime = _MIMES.get(file.suffix, "application/octet-stream")
    return runtime.get_instance().media_file_mgr.add(str(file), mime, f"live-{file}")
