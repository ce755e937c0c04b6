"""The rack: each effect's switch and strength, order, solo, presets. The address has them all."""

from __future__ import annotations

from contextlib import suppress
from string import Template
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from crnn import audio, augment
from crnn.errors import CrnnError
from crnn.sources.examples import EXAMPLES
from pages.shared import queue, session, sources
from pages.shared.controls import accept_renamed, choose
from pages.shared.markdown import escape
from pages.text import content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crnn.audio.front_end import FrontEnd
    from crnn.audio.noise import NoiseLoop
    from crnn.augment.effects import Effect
    from crnn.augment.plan import Strengths

# Switches that are on where an address does not say otherwise, as in addresses of before.
_ON = ("time",)

# How a second track is mixed in, and which example that is where no other was chosen.
_MIXES, _SECOND = ("Mixup", "CutMix", "MixStyle"), "Palace"

_WHITE = "White noise"


def effects() -> dict[str, dict[str, Any]]:
    """The effects by name, in the order of the rack."""
    found: dict[str, dict[str, Any]] = content.load("lab")["effects"]
    return found


def open_first(names: set[str]) -> None:
    """Set what a visit opens with, unless the rack is set or the address says anything about it.

    names: of parameters that say so beside the rack's own.
    """
    switches = {effect["switch"] for effect in effects().values()}
    sliders = {effect["slider"] for effect in effects().values()}
    if not (switches & {*st.session_state} or (switches | sliders | names) & {*st.query_params}):
        apply(next(iter(presets().values())))


def presets() -> dict[str, dict[str, Any]]:
    """What each preset sets, by its name."""
    found: dict[str, dict[str, Any]] = content.load("lab")["presets"]
    return found


def apply(settings: Mapping[str, Any]) -> None:
    """Switch everything off but these settings; to be called before the rack is drawn."""
    off = {effect["switch"]: False for effect in effects().values()}
    for name in ("solo", "order"):
        st.query_params.pop(name, None)
    for name, value in (off | {"masks": 1, "fill": "silence"} | dict(settings)).items():
        st.session_state[name] = tuple(value) if isinstance(value, list) else value
        if name in _ON or (name in settings and value is not False):
            # Streamlit writes the address of controls that it has drawn before, and only of those.
            with suppress(StreamlitAPIException):
                st.query_params[name] = _in_address(value)


def _in_address(value: Any) -> Any:
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def show_presets() -> None:
    """A button for each preset; the one that is set is marked."""
    for name, settings in presets().items():
        st.button(
            name,
            key=f"preset-{name}",
            on_click=apply,
            args=(settings,),
            type="primary" if _is_set(settings) else "secondary",
        )


def _is_set(settings: Mapping[str, Any]) -> bool:
    on = {e["switch"] for e in effects().values() if _on(e)}
    if on != {name for name, value in settings.items() if value is True}:
        return False
    return all(
        st.session_state.get(name) == (tuple(v) if isinstance(v, list) else v)
        for name, v in settings.items()
    )


def _on(effect: Mapping[str, Any]) -> bool:
    """Whether an effect is on, also before its switch is drawn for the first time."""
    switch = effect["switch"]
    address = st.query_params.get(switch, str(switch in _ON)).lower() == "true"
    return bool(st.session_state.get(switch, address))


def strengths(front_end: FrontEnd) -> Strengths:
    """Draw the rack; returns what is on."""
    order, values = _order(), dict[str, Any]()
    on = [name for name, effect in effects().items() if _on(effect)]
    solo = st.query_params.get("solo")
    solo = solo if solo in on and len(on) > 1 else None
    for group, title in content.load("lab")["groups"].items():
        with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
            st.caption(f"**{title}**", width="stretch")
            if group == "sound":
                _tools()
        names = order if group == "sound" else [n for n in effects() if n not in order]
        audible = [name for name in names if name in on]
        for name in names:
            values[name] = _effect(name, front_end, audible, len(on) > 1, solo)
    seed, masks, fill = _advanced()
    used = {n: v for n, v in values.items() if v is not None and solo in (None, n)}
    return _strengths(used, order, front_end, masks=masks, seed=seed, fill=fill)


