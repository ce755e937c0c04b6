"""The Lab's controls in seconds, mel bands and decibels, beside the paper's parameters."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn import audio, augment
from pages.shared.controls import accept_renamed, choose
from pages.text import content

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.augment.plan import Strengths


def strengths(front_end: FrontEnd) -> Strengths:
    """Draw the controls; returns their values."""
    values = {
        name: _control(control, front_end)
        for name, control in content.load("lab")["controls"].items()
    }
    noise = "white" if values["snr_db"] is None else _noise_type()
    with st.expander("Advanced", icon=":material/casino:"):
        seed = st.number_input(
            "Seed",
            0,
            9999,
            0,
            key="seed",
            bind="query-params",
            help="Same seed, same random masks.",
        )
        masks = st.slider("Number of masks", 1, 5, 1, key="masks", bind="query-params")
        fill = choose(
            "Mask fill",
            ["silence", "mean"],
            "fill",
            label_visibility="visible",
            help="Silence, as in training, or the mean of the spectrogram. Never 0 dB: that is the "
            "peak.",
        )
    st.button("Randomise", icon=":material/refresh:", on_click=_next_seed, width="stretch")
    return augment.plan.Strengths(
        time_mask=int(values["time_mask"] or 0),
        frequency_mask=int(values["frequency_mask"] or 0),
        time_warp=int(values["time_warp"] or 0),
        snr_db=values["snr_db"],
        noise=noise,
        masks=int(masks),
        seed=int(seed),
        fill=fill,
    )


def _control(control: dict[str, Any], front_end: FrontEnd) -> float | None:
    """Draw a switch and, where it is on, a slider; its value, times in frames of 512 samples."""
    title, switch = f"**{control['title']}**", control["switch"]
    if not st.toggle(title, value=control["active"], key=switch, bind="query-params"):
        return None
    value: float = st.slider(
        control["label"],
        *control["range"],
        format=control["format"],
        key=control["slider"],
        bind="query-params",
        persist_state="page",
    )
    if control["frames"]:
        value = round(value * front_end.sample_rate / augment.plan.HOP_LENGTH)
    parameter = Template(control["parameter"])
    st.caption(parameter.substitute(strength=value, bands=front_end.n_mels))
    return float(value)


def _noise_type() -> str:
    texts = content.load("lab")["noise"]
    kinds = {texts[kind]["title"]: kind for kind in audio.noise.KINDS}
    accept_renamed("kind", {"A crowd": "Crowd", "A worn record": "Vinyl crackle"})
    title = st.selectbox(
        "Noise type",
        list(kinds),
        key="kind",
        bind="query-params",
        persist_state="page",
        help="  \n".join(f"{title}: {texts[kind]['about']}" for title, kind in kinds.items()),
    )
    return kinds[title]


def _next_seed() -> None:
    st.session_state.seed = (st.session_state.get("seed", 0) + 1) % 10_000
