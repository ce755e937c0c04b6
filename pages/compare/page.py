"""Compare: several tracks side by side."""

import streamlit as st

from crnn.sources.examples import EXAMPLES
from pages.compare import add, state, view
from pages.shared import session
from pages.shared.markdown import escape

st.title("Compare tracks", anchor=False)
st.markdown("Compare genre and mood across tracks, and see which sound alike.")
add.add()
if removal := state.last_removal():
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(escape(removal, 120), width="content")
        st.button("Undo", icon=":material/undo:", on_click=state.undo)
if count := state.of_other_networks():
    st.info(
        f"{count} of your tracks {'was' if count == 1 else 'were'} analysed with different models. "
        "Re-upload them, or switch back.",
        icon=":material/neurology:",
    )
if tracks := state.tracks():
    view.show(tracks)
else:
    st.button(
        "Compare the examples",
        type="primary",
        icon=":material/compare_arrows:",
        key="compare-examples",
        on_click=state.choose_examples,
        args=(list(EXAMPLES),),
    )
    st.info("Add at least two tracks (up to 60).")
session.warm_up()
