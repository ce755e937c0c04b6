"""Results: everything that was measured, beside the baseline and the paper."""

import streamlit as st

from crnn import results
from pages.results import accuracy, class_profiles, confusion, tables
from pages.shared import session

st.title("Results", anchor=False)
st.markdown(
    "How often are the networks right? It depends on what they are asked to hear: songs like those they learned from, or new "
    "ones. Everything here was measured, and is read from the files that the measurements wrote."
)
names = results.names()
if not names:
    st.info(
        "Nothing was measured yet: `python -m training evaluate F P N M M-quadrants --data DIR` writes what stands here."
    )
    st.stop()
# A section is there where it has something to show.
sections = {
    title: (show, mine)
    for title, show, mine in (
        ("Accuracy", accuracy.show, accuracy.names(names)),
        ("Mistakes", confusion.show, confusion.names(names)),
        ("The paper", tables.show_paper, tables.paper_names(names)),
        ("Beyond", tables.show_beyond, tables.beyond_names(names)),
        ("Portraits", class_profiles.show, class_profiles.names(names)),
    )
    if mine
}
section = st.segmented_control(
    "Section",
    list(sections),
    default=next(iter(sections)),
    required=True,
    key="section",
    bind="query-params",
    label_visibility="collapsed",
)
show, mine = sections[section]
show(mine)
session.warm_up()
