"""How it works, all of it: which network, which moment, and the stages one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.how import input_stages, network_stages
from pages.how.layout import Stage, overview
from pages.shared import session
from pages.shared.share_link import track_link

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from crnn.inference.classifier import Classifier
    from crnn.model.segments import Segments

# What is shown at a time, by the names of pages.text.layers.stages.
CHAPTERS = {
    "Sound": ("samples", "power"),
    "Picture": ("mel", "db", "segment"),
    "Network": ("maps", "states"),
    "Answer": ("logits", "probabilities", "track"),
}


@st.fragment
def show(track: session.Track) -> None:
    """Everything follows the network and the moment: another choice draws this anew, not the page."""
    from crnn.explain import trace
    from crnn.format import duration
    from crnn.inference.export import to_wav
    from pages.text import layer_alternatives, layers

    tasks = [prediction.task for prediction in track.analysis.predictions]
    with st.container(horizontal=True, vertical_alignment="center"):
        task = st.segmented_control(
            "Network",
            tasks,
            default=tasks[0],
            required=True,
            format_func=str.capitalize,
            key="task",
            bind="query-params",
            label_visibility="collapsed",
        )
        track_link(track, "the network, the moment, the chapter")
    index = tasks.index(task)
    classifier, prediction = session.classifiers()[index], track.analysis.predictions[index]
    front_end, config = classifier.checkpoint.front_end, classifier.network.config
    with session.my_turn():
        n_frames, loudest, whole = _track(track, classifier)
        samples = session.samples(track, front_end)
        segments = classifier.plan(n_frames)
        number, moment = _moment(
            segments, len(samples) // front_end.hop_length + 1, front_end.hop_seconds
        )
        found = trace.trace(samples, segments, number, loudest, classifier)
    labels = classifier.checkpoint.labels
    seconds = min(classifier.checkpoint.segment_seconds, track.seconds - found.start)
    with moment:
        st.caption(
            f"**{duration(found.start)} to {duration(found.start + seconds)}** · {layer_alternatives.probabilities(found, labels, 3)}"
        )
    first = round(found.start * front_end.sample_rate)
    heard = samples[first : first + round(seconds * front_end.sample_rate)]
    st.audio(
        to_wav(heard.numpy(), front_end.sample_rate), format="audio/wav", alt="The segment's sound"
    )
    told: dict[str, Stage] = layers.stages(found, classifier.checkpoint, n_frames)
    # A chapter at a time: a browser that draws all twelve pictures anew would be seconds behind the slider.
    chapter = st.segmented_control(
        "Chapter",
        list(CHAPTERS),
        default=next(iter(CHAPTERS)),
        required=True,
        key="chapter",
        bind="query-params",
        label_visibility="collapsed",
    )
    overview(told, trace.stage_shapes(front_end, config, n_frames), CHAPTERS[chapter])
    if chapter == "Sound":
        input_stages.sound(found, told, front_end)
    elif chapter == "Picture":
        input_stages.picture(found, told, front_end, whole, track.seconds)
    elif chapter == "Network":
        network_stages.network(found, told, classifier.checkpoint)
    else:
        network_stages.answer(found, told, classifier.checkpoint, prediction)
    names = list(CHAPTERS)
    if chapter != names[-1]:
        following = names[names.index(chapter) + 1]
        st.button(
            f"Go on: {following}",
            icon=":material/arrow_forward:",
            on_click=_turn_to,
            args=(following,),
        )


def _turn_to(chapter: str) -> None:
    st.session_state.chapter = chapter


def _track(track: session.Track, classifier: Classifier) -> tuple[int, float, go.Heatmap]:
    """What a segment takes from the rest of its track, worked out once as long as the track is looked at with this network:
    its length in frames, its loudest power, its picture."""
    from crnn.explain import trace
    from crnn.viz.mel import heatmap

    kept = st.session_state.get("how_track")
    if kept is None or kept[0] is not track or kept[1] is not classifier:
        front_end = classifier.checkpoint.front_end
        mel = session.log_mel(track, classifier)
        loudest = trace.loudest_power(mel, session.samples(track, front_end), front_end)
        kept = st.session_state.how_track = (
            track,
            classifier,
            (mel.shape[1], loudest, heatmap(mel.numpy(), front_end)),
        )
    return kept[2]  # type: ignore[no-any-return]


def _moment(
    segments: Segments, n_frames: int, hop_seconds: float
) -> tuple[int, st.delta_generator.DeltaGenerator]:
    """The segment that the slider names, of those that end within n_frames, and the place beside the slider.

    The slider stays at the foot of the window, whatever stage is in view.
    """
    slider, place = st.bottom.columns([3, 2], gap="medium", vertical_alignment="center")
    reach = [s for s in segments.starts if s == 0 or s + segments.width <= n_frames]
    if len(reach) == 1:
        return 0, place
    # Two decimals where steps are short, so that no two moments look alike.
    digits = 1 if (reach[1] - reach[0]) * hop_seconds >= 0.2 else 2
    names = [f"{start * hop_seconds:.{digits}f}" for start in reach]
    at = st.session_state.get("at")
    if at is not None and at not in names:  # of another track, or of a network that cuts otherwise
        st.session_state.at = min(names, key=lambda name: abs(float(name) - float(at)))
    chosen = slider.select_slider(
        "Moment: where the segment begins, in seconds",
        names,
        names[len(names) // 3],
        key="at",
        bind="query-params",
        label_visibility="collapsed",
    )
    return names.index(chosen), place
