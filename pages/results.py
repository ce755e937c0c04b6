"""Results: what was measured, beside the baseline and the paper."""

import streamlit as st

from crnn import results
from pages.parts import frame, shared

frame.enter()

st.title("Results", anchor=False)
st.markdown(
    "How often are the networks right? It depends on what they are asked to hear: songs like those they learned from, or new "
    "ones."
)
rows = results.protocol_rows()
if not rows:
    st.info(
        "Nothing was measured yet: `python -m training evaluate F P N M M-quadrants --data DIR` writes what stands here."
    )
    st.stop()
st.dataframe(rows, hide_index=True)
st.caption(
    "Tracks named right, in percent. **Network**: the recipe behind the bundled checkpoint, trained on each protocol's own "
    "training part (N: the bundled weights themselves); ± is the standard deviation over seeds or folds. **Macro F1** counts "
    "every class alike. **SVM**: the same tracks told apart by hand-made features, as before neural networks. **Paper**: "
    "Marciano, De Marco & Di Cataldo, on their own splits."
)

from crnn import result_figures  # noqa: E402 - plotly's figures are needed from here on only

found = {name: result for name in results.PROTOCOLS if (result := results.load(name)) is not None}
svm = (results.load("svm") or {}).get("protocols", {})
left, right = st.columns(2, gap="large")
with left:
    st.subheader("How far it carries", anchor=False)
    st.plotly_chart(
        result_figures.generalisation(found, svm), key="far",
        alt="Genre accuracy: " + ", ".join(f"{row['Protocol']} {row['Network (%)']} %" for row in rows[:3]),
    )  # fmt: skip
with right:
    st.subheader("What did not come out as in the paper", anchor=False)
    st.markdown(
        "The paper's split puts tracks of one artist, and copies of one recording, on both sides: a network that recognises "
        "the studio is right without hearing the genre. On the same kind of split (P) ours comes close; where artists are kept "
        "apart (F) the same recipe loses about a quarter, and on another collection (N) a little more. The paper's figures for "
        "mood are of 326 songs that nobody else can get; ours (M) are of 764 clips with artists kept apart, so the two do not "
        "compare number by number."
    )
st.subheader("Who is taken for whom", anchor=False)
name = st.segmented_control(
    "Protocol", list(found), default=next(iter(found)), required=True, key="protocol", bind="query-params",
    format_func=lambda key: f"{key}: {results.PROTOCOLS[key][0]}", label_visibility="collapsed",
)  # fmt: skip
result = found[name]
left, right = st.columns([3, 2], gap="large")
left.plotly_chart(
    result_figures.confusion(result, "Percent of each row"),
    key="confusion",
    alt=result_figures.spoken_confusion(result),
)
with right:
    points = results.reliability(result)
    if points:
        st.plotly_chart(
            result_figures.reliability(result, "Can its confidence be believed?"), key="reliability",
            alt="; ".join(f"{100 * p['confidence']:.0f} % sure, {100 * p['right']:.0f} % right" for p in points),
        )  # fmt: skip
        st.caption("On the dotted line, 70 % sure is right 70 times in 100. Larger dots stand for more tracks.")
    error, _ = results.figure(result, "calibration_error")
    about = "Mean distance between how sure it is and how often it is right."
    st.metric("Calibration error", f"{100 * error:.1f} points", help=about)
    st.caption(result["context"])
st.caption(result_figures.spoken_confusion(result))
if (table := results.load("VII")) is not None:
    st.subheader("Spoilt on purpose", anchor=False)
    st.dataframe(results.augmentation_rows(table), hide_index=True)
    st.caption(f"The paper's Table VII, read as a test: the network hears the test tracks spoilt. {table['context']}")
shared.warm_up()
