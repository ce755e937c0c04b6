"""The app as `streamlit run app.py` serves it, with fakes at a port for every service.

python -m tests.fakes.app PORT [streamlit's options]
"""

import sys

from streamlit.web import cli

from crnn.sources import http
from tests.fakes.services import Loopback

if __name__ == "__main__":
    port = int(sys.argv[1])

    def session() -> http.Session:
        made = http.Session()
        made.mount("https://", Loopback(made, port, []))
        return made

    http.new_session = session
    cli.main_run(["app.py", *sys.argv[2:]])
