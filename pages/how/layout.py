"""One stage as every stage is shown: words, formula, numbers and code on the left, room for pictures on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

if TYPE_CHECKING:
    from pages.text.layers import Stage
else:
    Stage = Any


def stage(number: int, told: Stage) -> DeltaGenerator:
    """Draw a stage's words; returns the place for its pictures."""
    st.subheader(f"{number} · {told.title}", anchor=False)
    words, pictures = st.columns([5, 7], gap="large")
    with words:
        st.markdown(told.idea)
        st.latex(told.formula)
        st.caption(told.symbols)
        st.markdown("**In numbers**")
        st.latex(told.size)
        with st.expander("The code that does it", icon=":material/code:"):
            for excerpt in told.code:
                st.caption(f"`{excerpt.place}`")
                st.code(excerpt.text, language="python", wrap_lines=True)
    return pictures


def overview(
    told: dict[str, Stage], sizes: dict[str, tuple[int, ...]], here: tuple[str, ...]
) -> None:
    """All stages in a line, each with the size of what comes out of it; those that are shown here in bold."""
    from pages.text.layers import times

    last_map = max(
        (name for name in sizes if name.startswith("map ")), key=lambda name: int(name[4:])
    )
    shown = {"maps": last_map, "track": "probabilities"}
    parts = [
        f"{'**' * (name in here)}{number} {stage.title}: {times(sizes[shown.get(name, name)])}{'**' * (name in here)}"
        for number, (name, stage) in enumerate(told.items(), start=1)
    ]
    st.caption(" → ".join(parts))
