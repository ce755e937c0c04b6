"""The examples as cards: cover, waveform, title, artist, genre and mood; a click opens one."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image
from streamlit import runtime

from crnn.format import percent
from crnn.labels import OTHER_COLOUR, colours, display
from crnn.sources.examples import EXAMPLES, Example
from pages.shared import cache, models, session

_FOLDER = Path(__file__).parent
_mount = st.components.v2.component(
    "cards",
    html='<div class="frame"><ul class="cards"></ul></div>',
    **{kind: (_FOLDER / f"cards.{kind}").read_text("utf-8") for kind in ("css", "js")},
)


def show(compact: bool) -> None:
    """Draw them; the one that is clicked goes into the address. compact: in rows, not in tiles."""
    track = session.current()
    data = {
        "cards": [_card(example) for example in EXAMPLES.values()],
        "chosen": track.example if track is not None else "",
        "compact": compact,
    }
    key = "example-rows" if compact else "example-tiles"  # app.css reserves their heights
    # In a list: in a mapping Streamlit would look for tables, for which it imports pandas (80 MB).
    _mount(key=key, data=[data], on_open_change=lambda: _open(key))


def _open(key: str) -> None:
    st.query_params["example"] = st.session_state[key].open


def _card(example: Example) -> dict[str, Any]:
    stored = session.prepared_example(example.name)
    bundled = models.all_bundled()  # others may predict something else
    return {
        **{"name": example.name, "title": example.title, "artist": example.artist},
        "chips": [_chip(each) for each in stored.record["predictions"]] if bundled else [],
        "peaks": base64.b64encode(stored.peaks.tobytes()).decode(),
        "cover": _address(example, _cover(example.name), "image/png"),
        "sound": _address(example, str(example.file), "audio/mpeg"),
    }


def _chip(prediction: dict[str, Any]) -> list[str]:
    """A class, and its colour."""
    if (ood := prediction["ood"]) and ood["score"] > ood["threshold"]:
        return [f"Other {prediction['task']}", OTHER_COLOUR]
    best = max(zip(prediction["overall"], prediction["labels"], strict=True))
    palette = colours(tuple(prediction["labels"]))
    return [f"{display(best[1])} {percent(best[0])}", palette[best[1]]]


@cache.shared(len(EXAMPLES))
def _cover(name: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(session.prepared_example(name).cover).save(out, "PNG")
    return out.getvalue()


def _address(example: Example, file: bytes | str, mime: str) -> str:
    """Where the browser gets a file, given by its content or its place."""
    if not runtime.exists():
        return ""
    coordinates = f"card-{example.name}-{mime}"
    return runtime.get_instance().media_file_mgr.add(file, mime, coordinates)
