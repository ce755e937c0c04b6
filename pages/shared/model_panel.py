"""The panel on the networks in use, where a visitor can try others from the Hugging Face Hub."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crnn import model
from crnn.errors import CheckpointError, CrnnError
from crnn.labels import display
from crnn.model.metadata import Metadata
from pages.shared import cache, models, session
from pages.shared.markdown import escape, without_pictures

# Characters of a card that are shown; the rest is on its page.
_CARD = 20_000

# The question of each protocol.
_MEASURED_ON = {
    "N": "songs of another collection",
    "F": "GTZAN tracks by unseen artists",
    "P": "random GTZAN tracks, artists also in training",
    "M": "clips by unseen artists, five moods",
    "M-quadrants": "clips by unseen artists, four quadrants",
}


def controls() -> DeltaGenerator:
    """The field for another repository, before the page is drawn; returns the place for fill()."""
    with st.popover("", icon=":material/settings:", help="Models", key="models"):
        st.markdown("##### Models")
        place = st.container()
        address = st.text_input(
            "Try another model from the Hugging Face Hub",
            placeholder="user/repository",
            help="A repository with a checkpoint in this app's format; @revision is optional. "
            "Only your session uses it. Press Enter to download it.",
            key="other_network",
        )
        if address and address != st.session_state.get("network_tried"):
            _try(address)
        if st.session_state.get("network_failure"):
            st.error(escape(st.session_state.network_failure), icon=":material/cloud_off:")
            st.button("Try again", key="network-again", on_click=_try_again)
        # Before anything is computed with them: whatever fails then, there is a way back.
        for task in filter(models.is_own, models.TASKS):
            label = f"Back to the default {task} model"
            st.button(label, key=f"default-{task}", on_click=_back, args=(task,))
        _reanalyse()
    return place


def _try(address: str) -> None:
    """Fetch and load what was entered, once."""
    st.session_state.network_tried, st.session_state.network_failure = address, ""
    bar = st.progress(0.0, text="Contacting the Hub…")
    try:
        models.use_own(address, lambda done: bar.progress(done, text=f"Downloading… {done:.0%}"))
    except CheckpointError as error:
        st.session_state.network_failure = str(error)
    finally:
        bar.empty()


def _reanalyse() -> None:
    try:
        session.reanalyse()
    except CrnnError as error:
        if not any(models.is_own(task) for task in models.TASKS):
            # The default has changed meanwhile; the old predictions belong to no network.
            st.session_state.pop("track", None)
        for task in models.TASKS:
            models.forget(task)
        st.session_state.network_failure = f"This model cannot analyse the track: {error}"
        st.error(escape(st.session_state.network_failure))


def _try_again() -> None:
    st.session_state.network_tried = None


def _back(task: str) -> None:
    models.forget(task)
    st.session_state.network_lost = ""
    st.session_state.other_network = ""
    st.session_state.network_tried = st.session_state.network_failure = None


def fill(place: DeltaGenerator) -> None:
    """Fill the panel once the page is drawn: by then it is known what is in use."""
    with place:
        for task in models.TASKS:
            _show(task)


def _show(task: str) -> None:
    network, source = models.loaded(task), models.default_source(task)
    if network is None and source != task:
        st.markdown(f"**{display(task)}**: {escape(source)}")
        st.caption("Loaded with the first track.")
        return
    metadata = network.checkpoint.metadata if network is not None else _bundled(task)
    name = network.source.partition("@")[0] if network is not None else task
    st.markdown(f"**{display(task)}**: {'built in' if name == task else escape(name)}")
    figures = [
        f"- {escape(_MEASURED_ON.get(protocol, protocol))}: {accuracy}"
        for protocol, accuracy in _accuracies(metadata).items()
    ]
    st.markdown("Accuracy\n" + "\n".join(figures) if figures else "No measured accuracy.")
    if metadata.ood_threshold is not None:
        st.caption(
            "Flags music that is unlike its training data (out-of-distribution score > "
            f"{metadata.ood_threshold:.2f})."
        )
    with st.expander("Model card", icon=":material/description:"):
        _card(metadata, network.checkpoint.commit if network is not None else "")


def _accuracies(metadata: Metadata) -> dict[str, str]:
    """Measured top-1 accuracy by protocol, in percent with its standard deviation."""
    accuracies = {}
    for protocol, figures in metadata.results.items():
        accuracy, sd = figures.get("track_accuracy"), figures.get("track_accuracy_sd")
        if isinstance(accuracy, float | int) and 0 <= accuracy <= 1:
            deviation = f" (± {100 * sd:.1f})" if isinstance(sd, float | int) else ""
            accuracies[protocol] = f"{100 * accuracy:.1f}%{deviation}"
    return accuracies


def _card(metadata: Metadata, commit: str) -> None:
    version = [f"weights {metadata.digest}"]
    if commit:
        version.append(f"revision {commit[:12]}")
    if metadata.revision:
        version.append(f"training code {escape(metadata.revision[:12])}")
    st.caption(f"Version: {' · '.join(version)}")
    for protocol in _accuracies(metadata):
        figures = metadata.results[protocol]
        context = [str(figures[key]).rstrip(".") for key in ("context", "runs") if key in figures]
        st.caption(escape(f"Protocol {protocol}: {'; '.join(context)}"))
    if metadata.ood_origin:
        st.caption(escape(f"Out-of-distribution threshold: {metadata.ood_origin}"))
    st.markdown(without_pictures(metadata.card[:_CARD]) or "No model card.")


@cache.shared(len(models.TASKS))
def _bundled(task: str) -> Metadata:
    return model.metadata.read(model.BUNDLED / task)


def show_notices(place: DeltaGenerator) -> None:
    """What visitors should know of the networks in use, until they dismiss it."""
    dismissed: set[str] = st.session_state.setdefault("dismissed", set())
    for number, notice in enumerate(n for n in models.notices() if n not in dismissed):
        text, button = place.columns([8, 1], vertical_alignment="center")
        text.warning(escape(notice), icon=":material/cloud_off:")
        button.button("Dismiss", key=f"dismiss-{number}", on_click=dismissed.add, args=(notice,))
