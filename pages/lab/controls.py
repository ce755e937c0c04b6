"""The lab's controls: in the units that a musician reads, the paper's parameter beside them, all bound to the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.augment.plan import Strengths


@dataclass(frozen=True)
class _Control:
    """A switch and a slider; `switch` and `key` are their names in the address."""

    title: str
    switch: str
    key: str
    about: str
    low: float
    high: float
    default: float
    step: float
    unit: str
    parameter: str
    frames: bool = False
    on: bool = False

    def show(self, frame: float, bands: int) -> tuple[bool, float]:
        """Whether it is on, and how strong: in frames (of so many seconds) where the slider counts seconds."""
        active = st.toggle(f"**{self.title}**", value=self.on, key=self.switch, bind="query-params")
        if not active:
            return False, 0
        value = st.slider(
            self.about,
            self.low,
            self.high,
            self.default,
            self.step,
            format=self.unit,
            key=self.key,
            bind="query-params",
            persist_state="page",
        )
        strength = round(value / frame) if self.frames else value
        st.caption(self.parameter.format(strength, bands=bands))
        return active, strength


_TIME = _Control(
    "Time mask",
    "time",
    "t",
    "Silence for up to",
    0.0,
    3.0,
    1.16,
    0.01,
    "%.2f s",
    "T = {} frames",
    frames=True,
    on=True,
)
_FREQUENCY = _Control(
    "Frequency mask",
    "freq",
    "f",
    "Silence up to so many mel bands",
    0,
    128,
    60,
    1,
    "%d bands",
    "F = {} of {bands} bands",
)
_WARP = _Control(
    "Time warp",
    "warp",
    "w",
    "Move a moment by up to",
    0.0,
    1.5,
    0.46,
    0.01,
    "%.2f s",
    "W = {} frames",
    frames=True,
)
_NOISE = _Control(
    "Noise",
    "noise",
    "snr",
    "Music over noise; the lower, the noisier",
    -20,
    40,
    10,
    1,
    "%d dB",
    "SNR = {} dB",
)


def strengths(front_end: FrontEnd) -> Strengths:
    """Draw the controls, in the order in which the augmentations are applied last to first; what they say."""
    from crnn.audio.noise import KINDS
    from crnn.augment.plan import HOP_LENGTH, Strengths

    frame, bands = HOP_LENGTH / front_end.sample_rate, front_end.n_mels
    _, t = _TIME.show(frame, bands)
    _, f = _FREQUENCY.show(frame, bands)
    _, w = _WARP.show(frame, bands)
    noise, snr = _NOISE.show(frame, bands)
    kind = "white"
    if noise:
        kind = st.selectbox(
            "Kind of noise",
            list(KINDS),
            key="kind",
            bind="query-params",
            persist_state="page",
            format_func=lambda k: KINDS[k].split(":")[0],
            help="  \n".join(KINDS.values()),
        )
    with st.expander("Seed, number, value", icon=":material/casino:"):
        seed = st.number_input(
            "Seed",
            0,
            9999,
            0,
            key="seed",
            bind="query-params",
            help="Equal seeds draw equal masks, for everyone.",
        )
        masks = st.slider(
            "Masks of each sort in a segment", 1, 5, 1, key="masks", bind="query-params"
        )
        fill = st.segmented_control(
            "Masked values",
            ["silence", "mean"],
            default="silence",
            required=True,
            key="fill",
            bind="query-params",
            help="Silence, as in training, or the picture's mean. Never 0 dB: that is the loudest point.",
        )
    st.button(
        "Draw again",
        icon=":material/refresh:",
        on_click=_next_seed,
        help="With the next seed",
        width="stretch",
    )
    return Strengths(
        time_mask=int(t),
        frequency_mask=int(f),
        time_warp=int(w),
        snr_db=float(snr) if noise else None,
        noise=kind,
        masks=int(masks),
        seed=int(seed),
        fill="mean" if fill == "mean" else "silence",
    )


def _next_seed() -> None:
    st.session_state.seed = (st.session_state.get("seed", 0) + 1) % 10_000
