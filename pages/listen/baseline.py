"""The SVM on hand-crafted features beside the network; computed on request."""

from __future__ import annotations

import streamlit as st

from crnn import audio, baseline, viz
from crnn.errors import CrnnError
from crnn.labels import display
from pages.shared import cache, queue, session
from pages.text import baseline as text
from pages.text import predictions


def show(track: session.Track) -> None:
    """Both predictions, and the track's features among the genres' ranges."""
    try:
        features = cache.per_track("features", track, (), lambda: _features(track))
    except CrnnError as error:
        st.warning(str(error), icon=":material/hearing_disabled:")
        return
    _predictions(track, features)
    _ranges(features)


@cache.shared()
def _svm() -> baseline.svm.SVM:
    return baseline.svm.SVM.load("genre")


def _features(track: session.Track) -> dict[str, float]:
    with st.spinner("Extracting features… The first time, this takes up to half a minute."):
        baseline.features.prepare()  # while others have their turns
        with queue.turn():
            # Whatever network is in use: the SVM's front end is GTZAN's.
            samples = session.samples(track, audio.front_end.GTZAN_FRONT_END)
            return baseline.features.extract(samples.numpy())


def _predictions(track: session.Track, features: dict[str, float]) -> None:
    """Both distributions and how they compare."""
    svm = _svm()
    probs = svm.predict(features)
    network = next(
        (p for p in track.analysis.predictions if set(p.labels) == set(svm.labels)), None
    )
    st.markdown(text.PROSE["introduction"])
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        viz.baseline.svm_and_network(network, probs),
        key="svm-beside",
        alt=text.describe(network, probs),
    )
    with right:
        if network is None:
            st.info("Model and SVM have different classes, so they cannot be compared.")
        else:
            st.markdown(text.comparison(network, probs))
        st.caption(f"SVM. {predictions.accuracy(svm)}")
        if network is not None:
            checkpoint = session.classifiers()[0].checkpoint
            st.caption(f"Neural network. {predictions.accuracy(checkpoint)}")
        if track.seconds > session.LAB_SECONDS:
            minutes = session.LAB_SECONDS // 60
            st.caption(f"The SVM uses the first {minutes} minutes of the track.")


def _ranges(features: dict[str, float]) -> None:
    """Every feature against its range in each genre."""
    svm, ranges = _svm(), baseline.ranges
    st.markdown("##### This track among the genres")
    st.caption(text.PROSE["ranges"])
    for column, feature in zip(st.columns(len(ranges.FEATURES)), ranges.FEATURES, strict=True):
        value = features[feature.name]
        with column:
            sentence = text.measured(feature, svm, value)
            st.plotly_chart(
                viz.baseline.feature_ranges(feature, svm, value),
                key=f"svm-{feature.name}",
                alt=sentence,
            )
            st.markdown(sentence)
            st.caption(text.PROSE["meanings"][feature.name])
    probs = svm.predict(features)
    inside = ranges.mfccs_in_range(svm, features)
    order = sorted(probs, key=lambda label: -probs[label])
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        viz.baseline.mfccs(svm, features, order),
        key="svm-timbre",
        alt="MFCCs within each genre's range: "
        + ", ".join(f"{display(label)} {inside[label]} of 20" for label in order),
    )
    with right:
        st.markdown(text.PROSE["mfccs"])
        st.caption(text.PROSE["mfcc_table"])
        flux = ranges.FLUX
        st.markdown(f"**{flux.title}**: {flux.format(features[flux.name])}")
        st.caption(text.PROSE["meanings"][flux.name])
