"""A track and its predictions, over time and as a whole."""

from __future__ import annotations

import streamlit as st

from crnn import inference, viz
from crnn.format import clock, percent
from crnn.labels import display
from pages.listen import attribution, baseline
from pages.shared import cache, queue, session, sources
from pages.shared.markdown import escape
from pages.shared.track_picker import pick_task
from pages.text import predictions


def show(track: session.Track) -> None:
    """Everything that Listen shows of a track."""
    st.subheader(escape(track.name, 60), anchor=False)
    if track.origin is not None:
        sources.show_origin(track.origin)
    st.caption(track.about)
    st.audio(track.sound, format=track.mime)
    for notice in track.notices:
        st.info(notice, icon=":material/info:")
    _over_time(track)
    columns = st.columns(len(track.analysis.predictions), gap="large")
    for column, classifier, prediction in zip(
        columns, session.classifiers(), track.analysis.predictions, strict=True
    ):
        with column:
            _overall(track, classifier, prediction)
    attribution.show(track)
    baseline.show(track)
    _downloads(track)


@st.fragment
def _over_time(track: session.Track) -> None:
    """The spectrogram, and below it genre or mood as areas on the same time axis."""
    analysis = track.analysis
    with st.container(horizontal=True, vertical_alignment="center"):
        task, index = pick_task(track, key="along", label="Prediction over time")
        finer = st.toggle("Higher time resolution (0.25 s)", key="finer")
        _choose_moment(track)
    prediction = _finer(track, index) if finer else analysis.predictions[index]
    timeline = prediction.timeline(track.seconds)
    sections = inference.timeline.sections(timeline)
    key = f"along-{task}"
    clicked = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
    moment = float(clicked[0]["x"]) if clicked else None
    chosen = st.session_state.get("moment")
    if chosen is not None and chosen[0] is track:
        moment = chosen[1]
    mel, sentence = analysis.mel.numpy(), predictions.timeline(sections, task)
    st.plotly_chart(
        viz.timeline.over_time(mel, analysis.front_end, timeline, sections, moment),
        key=key,
        on_select=_forget_moment,
        selection_mode="points",
        alt=f"{predictions.describe_spectrogram(mel, analysis.front_end)} Below: {sentence}",
    )
    if moment is None:
        st.markdown(sentence)
    else:
        ranked = sorted(timeline.at(moment).items(), key=lambda item: -item[1])[:3]
        top = ", ".join(f"{display(label)} {percent(p)}" for label, p in ranked if p) or "silence"
        st.markdown(f"**At {clock(moment)}:** {top}")
        st.audio(track.sound, format=track.mime, start_time=moment, autoplay=True)
    st.caption(
        "Top: mel spectrogram (pitch ↑, time →, brighter = louder). Bottom: predicted "
        f"{task} over time. Click anywhere in the colours to play from there."
    )


def _choose_moment(track: session.Track) -> None:
    """The same without a mouse."""
    if track.seconds < 2:
        return
    with st.popover("Jump to…", icon=":material/schedule:"):
        second = st.slider(
            "Start at (s)", 0, int(track.seconds), key=f"second-of-{int(track.seconds)}"
        )
        if st.button("Play", icon=":material/play_arrow:"):
            st.session_state.moment = (track, float(second))


def _forget_moment() -> None:
    st.session_state.pop("moment", None)


def _finer(track: session.Track, index: int) -> inference.Prediction:
    """The prediction with a segment every quarter of a second."""

    def compute() -> inference.Prediction:
        classifier = session.classifiers()[index]
        with queue.turn(), st.spinner("Analysing in finer steps…"):
            return classifier.predict(session.log_mel(track, classifier), hop_seconds=0.25)

    return cache.per_track("finer", track, index, compute)


def _overall(
    track: session.Track, classifier: inference.Classifier, prediction: inference.Prediction
) -> None:
    """One task's prediction of the whole track."""
    task = prediction.task
    st.subheader(display(task), anchor=False)
    if warning := predictions.ood_warning(prediction):
        st.warning(warning, icon=":material/help:")
    st.markdown(predictions.certainty(prediction))
    if prediction.repeated:
        st.info(
            f"The track is shorter than the model's {prediction.segment_seconds:g} s segments, so "
            "it was repeated to fill one.",
            icon=":material/repeat:",
        )
    st.plotly_chart(
        viz.prediction.top_classes(prediction, "Top 3"),
        key=f"top-{task}",
        alt=predictions.describe(prediction, 3),
    )
    st.plotly_chart(
        viz.prediction.distribution(prediction, f"All {task}s"),
        key=f"all-{task}",
        alt=predictions.describe(prediction),
    )
    st.caption(predictions.accuracy(classifier.checkpoint))
    if inference.valence_arousal.has_places(prediction.labels):
        timeline = prediction.timeline(track.seconds)
        sentence = predictions.valence_arousal(timeline)
        st.plotly_chart(viz.timeline.valence_arousal(timeline), key=f"plane-{task}", alt=sentence)
        st.caption(sentence)


def _downloads(track: session.Track) -> None:
    record = inference.to_record(track.name, track.seconds, track.analysis.predictions)
    files = (
        ("JSON", inference.to_json(record, indent=1), "application/json"),
        (
            "CSV",
            inference.to_csv([record]).encode("utf-8-sig"),
            "text/csv",
        ),  # a mark spreadsheets need
    )
    with st.container(horizontal=True):
        for kind, content, mime in files:
            st.download_button(
                f"Download {kind}",
                content,
                f"{session.stem(track.name)}.{kind.lower()}",
                mime,
                icon=":material/download:",
                on_click="ignore",
            )
