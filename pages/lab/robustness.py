"""The robustness curve, in a fragment of its own: choosing another augmentation draws it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import session
from pages.shared.share_link import track_link

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.plan import Strengths
    from crnn.inference.prediction import Prediction


@st.fragment
def curve(
    track: session.Track,
    samples: Tensor,
    start: float,
    strengths: Strengths,
    before: tuple[Prediction, ...],
) -> None:
    """Strength against the probability of what the networks named first; then the link, which names the sweep too."""
    from crnn.augment import robustness
    from crnn.viz import augmentation as lab_figures
    from pages.text import augmentation as lab_words

    st.subheader("How much can they take?", anchor=False)
    name = st.segmented_control(
        "Augmentation",
        list(robustness.NAMES),
        format_func=robustness.NAMES.__getitem__,
        default="time",
        required=True,
        key="sweep",
        bind="query-params",
        label_visibility="collapsed",
    )
    networks = session.classifiers()
    kept_settings = robustness.fixed_strengths(strengths)
    asked = (start, len(samples), name, kept_settings, session.heard_by())
    kept = st.session_state.get("lab_curve")
    if kept is None or kept[0] is not track or kept[1] != asked:
        bar = st.progress(0.0, text="Trying stronger and stronger …")

        def waiting(others: int) -> None:
            bar.progress(
                0.0, f"{others} {'visitor is' if others == 1 else 'visitors are'} before you …"
            )

        found = robustness.curves(
            samples,
            networks,
            robustness.sweep(name, networks[0].checkpoint.front_end),
            kept_settings,
            networks[0].checkpoint.segment_seconds,
            lambda share: bar.progress(share, "Trying stronger and stronger …"),
            [prediction.ranked()[0][0] for prediction in before],
            lambda: session.turns().turn(waiting),
        )
        bar.empty()
        kept = st.session_state.lab_curve = (track, asked, found)
    st.plotly_chart(
        lab_figures.robustness(kept[2], f"{robustness.NAMES[name]}, from none to extreme"),
        key="curve",
        alt=lab_words.robustness(kept[2]),
    )
    st.caption(
        f"Each point is the mean of {robustness.N_SAMPLES} draws, the shade reaches from the lowest to the highest. The lines "
        "follow what each network named first for the original; on a whole track every segment is read once here, three "
        "times above."
    )
    _measured()
    track_link(track, "the controls, the draw")


def _measured() -> None:
    """The same over a whole test set, where it was measured."""
    from crnn import results

    table = results.load("VII")
    if table is None:
        return
    with st.expander("And over 290 test tracks", icon=":material/table_chart:"):
        st.dataframe(results.table(table), hide_index=True)
        st.caption(
            "The genre recipe, trained without these tracks, hears them spoilt (the paper's Table VII, read as a test). "
            f"{table['context']} The paper's figures are of a random split, and it does not say how they were measured."
        )
