"""The hand-made features in words: what each tells, in which genres a track's value is usual, where SVM and network part."""

from collections.abc import Mapping
from dataclasses import dataclass

from crnn.baseline.features import MFCCS, SAMPLE_RATE
from crnn.baseline.svm import SVM
from crnn.format import percent
from crnn.inference.prediction import Prediction


@dataclass(frozen=True)
class Measure:
    """A feature as the page shows it: its name in crnn.baseline.features, a title, the unit and the factor to it, what it tells."""

    name: str
    title: str
    unit: str
    factor: float
    meaning: str

    def told(self, value: float) -> str:
        """A value in the page's unit, with it."""
        shown = value * self.factor
        return f"{shown:,.0f} {self.unit}" if shown >= 10 else f"{shown:.2f} {self.unit}".rstrip()


MEASURES = (
    Measure(
        "spectral_centroid_mean",
        "Spectral centroid",
        "Hz",
        1.0,
        "The centre of weight of all frequencies. Bright, sharp sounds have a high one, dull and warm ones a low one.",
    ),
    Measure(
        "rolloff_mean",
        "Rolloff",
        "Hz",
        1.0,
        "85 % of the sound lies below this frequency: how far up it reaches.",
    ),
    Measure(
        "zero_crossing_rate_mean",
        "Zero crossings",
        "a second",
        float(SAMPLE_RATE),
        "How often the sound wave changes its sign. Hiss, cymbals and distortion cross often, deep notes seldom.",
    ),
)
FLUX = Measure(
    "spectral_flux_mean",
    "Flux",
    "",
    1.0,
    "How much the sound's make-up changes from one moment (23 ms) to the next: 0 for a held note, higher for drums and speech.",
)
CEPSTRUM = tuple(f"mfcc{number}_mean" for number in range(1, MFCCS + 1))


def usual_in(svm: SVM, feature: str, value: float) -> tuple[str, ...]:
    """The classes of which nine tracks in ten have values around this one (between their 5th and 95th percentile)."""
    return tuple(
        label for label, (low, _, high) in svm.percentiles(feature).items() if low <= value <= high
    )


def position(svm: SVM, feature: str, value: float) -> dict[str, float]:
    """Where a value lies in each class's usual range: 0 its middle (median), −1 and +1 its ends, beyond them outside."""
    found = {}
    for label, (low, middle, high) in svm.percentiles(feature).items():
        reach = high - middle if value >= middle else middle - low
        found[label] = (
            (value - middle) / reach if reach > 0 else 0.0 if value == middle else float("inf")
        )
    return found


def measured(measure: Measure, svm: SVM, value: float) -> str:
    """One feature: its value, and where it is usual."""
    labels = usual_in(svm, measure.name, value)
    if len(labels) == len(svm.labels):
        where = "usual in every genre, so it tells nothing apart here"
    elif labels:
        where = f"usual in {_listed(labels)}"
    else:
        where = "outside the usual range of every genre"
    return f"**{measure.title}**: {measure.told(value)}, {where}."


def cepstrum(svm: SVM, features: Mapping[str, float]) -> dict[str, int]:
    """Label → how many of the track's MFCCs lie in that class's usual range."""
    inside = dict.fromkeys(svm.labels, 0)
    for name in CEPSTRUM:
        for label in usual_in(svm, name, features[name]):
            inside[label] += 1
    return inside


def beside(network: Prediction, svm: Mapping[str, float]) -> str:
    """Both first answers, and the class on which the two are furthest apart. The same labels are needed."""
    ours = network.to_dict()
    if set(ours) != set(svm):
        raise ValueError(f"the network tells apart {sorted(ours)}, the SVM {sorted(svm)}")
    first, theirs = max(ours, key=lambda k: ours[k]), max(svm, key=lambda k: svm[k])
    if first == theirs:
        said = f"Both hear {first}: the network gives it {percent(ours[first])}, the SVM {percent(svm[first])}."
    else:
        said = f"They disagree: the network hears {first} ({percent(ours[first])}), the SVM {theirs} ({percent(svm[theirs])})."
    apart = max(ours, key=lambda k: abs(ours[k] - svm[k]))
    if abs(ours[apart] - svm[apart]) < 0.1:
        return f"{said} On no genre are they 10 points apart."
    return f"{said} Furthest apart on {apart}: {percent(ours[apart])} by the network, {percent(svm[apart])} by the SVM."


def spoken(network: Prediction | None, svm: Mapping[str, float]) -> str:
    """Both distributions: "blues: network 45 %, SVM 20 %; …"; the SVM's alone where the network has other classes."""
    ours = network.to_dict() if network is not None else {}
    ranked = sorted(svm, key=lambda label: -svm[label])
    return "; ".join(
        f"{label}: "
        + (f"network {percent(ours[label])}, " if label in ours else "")
        + f"SVM {percent(svm[label])}"
        for label in ranked
    )


def _listed(labels: tuple[str, ...]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
