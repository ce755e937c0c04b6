"""Results: how accurate the networks are, and the experiments behind that."""

import streamlit as st

from crnn import results
from pages.results import accuracy, class_profiles, confusion, overview, tables
from pages.shared import session
from pages.shared.controls import choose
from pages.text import content
from pages.text import results as text

# Parts of the research notes by the name that older addresses have as their section.
_OLD = {
    "Mistakes": "Confusion & calibration",
    "The paper": "Replication",
    "Beyond": "More experiments",
    "Portraits": "What genres look like",
}
_SECTIONS = ["Accuracy", "Research notes"]

st.title("Results", anchor=False)
available = results.names()
if not available:
    st.info(
        "Nothing has been measured yet. `python -m training evaluate F P N M M-quadrants "
        "--data DIR` writes the results that this page shows."
    )
    st.stop()
st.markdown(text.headline(results.protocols()) + content.load("results")["intro"])
asked = st.query_params.get("section")
if (part := _OLD.get(asked or "", asked)) in _OLD.values() and "section" not in st.session_state:
    st.query_params["section"], st.query_params["notes"] = _SECTIONS[1], str(part)
    st.rerun()
if choose("Section", _SECTIONS, "section") == _SECTIONS[0]:
    overview.show(available)
else:
    st.markdown(content.load("results")["notes"])
    # A part appears where it has something to show.
    parts = {
        title: (show, mine)
        for title, show, mine in (
            ("Data splits", accuracy.show, accuracy.names(available)),
            ("Confusion & calibration", confusion.show, confusion.names(available)),
            ("Replication", tables.show, tables.replication_names(available)),
            ("More experiments", tables.show, tables.further_names(available)),
            ("What genres look like", class_profiles.show, class_profiles.names(available)),
        )
        if mine
    }
    show, mine = parts[choose("Part", list(parts), "notes", widget=st.pills)]
    show(mine)
session.warm_up()