def preset(settings: Mapping[str, Any], front_end: FrontEnd) -> Strengths:
    """The strengths that a preset's settings stand for."""
    values: dict[str, Any] = {}
    for name, effect in effects().items():
        if settings.get(effect["switch"]):
            value = settings[effect["slider"]]
            if name == "noise":
                kind = _kinds()[settings.get("kind", _WHITE)]
                value = (None if kind is None else float(value), kind or "white")
            elif name == "codec":
                value = (settings["codec_name"].lower(), value)
            elif name == "mixing":
                value = (settings.get("mix_kind", _MIXES[0]), settings.get("mix_with"), value)
            values[name] = value
    order = [name for name in effects() if name in values]
    return _strengths(values, order, front_end, masks=settings.get("masks", 1))


def current(front_end: FrontEnd) -> Strengths:
    """The strengths that the rack is set to by visitor or address, where it is not drawn."""
    kinds, kind = _kinds(), st.session_state.get("kind", st.query_params.get("kind"))
    if kind not in kinds or (kinds[kind] is None and "own_noise" not in st.session_state):
        kind = None  # unknown, or another session's own
    settings = {"masks": _number("masks", 1, 1, 5), "kind": kind}
    for effect in effects().values():
        name, (low, high, *rest) = effect["slider"], effect["range"]
        settings[effect["switch"]] = _on(effect)
        ordinary = rest and not isinstance(rest[0], list)
        settings[name] = (
            _number(name, rest[0], low, high)
            if ordinary
            else st.session_state.get(name, rest[0] if rest else high)
        )
    settings = {name: value for name, value in settings.items() if value is not None}
    return preset({"codec_name": "MP3"} | settings, front_end)


def _number(name: str, default: float, low: float, high: float) -> Any:
    """A slider's value, of the default's type, from the session or the address."""
    value = st.session_state.get(name, st.query_params.get(name, default))
    with suppress(ValueError):
        return type(default)(min(max(float(value), low), high))
    return default


def _strengths(
    values: Mapping[str, Any], order: list[str], front_end: FrontEnd, seed: int = 0, **more: Any
) -> Strengths:
    """values: strengths as the rack shows them, times in seconds; order: of all or of the sound."""
    hop = augment.plan.HOP_LENGTH / front_end.sample_rate
    sound = [n for n in order if n in values and effects()[n]["group"] == "sound"]
    snr, kind = values.get("noise", (None, "white"))
    return augment.plan.Strengths(
        time_mask=round(values.get("time_mask", 0) / hop),
        frequency_mask=values.get("frequency_mask", 0),
        time_warp=round(values.get("time_warp", 0) / hop),
        snr_db=snr,
        noise=kind,
        seed=seed,
        effects=tuple(_made(name, values[name], seed) for name in sound if name != "noise"),
        noise_after=sound.index("noise") if "noise" in sound else 0,
        **more,
    )


def _tools() -> None:
    randomise = "Randomise: other masks, another curve, another room (the next seed)"
    _icon("casino", randomise, _next_seed, key="randomise")
    _icon("restart_alt", "Reset: everything off", apply, {}, key="reset")


def _icon(icon: str, about: str, action: Any, *arguments: Any, **button: Any) -> None:
    """A button whose words, for screen readers and under the mouse, lab.css hides."""
    style = {"type": "tertiary"} | button
    icon = f":material/{icon}:"
    st.button(about, icon=icon, help=about, on_click=action, args=arguments, **style)


def _effect(
    name: str, front_end: FrontEnd, audible: list[str], several: bool, solo: str | None
) -> Any:
    """Draw an effect; its strength, None where it is off.

    audible: effects of its group that are on; several: whether more than one is on at all.
    """
    effect = effects()[name]
    row = {"horizontal": True, "wrap": False, "vertical_alignment": "center", "key": f"row-{name}"}
    with st.container(gap="xxsmall", **row):
        with st.container(width="stretch"):
            on = st.toggle(
                effect["title"],
                effect["switch"] in _ON,
                key=effect["switch"],
                bind="query-params",
                persist_state="page",
            )
        if on and effect["group"] == "sound" and len(audible) > 1:
            for step, icon in ((-1, "arrow_upward"), (1, "arrow_downward")):
                place = audible.index(name) + step
                _icon(
                    icon,
                    f"{effect['title']}: {'earlier' if step < 0 else 'later'}",
                    _swap,
                    name,
                    audible[place % len(audible)],
                    key=f"{icon}-{name}",
                    disabled=not 0 <= place < len(audible),
                )
        if on and several:
            _icon(
                "headphones",
                f"Solo {effect['title'].lower()}",
                _set_solo,
                None if solo == name else name,
                key=f"solo-{name}",
                type="primary" if solo == name else "tertiary",
            )
    return _strength(name, effect, front_end) if on else None


