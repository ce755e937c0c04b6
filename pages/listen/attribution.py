"""Two attribution maps over the spectrogram, each with its deletion test; computed on request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, explain, inference, viz
from crnn.format import percent
from crnn.labels import display
from pages.shared import cache, player, queue, session
from pages.shared.track_picker import pick_task
from pages.text import attribution as text

if TYPE_CHECKING:
    from torch import Tensor

# Results of a track: up to 0.4 MB (a class) or 2.6 MB (two sounds) each.
_kept = partial(cache.per_track, "why", limit=12)


def show(track: session.Track) -> None:
    """A class to choose; both maps of the window that speaks most for it."""
    classifier, label, start = _choose(track)
    front_end, task = classifier.front_end, classifier.checkpoint.task
    mel = _kept(track, ("mel", task), lambda: session.log_mel(track, classifier))
    window, first = explain.attribution.window(mel, start, front_end)
    start = first * front_end.hop_seconds
    maps = _maps(track, classifier, window, first, label)
    for column, attribution in zip(st.columns(2, gap="large"), maps, strict=True):
        with column:
            title = f"{attribution.method}: evidence for {display(label)}"
            test = text.deletion(attribution, label)
            location = text.location(attribution, front_end, start)
            st.plotly_chart(
                viz.attribution.overlay(attribution, window.numpy(), front_end, start, title),
                key=f"why-{attribution.method}",
                alt=f"{title}. {location} {test}",
            )
            st.markdown(test)
            st.caption(f"{text.METHODS[attribution.method]} {location}")
            if st.toggle("Play highlighted parts", key=f"play-{attribution.method}"):
                _play(track, classifier, attribution, first, label)
    st.caption(
        "Grey: the spectrogram. Amber: evidence for the class; the brighter, the stronger. White "
        f"outline: the highlighted fifth. {text.agreement(*maps)} Both show what this model uses, "
        f"not what makes music {display(label)}."
    )


def _choose(track: session.Track) -> tuple[inference.Classifier, str, float]:
    """The network, the class and the start (s) of the window to explain."""
    # Another track or another network starts with its own most likely class.
    suffix = f"{abs(hash((track.name, track.seconds, track.networks))):x}"
    task, index = pick_task(track, key=f"why-task-{suffix}", label="Prediction to explain")
    prediction = track.analysis.predictions[index]
    probs = prediction.to_dict()
    ranked = [label for label, _ in prediction.ranked()]
    label = st.pills(
        "Class",
        ranked,
        default=ranked[0],
        required=True,
        key=f"why-{task}-{suffix}",
        label_visibility="collapsed",
        format_func=lambda label: f"{display(label)} {percent(probs[label])}",
    )
    seconds = explain.attribution.WINDOW_SECONDS
    start = explain.attribution.best_window(prediction, label, track.seconds)
    if track.seconds > seconds + 1:
        start = st.slider(
            "Start of the excerpt",
            0.0,
            float(int(track.seconds - seconds)),
            float(round(start)),
            1.0,
            format="%.0f s",
            key=f"why-start-{task}-{label}-{suffix}",
            help=f"{seconds:.0f} seconds are explained at a time, by default those where "
            f"{display(label)} is most likely.",
        )
    return session.classifiers()[index], label, start


def _maps(
    track: session.Track, classifier: inference.Classifier, window: Tensor, first: int, label: str
) -> tuple[explain.Attribution, ...]:
    """Both maps with their tests; occlusion measures all classes of a window at once."""
    checkpoint, place = classifier.checkpoint, st.empty()
    turn = partial(queue.turn, place)

    def occlude() -> Tensor:
        return explain.attribution.occlusion(
            classifier, window, lambda done: place.progress(done, "Computing occlusion map…"), turn
        )

    def compute() -> tuple[explain.Attribution, ...]:
        drops = _kept(track, ("occlusion", checkpoint.task, first), occlude)
        drop = drops[checkpoint.labels.index(label)]
        occlusion = explain.attribution.expand_patches(drop, window.shape[0])
        place.progress(1.0, "Testing…")
        with turn():
            cam = explain.attribution.grad_cam(classifier, window, label)
            cam = explain.attribution.smooth(cam, checkpoint.front_end)
        return explain.deletion.deletion_test(
            classifier, window, label, {"Occlusion": occlusion, "Grad-CAM": cam}, turn
        )

    maps = _kept(track, ("maps", checkpoint.task, first, label), compute)
    place.empty()
    return maps


def _play(
    track: session.Track,
    classifier: inference.Classifier,
    attribution: explain.Attribution,
    first: int,
    label: str,
) -> None:
    """A player of the highlighted bins and of everything else."""
    front_end, rate = classifier.front_end, classifier.front_end.sample_rate

    def render() -> list[player.Sound]:
        hop = front_end.hop_length
        with queue.turn(), st.spinner("Rendering audio…"):
            samples = session.excerpt(
                track, front_end, first * hop, attribution.mask.shape[1] * hop
            )
            parts = explain.sonify.split_by_mask(samples, attribution.mask, front_end)
            parts = augment.waveform.prevent_clipping(*parts)
        return [
            player.Sound.from_samples(title, part.numpy(), rate)
            for title, part in zip(("Highlighted parts", "The rest"), parts, strict=True)
        ]

    key = ("audio", classifier.checkpoint.task, first, label, attribution.method)
    player.show(
        f"why-player-{attribution.method}",
        f"{display(label)}, {attribution.method}",
        _kept(track, key, render),
        attribution.mask.shape[1] * front_end.hop_seconds,
        start=first * front_end.hop_seconds,
    )
