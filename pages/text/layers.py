"""What each stage does, in words, in its formula, in this network's and this track's numbers, and in the code that does it."""

from dataclasses import dataclass

from crnn.audio import decode, mel
from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd, hz_to_mel
from crnn.explain.trace import Trace, stage_shapes, step_seconds
from crnn.format import percent
from crnn.inference.classifier import Classifier
from crnn.model import segments
from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN, PELU
from pages.how.source_excerpt import Excerpt


@dataclass(frozen=True)
class Stage:
    """idea: for everyone; formula: LaTeX, and symbols: what stands in it; size: the shape and how it comes about, LaTeX.

    code: what does it.
    """

    title: str
    idea: str
    formula: str
    symbols: str
    size: str
    code: tuple[Excerpt, ...]


def stages(stages: Trace, checkpoint: Checkpoint, n_frames: int) -> dict[str, Stage]:
    """All stages in their order, for a segment of a track of n_frames frames."""
    front_end = checkpoint.front_end
    shapes = stage_shapes(front_end, checkpoint.model.config, n_frames)
    return {
        "samples": _samples(front_end, shapes),
        "power": _power(front_end, shapes),
        "mel": _mel(front_end, shapes),
        "db": _db(stages, front_end, shapes),
        "segment": _segment(stages, checkpoint, n_frames),
        "maps": _maps(stages, checkpoint, shapes),
        "states": _states(checkpoint, shapes),
        "logits": _logits(checkpoint, shapes),
        "probabilities": _probabilities(checkpoint),
        "track": _track(stages, checkpoint),
    }


def times(shape: tuple[int, ...]) -> str:
    """1025 × 39, numbers above 9999 with thin gaps: 66 990."""
    return " × ".join(number(size) for size in shape)


def number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f") if value > 9999 else str(value)


