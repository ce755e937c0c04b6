"""Compare: several tracks side by side."""

import streamlit as st

from crnn.sources.examples import EXAMPLES
from pages.compare import add, state
from pages.shared import session

st.title("Compare tracks", anchor=False)
st.markdown("Lay tracks side by side: what each is made of, and which sound alike to the networks.")
add.add()
if said := state.undoable():
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(session.plain(said, limit=120), width="content")
        st.button("Undo", icon=":material/undo:", on_click=state.undo)
if asleep := state.asleep():
    st.info(
        f"{asleep} of your own {'track was' if asleep == 1 else 'tracks were'} heard by other networks than those in use now, "
        "and what two networks say does not compare. Bring the files again to hear them by these, or go back to the networks "
        "of before.",
        icon=":material/neurology:",
    )
tracks = state.tracks()
if tracks:
    from pages.compare import view

    view.show(tracks)
else:
    st.button(
        "Compare the six examples",
        type="primary",
        icon=":material/compare_arrows:",
        key="compare-examples",
        on_click=state.choose_examples,
        args=(list(EXAMPLES),),
    )
    st.info(
        "Choose examples, or bring songs of your own: two or more, up to 60 in a zip or a folder."
    )
session.warm_up()
