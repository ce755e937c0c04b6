"""Pages are tested as on a server that somebody has visited."""

import runpy

import pytest
from streamlit.runtime.scriptrunner import script_runner


@pytest.fixture(autouse=True)
def visited_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """app.py runs, whatever page is opened.

    AppTest takes each run for the first one on a new server, where a folder named pages/ makes
    Streamlit open a file of it instead (pages/shared/navigation.py); a test in Chromium has that.
    """
    monkeypatch.setattr(script_runner, "_mpa_v1", runpy.run_path)
    # Its sessions have no browser, so no cookies; its mock of one would have every cookie.
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: None)
