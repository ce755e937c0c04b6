"""A track and its predictions, over time and as a whole."""

from __future__ import annotations

import streamlit as st

from crnn import inference, viz
from crnn.format import clock
from pages.listen import attribution, baseline, live, verdict
from pages.shared import cache, player, queue, session, sources
from pages.shared.markdown import escape
from pages.text import predictions


def show(track: session.Track) -> None:
    """Everything that Listen shows of a track."""
    st.title(escape(track.name, 60), anchor=False)
    if track.origin is not None:
        sources.show_origin(track.origin)
    st.caption(track.about)
    verdict.show(track)
    sources.choose_another(track, live.show)
    for notice in track.notices:
        st.info(notice, icon=":material/info:")
    _over_time(track)
    _details(track)


@st.fragment
def _details(track: session.Track) -> None:
    """Tabs of which only the open one is computed."""
    for tab, draw in zip(
        st.tabs(list(_DETAILS), key="details", on_change="rerun"), _DETAILS.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw(track)


@st.fragment
def _over_time(track: session.Track) -> None:
    """The player with both predictions over time, and the same in words."""
    analysis = track.analysis
    place = st.container(key="over-time")
    finer = st.toggle("Higher time resolution (0.25 s)", key="finer")
    timelines, sentences = {}, []
    for index, prediction in enumerate(analysis.predictions):
        shown = _finer(track, index) if finer else prediction
        timeline = timelines[prediction.task] = shown.timeline(track.seconds)
        sections = inference.timeline.sections(timeline)
        sentences.append(predictions.timeline(sections, prediction.task))
        if timeline.has_valence_arousal:
            sentences.append(predictions.valence_arousal(timeline))
    mel, front_end = analysis.mel.numpy(), analysis.front_end
    with place:
        moment = player.show(
            f"player-{abs(hash((track.name, track.seconds))):x}",
            track.name,
            [player.Sound(track.name, track.sound, track.mime, track.peaks)],
            track.seconds,
            spectrograms=[
                player.Lane(
                    [
                        cache.per_track(
                            "image", track, (), lambda: player.Spectrogram.from_mel(mel, front_end)
                        )
                    ]
                )
            ],
            timelines=timelines,
            alt=" ".join([predictions.describe_spectrogram(mel, front_end), *sentences]),
            reruns=True,
        )
    st.markdown("  \n".join(sentences))
    if moment is not None:
        st.markdown(f"**At {clock(moment)}:** " + predictions.moment(timelines.values(), moment))


def _finer(track: session.Track, index: int) -> inference.Prediction:
    """The prediction with a segment every quarter of a second."""

    def compute() -> inference.Prediction:
        classifier = session.classifiers()[index]
        with queue.turn(), st.spinner("Analysing in finer steps…"):
            return classifier.predict(session.log_mel(track, classifier), hop_seconds=0.25)

    return cache.per_track("finer", track, index, compute)


def _bars(track: session.Track) -> None:
    """All classes of each task."""
    both = track.analysis.predictions
    columns = st.columns(len(both), gap="large")
    for column, prediction in zip(columns, both, strict=True):
        with column:
            st.plotly_chart(
                viz.prediction.distribution(prediction, f"All {prediction.task}s"),
                key=f"all-{prediction.task}",
                alt=predictions.describe(prediction),
            )
            if prediction.repeated:
                st.info(predictions.repeated(prediction), icon=":material/repeat:")


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


_DETAILS = {
    "All classes": _bars,
    "Why": attribution.show,
    "Classic approach (SVM)": baseline.show,
    "Data": _downloads,
}
