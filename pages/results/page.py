"""Results: everything that was measured, beside the baseline and the paper."""

import streamlit as st

from crnn import results
from pages.results import accuracy, class_profiles, confusion, tables
from pages.shared import session
from pages.shared.controls import choose
from pages.text import content
from pages.text import results as text

st.title("Results", anchor=False)
st.markdown(text.headline(results.protocols()) + content.load("results")["intro"])
available = results.names()
if not available:
    st.info(
        "Nothing has been measured yet. `python -m training evaluate F P N M M-quadrants "
        "--data DIR` writes the results that this page shows."
    )
    st.stop()
# A section appears where it has something to show; the name that older addresses have comes last.
sections = {
    title: (show, mine, old)
    for title, show, mine, old in (
        ("Accuracy", accuracy.show, accuracy.names(available), "Accuracy"),
        ("Confusion & calibration", confusion.show, confusion.names(available), "Mistakes"),
        ("Replication", tables.show, tables.replication_names(available), "The paper"),
        ("More experiments", tables.show, tables.further_names(available), "Beyond"),
        (
            "What genres look like",
            class_profiles.show,
            class_profiles.names(available),
            "Portraits",
        ),
    )
    if mine
}
renamed = {old: title for title, (_, _, old) in sections.items()}
show, mine, _ = sections[choose("Section", list(sections), "section", renamed=renamed)]
show(mine)
session.warm_up()
