"""Why a class: two maps over the spectrogram, each with its test, and the sound of what they found. Computed when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import session

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.explain.deletion import Attribution
    from crnn.inference.classifier import Classifier

# Results of a visitor's track that are kept, of up to 0.4 MB (a class) or 2.6 MB (two sounds) each.
_KEPT = 12


@st.fragment
def show(track: session.Track) -> None:
    """A closed box; opening it computes, choosing another class draws only the box anew."""
    box = st.expander(
        "Why? What in the sound speaks for a class",
        icon=":material/manage_search:",
        key="why",
        on_change="rerun",
    )
    if box.open:
        with box:
            _why(track)


def _why(track: session.Track) -> None:
    from crnn.explain import attribution
    from crnn.viz import attribution as heat

    classifier, label, start = _asked(track)
    front_end = classifier.checkpoint.front_end
    task = classifier.checkpoint.task
    mel = _once(track, ("mel", task), lambda: session.log_mel(track, classifier))
    picture, first = attribution.window(mel, start, front_end)
    start = first * front_end.hop_seconds
    regions = _regions(track, classifier, picture, first, label)
    for column, region in zip(st.columns(2, gap="large"), regions, strict=True):
        with column:
            title = f"{region.method}: what speaks for {label}"
            words = heat.told(region, label)
            place = heat.where(region, front_end, start)
            st.plotly_chart(
                heat.overlay(region, picture.numpy(), front_end, start, title),
                key=f"why-{region.method}",
                alt=f"{title}. {place} {words}",
            )
            st.markdown(words)
            st.caption(f"{_HOW[region.method]} {place}")
            if st.button(
                "Play only these regions", key=f"play-{region.method}", icon=":material/hearing:"
            ):
                _play(track, classifier, region, first, label)
    st.caption(
        "Grey: the spectrogram. Amber: what speaks for the class, the stronger, the more. White lines: the brightest fifth. "
        f"{heat.agreement(*regions)} Both tell what this network listens to, not what makes music {label}."
    )


_HOW = {
    "Occlusion": "Every patch is silenced in turn, and the network asked again: the brighter, the more the class loses by it.",
    "Grad-CAM": "Read from inside the network: the brighter, the more its own picture of the sound pushes towards the class.",
}


def _asked(track: session.Track) -> tuple[Classifier, str, float]:
    """The network, the class and the moment (s) to explain."""
    from crnn.explain import attribution
    from crnn.format import percent

    predictions = track.analysis.predictions
    tasks = [prediction.task for prediction in predictions]
    # Another track or another network starts with its own likeliest class.
    of = f"{abs(hash((track.name, track.seconds, track.networks))):x}"
    task = st.segmented_control(
        "What to explain",
        tasks,
        default=tasks[0],
        required=True,
        format_func=str.capitalize,
        key=f"why-task-{of}",
        label_visibility="collapsed",
    )
    index = tasks.index(task)
    prediction = predictions[index]
    odds = prediction.to_dict()
    ranked = [label for label, _ in prediction.ranked()]
    label = st.pills(
        "Class",
        ranked,
        default=ranked[0],
        required=True,
        key=f"why-{task}-{of}",
        label_visibility="collapsed",
        format_func=lambda label: f"{label} {percent(odds[label])}",
    )
    start = attribution.best_window(prediction, label, track.seconds)
    if track.seconds > attribution.WINDOW_SECONDS + 1:
        start = st.slider(
            "Seconds from",
            0.0,
            float(int(track.seconds - attribution.WINDOW_SECONDS)),
            float(round(start)),
            1.0,
            format="%.0f s",
            key=f"why-start-{task}-{label}-{of}",
            help=f"{attribution.WINDOW_SECONDS:.0f} seconds are explained at a time; it starts where {label} is strongest.",
        )
    return session.classifiers()[index], label, start


def _regions(
    track: session.Track, classifier: Classifier, picture: Tensor, first: int, label: str
) -> tuple[Attribution, ...]:
    """Both maps and their tests; the patches that were silenced for one class serve all others of the same window."""
    from crnn.explain import attribution, deletion

    task = classifier.checkpoint.task
    place = st.empty()

    def turn() -> Any:
        def waiting(before: int) -> None:
            place.progress(
                0.0, f"{before} {'visitor is' if before == 1 else 'visitors are'} before you …"
            )

        return session.turns().turn(waiting)

    def silenced() -> Tensor:
        said = "Silencing patch after patch …"
        return attribution.occlusion(
            classifier, picture, lambda share: place.progress(share, said), turn
        )

    def compute() -> tuple[Attribution, ...]:
        lost = _once(track, ("lost", task, first), silenced)[
            classifier.checkpoint.labels.index(label)
        ]
        lost = attribution.expand_patches(lost, picture.shape[0])
        place.progress(1.0, "Putting it to the test …")
        with turn():
            cam = attribution.smooth(
                attribution.grad_cam(classifier, picture, label), classifier.checkpoint.front_end
            )
        return deletion.deletion_test(
            classifier, picture, label, {"Occlusion": lost, "Grad-CAM": cam}, turn
        )

    found = _once(track, ("regions", task, first, label), compute)
    place.empty()
    return found  # type: ignore[no-any-return]


def _play(
    track: session.Track, classifier: Classifier, region: Attribution, first: int, label: str
) -> None:
    """Players of the regions alone and of everything else."""

    def render() -> tuple[bytes, bytes]:
        from crnn.augment.waveform import prevent_clipping
        from crnn.explain.sonify import split_by_mask
        from crnn.inference.export import to_wav

        front_end = classifier.checkpoint.front_end
        hop = front_end.hop_length
        with session.my_turn(), st.spinner("Taking the sound apart …"):
            samples = session.excerpt(track, front_end, first * hop, region.mask.shape[1] * hop)
            sounds = prevent_clipping(*split_by_mask(samples, region.mask, front_end))
        return tuple(to_wav(sound.numpy(), front_end.sample_rate) for sound in sounds)  # type: ignore[return-value]

    sounds = _once(
        track, ("sound", classifier.checkpoint.task, first, label, region.method), render
    )
    for title, sound, autoplay in zip(
        ("Only these regions", "Everything else"), sounds, (True, False), strict=True
    ):
        st.caption(title)
        st.audio(sound, format="audio/wav", autoplay=autoplay, alt=title)


def _once(track: session.Track, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What was made for the current track, kept in the session while it is looked at; the oldest goes first."""
    kept = st.session_state.get("why_kept")
    if kept is None or kept[0] is not track:
        kept = st.session_state.why_kept = (track, {})
    if key not in kept[1]:
        made = make()
        while len(kept[1]) >= _KEPT:
            kept[1].pop(next(iter(kept[1])))
        kept[1][key] = made
    return kept[1][key]