def _strength(name: str, effect: Mapping[str, Any], front_end: FrontEnd) -> Any:
    about = f"{effect['about'][0].upper()}{effect['about'][1:]}."
    if "training" in effect:
        about += f" The built-in genre model was trained with {effect['training']}."
    shared: dict[str, Any] = {
        "key": effect["slider"],
        "bind": "query-params",
        "persist_state": "page",
        "help": about,
    }
    if name == "codec":
        options, default = effect["range"]
        codec = choose("Codec", ["MP3", "Opus"], "codec_name")
        kbit = st.select_slider(effect["label"], options, default, **shared)
        return codec.lower(), kbit
    low, high, default, step = effect["range"]
    default = tuple(default) if isinstance(default, list) else default
    value: Any = st.slider(
        effect["label"], low, high, default, step, format=effect["format"], **shared
    )
    if name == "noise":
        kind = _noise_type(front_end)
        return None if kind is None else (float(value), kind)
    if name == "mixing":
        kind = choose("Kind of mixing", _MIXES, "mix_kind")
        titles = [example.title for example in EXAMPLES.values()]
        other = st.selectbox(
            "Second track",
            titles,
            titles.index(_SECOND),
            key="mix_with",
            bind="query-params",
            persist_state="page",
            label_visibility="collapsed",
        )
        return kind, other, value
    if "parameter" in effect:
        hop = augment.plan.HOP_LENGTH / front_end.sample_rate
        strength = round(value / hop) if effect.get("frames") else value
        parameter = Template(effect["parameter"])
        st.caption(parameter.substitute(strength=strength, bands=front_end.n_mels))
    return value


def _made(name: str, value: Any, seed: int) -> Effect:
    made = augment.effects
    kinds: dict[str, Any] = {
        "pitch": made.PitchShift,
        "tempo": made.TimeStretch,
        "equaliser": lambda db: made.Equaliser(db, seed),
        "reverberation": lambda seconds: made.Reverberation(seconds, seed=seed),
        "band": lambda edges: made.BandPass(edges[0], max(edges[1], edges[0] + 100)),
        "gain": made.Gain,
        "clipping": made.Clipping,
        "codec": lambda settings: made.Codec(*settings),
        "mixing": lambda settings: _mix(*settings, seed),
    }
    effect: Effect = kinds[name](value)
    return effect


def _mix(kind: str, title: str | None, percent: int, seed: int) -> Effect:
    """Mixing with an example, by its title."""
    made, weight = augment.effects, percent / 100
    title = title or _SECOND
    example = next(each for each in EXAMPLES.values() if each.title == title)
    other = made.Recording(title, session.samples(session.open_example(example)))
    if kind == "CutMix":
        return made.CutMix(other, weight, seed)
    return {"Mixup": made.Mixup, "MixStyle": made.MixStyle}[kind](other, weight)


def _kinds() -> dict[str, str | NoiseLoop | None]:
    """Kinds of noise by their titles; the visitor's own is None where no file was given."""
    texts = content.load("lab")["noise"]
    kinds: dict[str, str | NoiseLoop | None] = {texts[k]["title"]: k for k in audio.noise.KINDS}
    return kinds | {texts["own"]["title"]: st.session_state.get("own_noise")}


