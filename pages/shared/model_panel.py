"""The panel that says which networks are in use and lets a visitor try others from the Hugging Face Hub."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crnn.errors import CheckpointError, CrnnError
from crnn.model import metadata
from pages.shared import models, session

# Characters of a card that are shown; the rest is on its page.
_CARD = 20_000


def controls() -> DeltaGenerator:
    """The field for another repository, before the page is drawn; returns the place for tell()."""
    with st.expander("Model", icon=":material/neurology:"):
        place = st.container()
        given = st.text_input(
            "Try another network from the Hugging Face Hub",
            placeholder="user/repository",
            help="A repository with a checkpoint of this project's kind, and @revision if you like. It is used in your session "
            "alone. Press Enter to fetch it.",
            key="other_network",
        )
        if given and given != st.session_state.get("network_tried"):
            _try(given)
        if st.session_state.get("network_failure"):
            st.error(_text(st.session_state.network_failure), icon=":material/cloud_off:")
            st.button("Try again", key="network-again", on_click=_again)
        _hear_again()
    return place


def _try(given: str) -> None:
    """Fetch and load what was entered, once."""
    st.session_state.network_tried, st.session_state.network_failure = given, ""
    bar = st.progress(0.0, text="Asking the Hub …")
    try:
        models.try_other(given, lambda share: bar.progress(share, text=f"Fetching … {share:.0%}"))
    except CheckpointError as error:
        st.session_state.network_failure = str(error)
    finally:
        bar.empty()


def _hear_again() -> None:
    """The current track is heard by the networks in use now, where others heard it."""
    try:
        session.reanalyse()
    except CrnnError as error:
        if not any(models.is_own(task) for task in models.TASKS):
            st.session_state.pop(
                "track", None
            )  # the default has changed meanwhile; the old answer is nobody's
        for task in models.TASKS:
            models.forget(task)
        st.session_state.network_failure = (
            f"With this network the track could not be heard: {error}"
        )
        st.error(_text(st.session_state.network_failure))


def _again() -> None:
    st.session_state.network_tried = None


def _back(task: str) -> None:
    models.forget(task)
    st.session_state.network_lost = ""
    st.session_state.other_network = ""
    st.session_state.network_tried = st.session_state.network_failure = None


def tell(place: DeltaGenerator) -> None:
    """Fill the panel once the page is drawn: what is in use by then."""
    with place:
        for task in models.TASKS:
            _one(task)


def _one(task: str) -> None:
    found, source = models.known(task), models.default_source(task)
    if found is None and source != task:
        st.markdown(f"**{task.capitalize()}**: {_text(source)}")
        st.caption("It is loaded with the first track.")
        return
    told = found.metadata if found is not None else _bundled(task)
    name = found.source.partition("@")[0] if found is not None else task
    st.markdown(
        f"**{task.capitalize()}**: {'comes with this app' if name == task else _text(name)}"
    )
    said = [f"Weights {told.digest}"]
    if found is not None and found.commit:
        said.append(f"revision {found.commit[:12]}")
    if told.revision:
        said.append(f"trained by code {_text(told.revision[:12])}")
    st.caption(" · ".join(said))
    figures = metadata.sentences(told.results)
    lines = [f"- **{_text(protocol)}**, {_text(words)}" for protocol, words, _ in figures]
    st.markdown(
        "Measured, tracks:\n" + "\n".join(lines) if lines else "No measured figures come with it."
    )
    if told.ood_threshold is not None:
        st.caption(
            "Flags music that is unlike its training data (out-of-distribution score above "
            f"{told.ood_threshold:.2f})."
        )
    with st.popover("Model card", icon=":material/description:"):
        for protocol, _, context in figures:
            st.caption(f"{_text(protocol)}: {_text(context)}")
        # Pictures become links: they would tell their server who looks at this.
        st.markdown(told.card[:_CARD].replace("![", "[") or "It has no model card.")
    if models.is_own(task):
        st.button(
            f"Back to the default for {task}", key=f"default-{task}", on_click=_back, args=(task,)
        )


@st.cache_resource(show_spinner=False)
def _bundled(task: str) -> metadata.Metadata:
    return metadata.read(models.BUNDLED / task)


def show_notices(place: DeltaGenerator) -> None:
    """What visitors should know of the networks in use, until they dismiss it."""
    dismissed: set[str] = st.session_state.setdefault("dismissed", set())
    for number, notice in enumerate(n for n in models.notices() if n not in dismissed):
        words, button = place.columns([8, 1], vertical_alignment="center")
        words.warning(_text(notice), icon=":material/cloud_off:")
        button.button("Dismiss", key=f"dismiss-{number}", on_click=dismissed.add, args=(notice,))


def _text(words: str) -> str:
    """Words of others, with nothing in them that Markdown would read."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+!|~$:<>" else c for c in " ".join(words.split()))
