"""One short lesson an augmentation: what it imitates, its formula, its source, and the code that does it, read as it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crnn.augment.masks import FrequencyMask, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp, Warp
from pages.how.source_excerpt import Excerpt

_SPECAUGMENT = "Park et al. 2019, “SpecAugment”, section 2 ([arXiv 1904.08779](https://arxiv.org/abs/1904.08779))"


@dataclass(frozen=True)
class Lesson:
    """key: name in addresses and sweeps; formula: LaTeX; code: what does it."""

    key: str
    title: str
    imitates: str
    idea: str
    formula: str
    symbols: str
    source: str
    try_it: str
    code: tuple[Callable[..., Any], ...]

    @property
    def listing(self) -> str:
        """The source of the code, as it stands in the library."""
        return "\n".join(Excerpt(function).text for function in self.code)


LESSONS = (
    Lesson(
        "time",
        "Time masking",
        "A scratched CD that drops out, a cough over the best bar, a lost network packet.",
        "A stretch of time is silenced. A network that has learned to rely on one moment, a snare hit or a sung word, "
        "must find other evidence in what is left.",
        r"\begin{gathered} t \sim U\{0, T\},\quad t_0 \sim U\{0, \tau - t\} \\ "
        r"X[m, n] = v \;\text{ for }\; t_0 \le n < t_0 + t \end{gathered}",
        "τ: frames in the segment; T: the widest mask; v: the masked value, silence by default. U{a, b}: any whole number "
        "from a to b, all equally likely.",
        _SPECAUGMENT,
        "Raise T until whole phrases go. Which classes survive: those heard in every moment, or those heard in events?",
        (TimeMask.sample, TimeMask.apply),
    ),
    Lesson(
        "frequency",
        "Frequency masking",
        "A telephone, a wall between you and the band, a loudspeaker without its tweeter: a filter.",
        "A range of mel bands is silenced for the whole segment. The network can no longer rely on, say, the bass alone "
        "to know reggae.",
        r"\begin{gathered} f \sim U\{0, F\},\quad f_0 \sim U\{0, M - f\} \\ "
        r"X[m, n] = v \;\text{ for }\; f_0 \le m < f_0 + f \end{gathered}",
        "M: mel bands (128 here); F: the widest mask. A band high up spans many more Hz than one low down.",
        _SPECAUGMENT,
        "Draw a few seeds at F = 60. Does the answer change more when the bass goes or when the treble goes?",
        (FrequencyMask.sample, FrequencyMask.apply),
    ),
    Lesson(
        "warp",
        "Time warping",
        "A drummer who rushes and drags, a tape that runs unevenly, a DJ's hand on the record (but the pitch stays).",
        "One moment is moved a little earlier or later; what is before it is stretched or squeezed, and so is what comes after. "
        "The ends stay where they are.",
        r"\begin{gathered} w_0 \sim U[W, \tau - 1 - W],\quad w \sim U(-W, W) \\ X'[m, n] = X[m, g(n)] \\ "
        r"g(n) = \begin{cases} n\,\dfrac{w_0}{w_0 + w} & n \le w_0 + w \\[2ex] "
        r"w_0 + (n - w_0 - w)\,\dfrac{\tau - 1 - w_0}{\tau - 1 - w_0 - w} & \text{else} \end{cases} \end{gathered}",
        "w₀: the moment; w: by how far it moves; g: which original frame is shown at frame n, interpolated between neighbours.",
        _SPECAUGMENT
        + "; the original bends with a spline through the moment, this one with two straight lines",
        "Look at the map below the pictures: the steeper the line, the faster the music. Listen for the bend.",
        (TimeWarp.sample, Warp.source),
    ),
    Lesson(
        "noise",
        "Background noise",
        "A room: other people, a fan, rain, an old record's surface.",
        "Noise is mixed under the music at a signal-to-noise ratio in decibels (dB). 20 dB means that the music has a hundred "
        "times the noise's power; 0 dB means they are equally strong.",
        r"y = x + n\,\sqrt{\frac{\overline{x^2}}{\overline{n^2}}\,10^{-\mathrm{SNR}/10}}",
        "x: the music's samples; n: the noise's; bars: means over the whole stretch.",
        "The paper's section III-D; the ratio is the usual definition of signal-to-noise",
        "Lower the ratio from 40 dB, and listen: at which ratio do you lose the genre, and at which does the network?",
        (BackgroundNoise.mix,),
    ),
)
BY_KEY = {lesson.key: lesson for lesson in LESSONS}
