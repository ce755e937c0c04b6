"""How tests come to a page, by its link, as a visitor does, and what they read on it."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.conftest import encode

ROOT = Path(__file__).parents[2]


def opened(page_name: str, **query: str | list[str]) -> AppTest:
    """A page of the app, run once, with what its address says."""
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        page.query_params[key] = value
    # Before the first run switch_page would look for the file's name instead of the url_path.
    page._page_hash = calc_hash(page_name)
    return page.run()


def figures(page: AppTest) -> list[dict[str, Any]]:
    """Every chart as plotly's JSON."""
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def players(page: AppTest) -> list[dict[str, Any]]:
    """What each player was given."""
    return given(page, "player")


def given(page: AppTest, component: str) -> list[dict[str, Any]]:
    """The data of each component of that name."""
    components = [element.proto for element in page.get("bidi_component")]
    sent = [json.loads(proto.json) for proto in components if proto.component_name == component]
    return [data[0] if isinstance(data, list) else data for data in sent]


def unpacked(text: str, dtype: str) -> np.ndarray:
    """Numbers as the player gets them."""
    return np.frombuffer(base64.b64decode(text), dtype)


def words(page: AppTest) -> str:
    """Headings, text, captions and messages."""
    kinds = (page.title, page.subheader, page.markdown, page.caption)
    messages = (page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds + messages for element in kind)


def plain(markdown: str) -> str:
    """Markdown's text as it is read: without the marks that keep names from becoming markup."""
    return re.sub(r"\\(.)", r"\1", markdown).replace("**", "")


def choose(page: AppTest, example: str) -> AppTest:
    """Open an example, as a link to it does."""
    page.query_params["example"] = example
    return page.run()


def uploader(page: AppTest) -> Any:
    """The field for a file; where there is a track, in the box that opens another one."""
    if not page.get("file_uploader"):
        page.session_state[f"another-{id(page.session_state['track'])}"] = True
        page.run()
    return page.file_uploader(key="upload")


def own_track(page: AppTest, samples: np.ndarray) -> AppTest:
    """Upload samples [T] at 22 050 Hz as mine.wav where the page offers another track."""
    uploader(page).set_value(("mine.wav", encode(samples), "audio/wav")).run()
    return page
