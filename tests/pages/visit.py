"""How tests come to a page: by its link, as a visitor does."""

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

ROOT = Path(__file__).parents[2]


def opened(page_name: str, **query: str | list[str]) -> AppTest:
    """A page of the app, run once, with what its address says."""
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        page.query_params[key] = value
    # Before the first run switch_page would look for the file's name instead of the url_path.
    page._page_hash = calc_hash(page_name)
    return page.run()
