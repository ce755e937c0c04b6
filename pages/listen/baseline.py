"""The genre as hand-made features and an SVM hear it, beside the network: measured when a visitor asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn.errors import CrnnError
from pages.shared import session

if TYPE_CHECKING:
    from crnn.baseline.svm import SVM
    from crnn.inference.prediction import Prediction


@st.fragment
def show(track: session.Track) -> None:
    """A closed box; opening it measures the track."""
    box = st.expander(
        "Before neural networks: the same track in measured numbers",
        icon=":material/straighten:",
        key="svm",
        on_change="rerun",
    )
    if box.open:
        with box:
            try:
                features = _measured(track)
            except CrnnError as error:
                st.warning(str(error), icon=":material/hearing_disabled:")
                return
            _answers(track, features)
            _ranges(features)


@st.cache_resource(show_spinner=False)
def _svm() -> SVM:
    from crnn.baseline.svm import SVM

    return SVM.load("genre")


def _measured(track: session.Track) -> dict[str, float]:
    """The features, measured once as long as the track is looked at."""
    kept = st.session_state.get("hand_made")
    if kept is None or kept[0] is not track:
        with session.my_turn(), st.spinner("Measuring … the first time takes some seconds more."):
            from crnn.audio.front_end import GTZAN_FRONT_END
            from crnn.baseline.features import extract

            # Whatever network is in use: the SVM learned from the average of the channels at 22 050 Hz.
            samples = session.samples(track, GTZAN_FRONT_END)
            kept = st.session_state.hand_made = (track, extract(samples.numpy()))
    return kept[1]  # type: ignore[no-any-return]


def _answers(track: session.Track, features: dict[str, float]) -> None:
    """Both distributions and what to make of them."""
    from crnn.viz import baseline as svm_figures
    from pages.text import baseline as svm_words
    from pages.text import predictions

    svm = _svm()
    odds = svm.predict(features)
    network = _network(track, svm)
    st.markdown(
        "Before neural networks, experts chose what to measure in a sound, and a **support vector machine** (SVM) drew "
        "borders between the genres in these numbers. It never sees the spectrogram, and it knows no order in time: only each "
        "number's mean and spread over the track."
    )
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        svm_figures.svm_and_network(network, odds),
        key="svm-beside",
        alt=svm_words.spoken(network, odds),
    )
    with right:
        if network is None:
            st.info(
                "The network in use tells other classes apart than the SVM, so the two can't be compared."
            )
        else:
            st.markdown(svm_words.beside(network, odds))
        st.caption(f"The SVM. {predictions.accuracy(svm)}")
        if network is not None:
            st.caption(f"The network. {predictions.accuracy(session.classifiers()[0].checkpoint)}")
        if track.seconds > session.LAB_SECONDS:
            st.caption(f"The SVM hears the first {session.LAB_SECONDS // 60} minutes of the track.")


def _network(track: session.Track, svm: SVM) -> Prediction | None:
    """The prediction over the classes that the SVM knows, if there is one."""
    return next((p for p in track.analysis.predictions if set(p.labels) == set(svm.labels)), None)


def _ranges(features: dict[str, float]) -> None:
    """Every feature against what is usual in each genre."""
    from crnn.viz import baseline as svm_figures
    from pages.text import baseline as svm_words

    svm = _svm()
    st.markdown("##### This track among the genres")
    st.caption(
        "A bar spans what nine in ten of a genre's 100 GTZAN tracks have, the white tick is its middle. The pink line is this "
        "track; a genre is ticked where the track would be usual."
    )
    for column, measure in zip(
        st.columns(len(svm_words.MEASURES)), svm_words.MEASURES, strict=True
    ):
        value = features[measure.name]
        with column:
            told = svm_words.measured(measure, svm, value)
            st.plotly_chart(
                svm_figures.feature_ranges(measure, svm, value),
                key=f"svm-{measure.name}",
                alt=told,
            )
            st.markdown(told)
            st.caption(measure.meaning)
    odds = svm.predict(features)
    inside = svm_words.cepstrum(svm, features)
    order = sorted(odds, key=lambda label: -odds[label])
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        svm_figures.mfccs(svm, features, order),
        key="svm-timbre",
        alt="MFCCs in the usual range: "
        + ", ".join(f"{label} {inside[label]} of 20" for label in order),
    )
    with right:
        st.markdown(
            "**MFCCs** (mel-frequency cepstral coefficients) are twenty numbers for the shape of the spectrum, from coarse "
            "(1: how loud, 2: how dark) to fine detail. Together they describe the timbre: what tells a flute from a violin on "
            "the same note."
        )
        st.caption(
            "A cell is one MFCC against one genre's usual range: pale in the middle, ▲ above it, ▼ below it. Behind each genre, "
            "how many of the 20 fit; the SVM's likeliest genre is on top."
        )
        flux = svm_words.FLUX
        st.markdown(f"**{flux.title}**: {flux.told(features[flux.name])}")
        st.caption(
            f"{flux.meaning} The table that the SVM learned from has no flux, so there is no range to show."
        )
