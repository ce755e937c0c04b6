"""The player: sound, spectrogram and predictions over time under one playhead, in the browser.

The browser gets addresses of the sounds and of the spectrogram's image, and numbers packed as
base64; while it plays, the server has nothing to do.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from PIL import Image
from streamlit import runtime

from crnn import inference, viz
from crnn.labels import MOOD_QUADRANTS, colours, display

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crnn.audio.front_end import FrontEnd

# What stands in the corners of the valence–arousal plane, by the signs of both.
_QUADRANTS = {
    (1, 1): "happy, excited",
    (-1, 1): "tense, angry",
    (-1, -1): "sad, depressed",
    (1, -1): "calm, relaxed",
}

# Larger sounds are requested when they are played, not before: a browser reads only their start at
# first, and the server keeps the rest in a buffer.
_LARGE_BYTES = 10_000_000

_FOLDER = Path(__file__).parent
_mount = st.components.v2.component(
    "player",
    **{kind: (_FOLDER / f"player.{kind}").read_text("utf-8") for kind in ("html", "css", "js")},
)


@dataclass(frozen=True)
class Sound:
    """A sound that browsers play.

    Attributes:
        title: names it beside others.
        data, mime: the file.
        peaks: its waveform by `viz.player.peaks`.
    """

    title: str
    data: bytes
    mime: str
    peaks: NDArray[np.uint8]

    @classmethod
    def from_samples(cls, title: str, samples: NDArray[Any], sample_rate: int) -> Sound:
        """Samples [T] in [−1, 1] as WAV."""
        data = inference.to_wav(samples, sample_rate)
        return cls(title, data, "audio/wav", viz.player.peaks(samples, sample_rate))


@dataclass(frozen=True)
class Spectrogram:
    """A mel spectrogram's image.

    Attributes:
        png: in colour, the highest band on top.
        start, end: of the image in seconds.
        ticks: names of frequencies by their height, 0 to 1 from the bottom.
    """

    png: bytes
    start: float
    end: float
    ticks: Mapping[str, float]

    @classmethod
    def from_mel(
        cls,
        mel: Any,
        front_end: FrontEnd,
        limits: tuple[float, float] | None = None,
        diverging: bool = False,
    ) -> Spectrogram:
        """Encode a log-mel spectrogram [M, F] in dB, or a difference of two.

        Args:
            limits: values of the scale's ends; default: the lowest and the highest.
            diverging: blue below the middle of the limits and red above it.
        """
        levels, step = viz.player.image(mel, limits)
        picture, out = Image.fromarray(levels, "P"), io.BytesIO()
        picture.putpalette(viz.player.palette(diverging).tobytes())
        picture.save(out, "PNG", compress_level=3)
        hop, axis = front_end.hop_seconds, viz.mel.frequency_axis(front_end, gap=9)
        heights = (np.array(axis["tickvals"]) + 0.5) / front_end.n_mels
        return cls(
            out.getvalue(),
            -hop / 2,
            (levels.shape[1] * step - 0.5) * hop,
            dict(zip(axis["ticktext"], heights.tolist(), strict=True)),
        )


@dataclass(frozen=True)
class Lane:
    """A place for spectrograms: one for all sounds, or one for each, shown while that sound plays.

    height: in px.
    """

    images: Sequence[Spectrogram]
    title: str = "Mel spectrogram (Hz)"
    height: int = 160


def show(
    key: str,
    name: str,
    sounds: Sequence[Sound],
    seconds: float,
    *,
    spectrograms: Sequence[Lane] = (),
    timelines: Mapping[str, inference.Timeline] | None = None,
    start: float = 0.0,
    alt: str = "",
    reruns: bool = False,
    wave_height: int = 56,
    page_keys: bool = False,
    play: float = 0.0,
) -> float | None:
    """Draw a player; it keeps its moment and goes on playing when it gets other content.

    Args:
        key: another key is another player, which begins at the start.
        name: of what is played, for screen readers.
        sounds: several are switched at the same moment.
        seconds: length of the time axis.
        spectrograms: drawn below the waveform, one below the other.
        timelines: predictions over time by task, drawn below that; where moods have places in the
            valence–arousal plane, the plane is drawn beside them.
        start: where in its track the excerpt begins, in seconds: added to the times shown.
        alt: the charts in words, for screen readers.
        reruns: whether a pause or another moment reruns the page or fragment.
        wave_height: of the waveform, in px.
        page_keys: whether Space and B act wherever the page's focus is, except in a control.
        play: when a click elsewhere on the page asked for it to play, for the one run after that
            click; else 0.

    Returns:
        The moment at which the visitor paused or to which they moved last, in seconds from the
        excerpt's start; None before that, and where nothing reruns.
    """
    tasks = timelines or {}
    data = {
        "name": name,
        "seconds": seconds,
        "start": start,
        "alt": alt,
        "reruns": reruns,
        "sounds": [
            {
                "title": sound.title,
                "url": _address(f"{key}-{number}", sound.data, sound.mime),
                "peaks": _packed(sound.peaks, "u1"),
                "large": len(sound.data) > _LARGE_BYTES,
            }
            for number, sound in enumerate(sounds)
        ],
        "peaksPerSecond": viz.player.PEAKS_PER_SECOND,
        "waveHeight": wave_height,
        "pageKeys": page_keys,
        "play": play,
        "spectrograms": [
            {
                "title": lane.title,
                "height": lane.height,
                "images": [
                    {
                        "url": _address(f"{key}-{number}-{k}", image.png, "image/png"),
                        "start": image.start,
                        "end": image.end,
                        "ticks": dict(image.ticks),
                    }
                    for k, image in enumerate(lane.images)
                ],
            }
            for number, lane in enumerate(spectrograms)
        ],
        "timelines": [_timeline(task, timeline) for task, timeline in tasks.items()],
        "plane": next(
            (
                _plane(number, timeline)
                for number, timeline in enumerate(tasks.values())
                if timeline.has_valence_arousal
            ),
            None,
        ),
    }
    # In a list: in a mapping Streamlit would look for tables, for which it imports pandas (80 MB).
    moment = _mount(key=key, data=[data], on_moment_change=lambda: None).get("moment")
    return None if moment is None else min(max(0.0, float(moment)), seconds)


def _timeline(task: str, timeline: inference.Timeline) -> dict[str, Any]:
    palette = colours(timeline.labels)
    return {
        "title": display(task),
        "classes": [[display(label), palette[label]] for label in timeline.labels],
        "edges": _packed(timeline.edges, "<f4"),
        "values": _packed(np.round(65535 * timeline.probabilities), "<u2"),
    }


def _plane(number: int, timeline: inference.Timeline) -> dict[str, Any]:
    """The path of the timeline with this number, and what stands in the plane's corners."""
    names: dict[tuple[int, int], list[int]] = {}
    for k, label in enumerate(timeline.labels):
        place = MOOD_QUADRANTS[label]
        names.setdefault((place.valence, place.arousal), []).append(k)
    return {
        "timeline": number,
        "points": _packed(timeline.valence_arousal, "<f4"),
        "corners": [
            {"at": corner, "classes": names.get(corner, []), "words": words}
            for corner, words in _QUADRANTS.items()
        ],
    }


def _address(coordinates: str, data: bytes, mime: str) -> str:
    """Where the browser gets a file. To be asked for in every run, else Streamlit drops it."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(data, mime, f"player-{coordinates}")


def _packed(values: ArrayLike, dtype: str) -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode()
