"""Who is taken for whom, whether confidence can be believed, and when a network doubts."""

import streamlit as st

from crnn import results
from pages.results import tables


def names(there: list[str]) -> list[str]:
    """Which of the results that are there this section shows."""
    return [name for name in there if name in results.protocols() or name == "doubt"]


def show(mine: list[str]) -> None:
    """Confusion and calibration of a protocol; doubt."""
    found = results.protocols()
    if found:
        _protocol(found)
    if "doubt" in mine:
        tables.table("doubt")


def _protocol(found: dict) -> None:  # type: ignore[type-arg]
    from crnn.viz import evaluation

    name = st.segmented_control(
        "Protocol",
        list(found),
        default=next(iter(found)),
        required=True,
        key="protocol",
        bind="query-params",
        help="; ".join(
            f"{name}: {results.question(name, result)}" for name, result in found.items()
        ),
    )
    result = found[name]
    st.subheader(results.question(name, result), anchor=False)
    said = evaluation.spoken_confusion(result)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            evaluation.confusion_matrix(result, "Who is taken for whom"), key="confusion", alt=said
        )
        st.caption(f"Percent of each row. {said}")
    with right:
        points = results.reliability(result)
        if points:
            st.plotly_chart(
                evaluation.reliability_diagram(result, "Can its confidence be believed?"),
                key="reliability",
                alt="; ".join(
                    f"{100 * p['confidence']:.0f} % sure, {100 * p['right']:.0f} % right"
                    for p in points
                ),
            )
            st.caption(
                "On the dotted line, 70 % sure is right 70 times in 100. Larger dots stand for more tracks."
            )
        error, _ = results.value_and_spread(result, "calibration_error")
        about = "Mean distance between how sure it is and how often it is right."
        st.metric("Calibration error", f"{100 * error:.1f} points", help=about)
        if results.has_figure(result, "calibration_error_before"):
            before, _ = results.value_and_spread(result, "calibration_error_before")
            st.caption(
                f"Before its logits were divided by a temperature, it was {100 * before:.1f} points."
            )
        st.caption(result["context"])