def _short(value: float) -> str:
    """Three digits: 0.0123, 8.69, 1360."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _tex(shape: tuple[int, ...]) -> str:
    return times(shape).replace("×", r"\times").replace("\u202f", r"\,")


def _samples(front_end: FrontEnd, shapes: dict[str, tuple[int, ...]]) -> Stage:
    rate, frames = front_end.sample_rate, shapes["power"][1]
    mean = front_end.downmix == "mean"
    return Stage(
        "The wave",
        f"A microphone tells, {number(rate)} times a second, how far the air is pushed or pulled. This row of numbers is all "
        "that a network gets of the music.",
        r"x[t] = \frac{1}{C} \sum_{c=1}^{C} x_c[t]"
        if mean
        else r"x[t] = \frac{1}{C} \sum_{c=1}^{C} \frac{x_c[t]}{\max_u |x_c[u]|}",
        "x: one number for each moment t, between −1 and 1. C: the recording's channels, averaged into one"
        + ("." if mean else ", each first made as loud as it can be."),
        rf"\underbrace{{({frames} - 1) \cdot {front_end.hop_length}}}_{{\text{{steps}}}} + "
        rf"\underbrace{{{front_end.n_fft}}}_{{\text{{window}}}} = {_tex(shapes['samples'])} \text{{ samples}}",
        (Excerpt(decode.resample),) + (() if mean else (Excerpt(decode.normalise),)),
    )


def _power(front_end: FrontEnd, shapes: dict[str, tuple[int, ...]]) -> Stage:
    rate, hop, n_fft = front_end.sample_rate, front_end.hop_length, front_end.n_fft
    paper = (
        f" The paper's network moves on by 512 samples, this one by {hop}: it gets by with {hop / 512:.1f} times fewer columns."
        if front_end == GTZAN_FRONT_END
        else ""
    )
    return Stage(
        "The spectrum of each moment",
        f"As a prism splits light into colours, the short-time Fourier transform (STFT) splits {1000 * n_fft / rate:.0f} "
        f"milliseconds of sound into the frequencies in them, then moves on by {1000 * hop / rate:.0f} and does it again. Time "
        "goes across, pitch goes up.",
        r"\begin{gathered} P[k, n] = \Bigl| \sum_{i=0}^{N-1} w[i]\; x[s_n + i]\; e^{-2\pi \mathrm{j}\, k i / N} \Bigr|^2 \\ "
        r"s_n = nH - \tfrac{N}{2}, \quad w[i] = \sin^2 \tfrac{\pi i}{N} \end{gathered}",
        f"N = {n_fft} samples in a window w; H = {hop} samples from one to the next. Row k stands for "
        f"k · {rate / n_fft:.1f} Hz, column n for the moment n · {1000 * hop / rate:.1f} ms.{paper}",
        rf"\left(\tfrac{{{n_fft}}}{{2}} + 1\right) \times {shapes['power'][1]} = {_tex(shapes['power'])}",
        (Excerpt(mel.mel_transform), Excerpt(mel.mel_power, "padded =", "blocks.append")),
    )


def _mel(front_end: FrontEnd, shapes: dict[str, tuple[int, ...]]) -> Stage:
    bands, frames = shapes["mel"]
    rows = shapes["power"][0]
    scale = (
        r"\mathrm{mel}(f) = 2595 \log_{10}\!\left(1 + \tfrac{f}{700}\right)"
        if front_end.mel_scale == "htk"
        else r"\mathrm{mel}(f) = \begin{cases} \tfrac{3f}{200} & f < 1000 \\ "
        r"15 + 27 \, \tfrac{\ln (f / 1000)}{\ln 6.4} & \text{else} \end{cases}"
    )
    area = (
        " Wide triangles are lower, so that all have the same area (Slaney's form)."
        if front_end.norm == "slaney"
        else " All are equally high."
    )
    return Stage(
        "As the ear groups it",
        f"From 100 to 200 Hz is an octave, from 5000 to 5100 Hz hardly a step. {bands} overlapping triangles sum up the "
        f"{rows} frequencies as finely as the ear tells them apart: narrow ones for low notes, wide ones for high.",
        r"\begin{gathered} M[m, n] = \sum_k B[m, k] \, P[k, n] \\ " + scale + r" \end{gathered}",
        f"B: the triangles, whose tips lie at equal distances in mel, the unit of heard pitch, up to "
        f"{front_end.sample_rate / 2000:g} kHz.{area}",
        rf"({bands} \times {number(rows)}) \cdot ({number(rows)} \times {frames}) = {_tex(shapes['mel'])}",
        (Excerpt(mel.mel_transform), Excerpt(hz_to_mel)),
    )


def _db(stages: Trace, front_end: FrontEnd, shapes: dict[str, tuple[int, ...]]) -> Stage:
    floor = stages.db <= float(
        mel.power_to_db(stages.mel * 0, front_end, stages.mel.new_tensor(stages.loudest)).max()
    )
    share = float(floor.float().mean())
    relative = front_end.reference == "max"
    return Stage(
        "Loudness in steps",
        "Loudness, too, is heard in ratios. In decibels (dB), ten times the power is always 10 more, and soft sounds become "
        f"visible beside loud ones. What is {front_end.top_db:g} dB or more below the loudest moment of the track counts as "
        f"silence: {percent(share) if share else 'nothing'} of this picture.",
        r"\begin{gathered} L[m, n] = 10 \log_{10} \frac{\max(M[m, n],\, \ell)}{R} \\ "
        r"\ell = M_{\max} \cdot 10^{-D/10} \end{gathered}",
        f"Mₘₐₓ = {_short(stages.loudest)}: the loudest value of the whole track; D = {front_end.top_db:g} dB. "
        + (
            "R = Mₘₐₓ, so that the loudest is 0 dB and the level of the recording does not matter."
            if relative
            else f"R = {front_end.reference:g}."
        ),
        rf"\text{{as before: }} {_tex(shapes['db'])}",
        (Excerpt(mel.power_to_db),),
    )


def _segment(stages: Trace, checkpoint: Checkpoint, n_frames: int) -> Stage:
    plan, hop = stages.segments, checkpoint.front_end.hop_seconds
    bands, width, count = checkpoint.front_end.n_mels, plan.width, len(plan.starts)
    seconds = f"{checkpoint.segment_seconds:g} s"
    if plan.repeated:
        idea = f"The network reads {seconds} at once. The track is shorter, so it is repeated until it fills them."
        size = rf"\text{{{n_frames} frames, repeated to }} {width}: \quad 1 \times {bands} \times {width}"
    elif count == 1:
        idea = f"The network reads {seconds} at once, which is all of this track."
        size = rf"1 \times {bands} \times {width}"
    else:
        step = plan.starts[1] - plan.starts[0]
        idea = (
            f"The network reads {seconds} at once. Segments overlap: each begins {step * hop:.1f} s after the one before, the "
            f"last ends with the track. This is number {stages.number + 1} of {count}."
        )
        size = (
            rf"S = \left\lceil \tfrac{{{n_frames} - {width}}}{{{step}}} \right\rceil + 1 = {count}"
            rf" \quad \text{{of }} 1 \times {bands} \times {width}"
        )
    return Stage(
        "A segment of the track",
        idea,
        r"\begin{gathered} s_i = \min(i \, h,\; F - W), \quad i = 0 \dots S - 1 \\ "
        r"S = \left\lceil \tfrac{F - W}{h} \right\rceil + 1 \end{gathered}",
        f"s: where a segment begins; F = {n_frames} frames in the track, W = {width} in a segment, h from one start to the next. A "
        f"frame is a column of the picture, {1000 * hop:.1f} ms.",
        size,
        (Excerpt(segments.plan), Excerpt(segments.cut)),
    )


def _maps(stages: Trace, checkpoint: Checkpoint, shapes: dict[str, tuple[int, ...]]) -> Stage:
    config, normalise = checkpoint.model.config, checkpoint.model.normalise
    count = len(config.channels)
    join = r"\max" if config.pooling == "max" else r"\operatorname{mean}"
    pelu = config.activation == "pelu"
    bend = (
        r"\varphi(u) = \begin{cases} \tfrac{a}{b} u & u \ge 0 \\ a \, (e^{u/b} - 1) & \text{else} \end{cases}"
        if pelu
        else r"\varphi(u) = \begin{cases} u & u \ge 0 \\ e^u - 1 & \text{else} \end{cases}"
    )
    lines = [rf"&\text{{in: }} && 1 \text{{ picture of }} {_tex((config.n_mels, config.frames))}"]
    for layer in range(1, count + 1):
        channels, *picture = shapes[f"map {layer}"]
        lines.append(
            rf"&\text{{layer {layer}: }} && {channels} \text{{ pictures of }} {_tex(tuple(picture))}"
        )
    pools = ", ".join(times(pool) for pool in config.pools)
    mean, deviation = _input_scale(normalise)
    return Stage(
        "Feature maps",
        "The network slides small stencils of 3 × 3 cells over the picture. Each answers where its own pattern is found, such as "
        "a beginning, a held note or a gap, and so makes a picture of its own, a feature map. The next layer looks for patterns "
        f"in these maps, and so on for {count} layers, each on a coarser grid.",
        r"\begin{gathered} u_c = b_c + \sum_{c'} K_{c c'} * y_{c'} \\ y_c = "
        + join
        + r"_{p \times q} \;"
        r"\left( \gamma_c \, \frac{\varphi(u_c) - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c \right) \\ "
        + bend
        + r" \end{gathered}",
        "K: a 3 × 3 stencil for each pair of an old map c′ and a new one c; φ: bends the line, so that layers can do more than "
        f"one could ({'PELU, with a and b learned' if pelu else 'ELU'}); μ, σ, γ, β: bring each map to a common scale (batch "
        f"normalisation); {'max' if config.pooling == 'max' else 'mean'} over p × q neighbours ({pools}) makes the grid "
        f"coarser. Before the first layer, the decibels are brought to a common scale too: "
        f"{mean:.1f} dB becomes 0, and {deviation:.1f} dB more become 1.".replace("-", "−"),
        r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}",
        (
            Excerpt(CRNN.__init__, "layers, previous = [], 1", "previous = channels"),
            Excerpt(CRNN.embed, "x = self.normalise", "x = layer(x)"),
        )
        + ((Excerpt(PELU.forward),) if pelu else ()),
    )


def _input_scale(normalise) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """The level in dB that becomes 0, and how many dB more become 1."""
    deviation = (normalise.running_var + normalise.eps).sqrt() / normalise.weight.detach()
    mean = normalise.running_mean - normalise.bias.detach() * deviation
    return float(mean), float(deviation)


def _states(checkpoint: Checkpoint, shapes: dict[str, tuple[int, ...]]) -> Stage:
    config = checkpoint.model.config
    steps, hidden = shapes["states"]
    both = config.bidirectional
    readout, what = {
        "last": (
            r"e = [\overrightarrow{h}_{J};\; \overleftarrow{h}_{1}]" if both else "e = h_J",
            "What it holds after the last column stands for the whole segment"
            + (", one reading forwards and one backwards." if both else "."),
        ),
        "mean": (
            r"e = \frac{1}{J} \sum_j h_j",
            "The mean of what it held stands for the whole segment.",
        ),
        "attention": (
            r"e = \sum_j \alpha_j h_j, \quad \alpha = \operatorname{softmax}(v^\top h + d)",
            "The segment is summed up by what it held, weighted by how telling each step was.",
        ),
    }[config.readout]
    return Stage(
        "Memory along the segment",
        f"The last maps are read column by column, {step_seconds(checkpoint.front_end, config):.2f} s each, by gated recurrent "
        f"units (GRUs): a memory of {hidden} numbers in which, at each step, gates decide what is kept and what is replaced. "
        f"{what}",
        r"\begin{gathered} r = \sigma(W_r y_j + U_r h_{j-1} + b_r) \\ z = \sigma(W_z y_j + U_z h_{j-1} + b_z) \\ "
        r"n = \tanh\!\left(W_n y_j + b_n + r \odot (U_n h_{j-1} + c_n)\right) \\ "
        r"h_j = (1 - z) \odot n + z \odot h_{j-1} \\ " + readout + r" \end{gathered}",
        "y: column j of the last maps, J of them; h: the memory; r and z: gates between 0 and 1; ⊙: number by number. Two such "
        "layers stand one on the other; shown is the upper one. e: the embedding, what stands for the segment.",
        rf"{_tex(shapes[f'map {len(config.channels)}'])} \;\to\; {_tex((steps, hidden))} \;\to\; {hidden}",
        (Excerpt(CRNN.recur, "sequence ="),),
    )


def _logits(checkpoint: Checkpoint, shapes: dict[str, tuple[int, ...]]) -> Stage:
    (hidden,), (classes,) = shapes["embedding"], shapes["logits"]
    return Stage(
        "One score a class",
        f"For each of the {classes} classes the network weighs the {hidden} numbers and adds them up. The sum is called a logit: "
        "the higher, the more speaks for the class. Only differences count: 1 more than another means 2.7 times as likely, "
        "before the temperature below.",
        r"z = V e + b",
        f"V: {classes} × {hidden} learned weights, b: {classes} more.",
        rf"({classes} \times {hidden}) \cdot {hidden} + {classes} = {classes}",
        (Excerpt(CRNN.forward),),
    )


def _probabilities(checkpoint: Checkpoint) -> Stage:
    temperature, classes = checkpoint.temperature, len(checkpoint.labels)
    effect = "a little surer" if temperature < 1 else "less sure"
    effect = "neither surer nor less sure" if temperature == 1 else effect
    return Stage(
        "From scores to shares",
        f"The logits become shares that sum to 100 %. Before, they are divided by a temperature, {temperature:g}, which makes the "
        f"network {effect} of itself. A temperature is chosen on tracks kept aside, so that what the network calls 70 % is right "
        "about 70 times in 100."
        if temperature != 1
        else "The logits become shares that sum to 100 %. The temperature by which they are divided is 1: it changes nothing.",
        r"p_k = \frac{e^{z_k / T}}{\sum_{l} e^{z_l / T}}",
        f"T = {temperature:g}: the temperature. The quotient is called softmax.",
        rf"{classes} \;\to\; {classes}",
        (Excerpt(Classifier.predict, "logits =", "probabilities ="),),
    )


def _track(stages: Trace, checkpoint: Checkpoint) -> Stage:
    count, classes = len(stages.segments.starts), len(checkpoint.labels)
    return Stage(
        "The whole track",
        "There is only one segment, so its shares are the track's."
        if count == 1
        else f"What Listen shows of the track is the mean over its {count} segments, each counted for the time it adds.",
        r"\bar p = \sum_{i=0}^{S-1} \omega_i \, p^{(i)}, \quad \sum_i \omega_i = 1",
        f"ω: the share of the track's time that a segment adds to those before it; here "
        f"{100 * stages.segments.weights[stages.number]:.1f} %.",
        rf"{count} \times {classes} \;\to\; {classes}",
        (Excerpt(segments.average),),
    )