def _noise_type(front_end: FrontEnd) -> str | NoiseLoop | None:
    texts, own = content.load("lab")["noise"], content.load("lab")["noise"]["own"]["title"]
    renamed = {"A crowd": "Crowd", "A worn record": "Vinyl crackle"}
    if "own_noise" not in st.session_state:
        # Nobody has chosen it here: it was another session's.
        st.session_state.own_noise_lost = st.query_params.get("kind") == own
        st.session_state.own_noise = None
        renamed[own] = _WHITE
    accept_renamed("kind", renamed)
    title = st.selectbox(
        "Noise type",
        list(_kinds()),
        key="kind",
        bind="query-params",
        persist_state="page",
        label_visibility="collapsed",
        help="  \n".join(f"{text['title']}: {text['about']}" for text in texts.values()),
    )
    if title == own:
        _own_noise(front_end)
    elif title == _WHITE and st.session_state.own_noise_lost:
        st.info(content.load("lab")["own_noise"]["lost"], icon=":material/link_off:")
    return _kinds()[title]


def _own_noise(front_end: FrontEnd) -> None:
    """A field for a file; its first minute is kept in the session as a loop, the file is not."""
    texts, number = content.load("lab")["own_noise"], st.session_state.get("noise_files", 0)
    st.session_state.own_noise_lost = False
    file = st.file_uploader(
        Template(texts["label"]).substitute(limit=sources.LIMIT_MB),
        type=list(audio.decode.AUDIO_SUFFIXES),
        max_upload_size=sources.LIMIT_MB,
        key=f"noise-file-{number}",  # a new field after each file
    )
    if file is not None:
        st.session_state.own_noise_failure = None
        try:
            st.session_state.own_noise = _loop(file.name, file.getvalue(), front_end)
        except CrnnError as error:
            st.session_state.own_noise_failure = (file.name, str(error))
        sources.free(file.file_id)
        file.close()
        st.session_state.noise_files = number + 1
        st.rerun()
    loop: NoiseLoop | None = st.session_state.own_noise
    if failure := st.session_state.get("own_noise_failure"):
        name, reason = escape(failure[0], 60), escape(failure[1])
        before = f" Still in use: {escape(loop.name, 60)}." if loop else ""
        st.error(f"**{name}** – {reason}{before}", icon=":material/hearing_disabled:")
    else:
        used = Template(texts["used"]).substitute(name=escape(loop.name, 60)) if loop else ""
        st.caption(used or texts["none"])


def _loop(name: str, data: bytes, front_end: FrontEnd) -> NoiseLoop:
    """A file's noise. Raises CrnnError."""
    noise = audio.noise
    with st.spinner("Opening…"), queue.turn():
        waveform = queue.decode(
            data,
            sample_rate=front_end.sample_rate,
            downmix=front_end.downmix,
            max_seconds=noise.SECONDS + noise.FADE_SECONDS,
        )
        return noise.NoiseLoop.from_samples(name, waveform.samples, waveform.sample_rate)


def _advanced() -> tuple[int, int, Any]:
    """Seed, number of masks and their fill."""
    with st.expander("Advanced", icon=":material/tune:"):
        seed = st.number_input(
            "Seed",
            0,
            9999,
            0,
            key="seed",
            bind="query-params",
            help="Same seed, same random masks, curve and room.",
        )
        masks = st.slider("Number of masks", 1, 5, 1, key="masks", bind="query-params")
        fill = choose(
            "Mask fill",
            ["silence", "mean"],
            "fill",
            label_visibility="visible",
            help="Silence, as in training, or the spectrogram's mean. Not 0 dB, the loudest level.",
        )
    return int(seed), int(masks), fill


def _order() -> list[str]:
    """Effects of the sound in the order of the address; those that it leaves out come last."""
    names = [name for name, effect in effects().items() if effect["group"] == "sound"]
    asked = dict.fromkeys(st.query_params.get("order", "").split("."))
    return [name for name in asked if name in names] + [n for n in names if n not in asked]


def _swap(one: str, other: str) -> None:
    swapped = {one: other, other: one}
    st.query_params["order"] = ".".join(swapped.get(name, name) for name in _order())


def _set_solo(name: str | None) -> None:
    if name is None:
        st.query_params.pop("solo", None)
    else:
        st.query_params["solo"] = name


def _next_seed() -> None:
    st.session_state.seed = (st.session_state.get("seed", 0) + 1) % 10_000
