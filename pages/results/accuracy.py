"""How often the networks are right, protocol by protocol, and how far that carries."""

import streamlit as st

from crnn import results
from pages.results import tables
from pages.text import results as result_text

_MORE = ("optimism",)


def names(there: list[str]) -> list[str]:
    """Which of the results that are there this section shows."""
    return [name for name in there if name in results.protocols() or name in (*_MORE, "svm")]


def show(mine: list[str]) -> None:
    """The table of protocols, the way from known to new music, what the paper found, new songs by genre."""
    from crnn.viz import evaluation

    found = results.protocols()
    if found:
        _protocols(found)
    svm = (results.load("svm") or {}).get("protocols", {})
    left, right = st.columns(2, gap="large")
    genre = {name: found[name] for name in ("P", "F", "N") if name in found}
    if genre:
        with left:
            st.subheader("How far it carries", anchor=False)
            st.plotly_chart(
                evaluation.generalisation(genre, svm),
                key="far",
                alt="Genre tracks named right: "
                + "; ".join(
                    f"{results.question(name, result)} {100 * results.value_and_spread(result, 'track_accuracy')[0]:.0f} %"
                    for name, result in genre.items()
                ),
            )
    if said := result_text.differences_from_paper(found):
        with right:
            st.subheader("What did not come out as in the paper", anchor=False)
            st.markdown("\n".join(f"- {sentence}" for sentence in said))
    if "N" in found and results.new_song_recalls(found["N"]):
        st.subheader("New songs, genre by genre", anchor=False)
        told = result_text.describe_generalisation(found["N"])
        st.plotly_chart(
            evaluation.recall_on_new_songs(found["N"], found.get("F")), key="carried", alt=told
        )
        st.markdown(told)
        low, high = found["N"].get("interval_95_by_artist", (None, None))
        where = (
            f" All together: 95 % interval by artist {100 * low:.0f} to {100 * high:.0f} %."
            if low
            else ""
        )
        st.caption(
            f"{found['N']['context']} In brackets: how many songs. Whiskers: 95 % interval from that number.{where}"
        )
    for name in _MORE:
        if name in mine:
            tables.table(name)


def _protocols(found: dict) -> None:  # type: ignore[type-arg]
    # Names of other recipes are long, and one column may not hide them.
    st.dataframe(
        results.protocol_table(),
        hide_index=True,
        column_config={"Protocol": st.column_config.Column(width=225)},
    )
    st.caption(
        "Tracks named right, in percent. **Network**: the recipe behind the bundled checkpoint, trained on each protocol's own "
        "training part (N: the bundled weights themselves), but where a row names another recipe, which is not bundled; ± is the "
        "standard deviation over seeds or folds. **Macro F1** counts every class alike. **SVM**: the same tracks told apart by "
        "hand-made features, as before neural networks. **Paper**: Marciano, De Marco & Di Cataldo, on their own splits."
    )
    with st.expander("Protocols and runs behind these figures", icon=":material/account_tree:"):
        st.markdown(
            "\n".join(f"- **{name}**: {result['context']}" for name, result in found.items())
        )
        if note := (results.load("svm") or {}).get("note"):
            st.markdown(f"- **SVM**: {note}")
        st.dataframe(results.run_table(found), hide_index=True)
