"""Listen: a track in, its spectrogram, genre and mood out."""

from typing import Any

import streamlit as st

from crnn.errors import CrnnError
from crnn.examples import EXAMPLES
from pages import shared

LIMIT_MB = 50
SUFFIXES = ["wav", "flac", "ogg", "oga", "opus", "mp3", "m4a", "aac", "webm", "mp4", "aif", "aiff", "au"]
SOURCES = ["Examples", "Upload", "Record"]


def choose_source() -> None:
    """Widgets that bring a track in; whatever they bring becomes the current track."""
    source = st.segmented_control(
        "Where the track comes from",
        SOURCES,
        default=SOURCES[0],
        required=True,
        key="source",
        label_visibility="collapsed",
    )
    if source == "Examples":
        choose_example()
    elif source == "Upload":
        given = st.file_uploader(
            f"A song of up to {LIMIT_MB} MB, of which the first 10 minutes are heard: WAV, FLAC, OGG, Opus, MP3, M4A, "
            "AAC, WebM or MP4",
            type=SUFFIXES,
            max_upload_size=LIMIT_MB,
            key="upload",
        )
        take(given, "upload")
    else:
        given = st.audio_input(
            "Record a few seconds of music near the microphone; 10 or more say most", sample_rate=None, key="recording"
        )
        take(given, "recording")


def choose_example() -> None:
    """One button a clip, and the clip named in the address."""
    columns = st.columns(3)
    for number, example in enumerate(EXAMPLES.values()):
        button = columns[number % 3].button(
            f"**{example.title}** · {example.artist}",
            key=f"example-{example.name}",
            icon=":material/play_circle:",
            width="stretch",
        )
        if button:
            st.query_params["example"] = example.name
    wanted = st.query_params.get("example")
    if wanted is None or wanted == st.session_state.get("opened_example"):
        return
    if wanted not in EXAMPLES:
        names = ", ".join(EXAMPLES)
        st.error(f"The address asks for an example called “{wanted}”. There are: {names}. Choose one above.")
        return
    st.session_state.track = shared.open_example(EXAMPLES[wanted])
    st.session_state.opened_example = wanted


def take(given: Any, kind: str) -> None:
    """Analyse a new upload or recording once; say what was wrong with it each time the page is drawn."""
    if given is None:
        return
    st.query_params.pop("example", None)
    st.session_state.opened_example = None
    name = "Your recording" if kind == "recording" else given.name
    if st.session_state.get("taken") != given.file_id:
        st.session_state.failure = None
        try:
            st.session_state.track = shared.analyse(name, given.getvalue())
        except CrnnError as error:
            st.session_state.failure = str(error)
        st.session_state.taken = given.file_id
    if st.session_state.failure:
        before = shared.current()
        still = f" Below is still {plain(before.name)}." if before else ""
        st.error(f"**{plain(name)}** – {st.session_state.failure}{still}", icon=":material/hearing_disabled:")


def plain(name: str) -> str:
    """A file name that Markdown leaves alone, cut to a line's length."""
    short = name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-!|~$:<>" else c for c in short)


def show(track: shared.Track) -> None:
    """Everything the networks say of a track."""
    from crnn import export, figures, words

    st.subheader(plain(track.name), anchor=False)
    st.caption(track.about)
    st.audio(track.data)
    for notice in track.notices:
        st.info(notice, icon=":material/info:")
    analysis = track.analysis
    st.plotly_chart(
        figures.mel_spectrogram(analysis.mel.numpy(), analysis.front_end),
        key="mel",
        alt=words.spectrogram(analysis.mel.numpy(), analysis.front_end),
    )
    st.caption(
        "What the networks see: time from left to right, low notes at the bottom, high ones on top. The brighter, the "
        "louder; 0 dB is the loudest point of the track."
    )
    for column, classifier, prediction in zip(
        st.columns(len(analysis.predictions), gap="large"), shared.classifiers(), analysis.predictions, strict=True
    ):
        with column:
            title = prediction.task.capitalize()
            st.subheader(title, anchor=False)
            st.markdown(words.certainty(prediction))
            if prediction.repeated:
                st.info(
                    f"The track is shorter than the {prediction.segment_seconds:g} s that the network reads at once, so it "
                    "was repeated to fill them.",
                    icon=":material/repeat:",
                )
            st.plotly_chart(figures.top(prediction, "Top 3"), key=f"top-{title}", alt=words.spoken(prediction, 3))
            st.plotly_chart(
                figures.distribution(prediction, "All classes"), key=f"all-{title}", alt=words.spoken(prediction)
            )
            st.caption(words.track_record(classifier.checkpoint))
    result = export.record(track.name, track.seconds, analysis.predictions)
    with st.container(horizontal=True):
        name = shared.stem(track.name)
        st.download_button(
            "JSON",
            export.to_json(result, indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "CSV", export.to_csv([result]), f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )


st.title("What does a song sound like to a neural network?", anchor=False)
choose_source()
if (track := shared.current()) is not None:
    show(track)
else:
    st.info(
        "Choose an example above, or bring a track of your own: in a second or two you see its spectrogram, genre and mood."
    )
shared.warm_up()
