"""The whole page below its title: which network, which moment, and one chapter of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from crnn import audio, explain, viz
from crnn.format import duration
from pages.how import charts
from pages.shared import cache, navigation, player, queue, session, track_picker
from pages.shared.controls import choose
from pages.text import content, stages

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.delta_generator import DeltaGenerator
    from torch import Tensor

    from crnn.audio.front_end import FrontEnd
    from crnn.inference.classifier import Classifier
    from crnn.model.segments import Segments

# The steps that are shown together, by their names in pages/text/stages.yaml.
CHAPTERS = {
    "Audio": ("samples", "power"),
    "Spectrogram": ("mel", "db", "segment"),
    "Neural network": ("maps", "states"),
    "Prediction": ("logits", "probabilities", "track"),
}
_DETAILS = ["Maths", "Code", "Shapes"]
# As older addresses have them.
_RENAMED = dict(zip(("Sound", "Picture", "Network", "Answer"), CHAPTERS, strict=True))


@st.fragment
def show(track: session.Track) -> None:
    """Network, moment and chapter; another choice redraws this, not the page."""
    _, index = track_picker.pick_task(track, "task", "Network", bind="query-params")
    classifier, prediction = session.classifiers()[index], track.analysis.predictions[index]
    checkpoint = classifier.checkpoint
    front_end = checkpoint.front_end
    with queue.turn():
        n_frames, segments, loudest, spectrogram = cache.per_track(
            "how_track", track, (classifier,), lambda: _whole_track(track, classifier)
        )
        samples = _aligned(session.samples(track, front_end), front_end)
        within = len(samples) // front_end.hop_length + 1
        if segments.ends[0] > within:  # so far there is only silence
            segments = classifier.plan(n_frames)
        number, caption = _pick_moment(segments, within, front_end.hop_seconds)
        trace = explain.trace.trace(samples, segments, number, loudest, classifier)
    start, seconds = trace.start, min(checkpoint.segment_seconds, track.seconds - trace.start)
    top = stages.probabilities_alt(trace, checkpoint.labels, 3)
    caption.caption(f"**{duration(start)} to {duration(start + seconds)}** · {top}")
    first, count = round(start * front_end.sample_rate), round(seconds * front_end.sample_rate)
    segment = samples[first : first + count].numpy()
    sound = player.Sound.from_samples(track.name, segment, front_end.sample_rate)
    player.show("how-player", track.name, [sound], seconds, start=start)
    steps = stages.stages(trace, checkpoint, n_frames)
    # One chapter at a time: a browser that redraws all figures would be seconds behind the slider.
    chapter = choose("Chapter", list(CHAPTERS), "chapter", renamed=_RENAMED)
    _diagram(steps, trace.shapes(), chapter)
    st.pills("Show also", _DETAILS, selection_mode="multi", key="details", bind="query-params")
    scene = charts.Scene(trace, checkpoint, prediction, spectrogram, track.seconds)
    for position, (name, step) in enumerate(steps.items(), start=1):
        if name in CHAPTERS[chapter]:
            _step(position, step, lambda name=name: charts.show(name, scene))
    following = list(CHAPTERS)[list(CHAPTERS).index(chapter) + 1 :]
    if following:
        st.button(
            f"Next: {following[0]}",
            icon=":material/arrow_forward:",
            on_click=lambda: st.session_state.update(chapter=following[0], how_to_top=chapter),
        )
    if left := st.session_state.pop("how_to_top", None):
        navigation.scroll_to("how-diagram", left)


def _whole_track(
    track: session.Track, classifier: Classifier
) -> tuple[int, Segments, float, go.Heatmap]:
    """Number of frames, segments, peak power and spectrogram of the whole track."""
    front_end = classifier.checkpoint.front_end
    mel = session.log_mel(track, classifier)
    samples = _aligned(session.samples(track, front_end), front_end)
    loudest = explain.trace.loudest_power(mel, samples, front_end)
    segments = classifier.plan(mel.shape[1], audible=audio.silence.audible_mask(mel, front_end))
    return mel.shape[1], segments, loudest, viz.mel.heatmap(mel.numpy(), front_end)


def _aligned(samples: Tensor, front_end: FrontEnd) -> Tensor:
    """Samples as log_mel frames them: moved a little after silence."""
    values = samples.numpy()
    aligned = audio.silence.zero_silence_and_align(values, front_end)
    return samples if aligned is values else samples.new_tensor(aligned)


def _pick_moment(
    segments: Segments, n_frames: int, hop_seconds: float
) -> tuple[int, DeltaGenerator]:
    """The number of the chosen segment among those within n_frames; the place beside the slider.

    The slider stays at the bottom of the window, whatever step is in view.
    """
    left, right = st.bottom.columns([3, 2], gap="medium", vertical_alignment="center")
    starts = [s for s, end in zip(segments.starts, segments.ends, strict=True) if end <= n_frames]
    if len(starts) <= 1:
        return 0, right
    # Two decimals where steps are short, so that no two moments look alike.
    digits = 1 if (starts[1] - starts[0]) * hop_seconds >= 0.2 else 2
    names = [f"{start * hop_seconds:.{digits}f}" for start in starts]
    at = st.session_state.get("at")
    if at is not None and at not in names:  # of another track, or of other segments
        st.session_state.at = min(names, key=lambda name: abs(float(name) - float(at)))
    chosen = left.select_slider(
        "Start of the segment (s)",
        names,
        names[len(names) // 3],
        key="at",
        bind="query-params",
        label_visibility="collapsed",
    )
    return names.index(chosen), right


def _diagram(
    steps: dict[str, stages.Stage], shapes: dict[str, tuple[int, ...]], chapter: str
) -> None:
    """All steps with the shapes of their outputs, those in view lit; a click opens one."""
    layers = sum(name.startswith("map ") for name in shapes)
    shapes = shapes | {"maps": shapes[f"map {layers}"], "track": shapes["probabilities"]}
    chapters = {step: title for title, names in CHAPTERS.items() for step in names}
    with st.container(horizontal=True, gap="small", key="how-diagram"):
        for number, (name, step) in enumerate(steps.items(), start=1):
            st.button(
                f"**{number}** {step.title}  \n{stages.size(shapes[name])}",
                key=f"how-step-{name}",
                type="primary" if chapters[name] == chapter else "secondary",
                icon=":material/arrow_forward:" if number > 1 else None,
                on_click=st.session_state.update,
                kwargs={"chapter": chapters[name]},
            )


def _step(number: int, step: stages.Stage, draw: Callable[[], None]) -> None:
    """A step: its idea, its figures, and the details that were asked for."""
    details = st.session_state.get("details") or []
    st.subheader(f"{number} · {step.title}", anchor=False)
    left, right = st.columns([5, 7], gap="large")
    with left:
        st.markdown(step.idea)
        if "Maths" in details:
            st.latex(step.formula)
            st.caption(step.symbols)
        if "Shapes" in details:
            st.markdown("**Shape**")
            st.latex(step.shape)
    with right:
        draw()
        if step.caption:
            st.caption(step.caption)
    if "Code" in details:
        for name in step.code.split():
            place, text = content.source(name)
            st.caption(f"`{place}`")
            st.code(text, language="python", wrap_lines=True)
