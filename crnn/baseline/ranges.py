"""A track's hand-crafted features in each class's usual range (5th to 95th percentile)."""

from collections.abc import Mapping
from dataclasses import dataclass

from crnn.baseline.features import MFCCS, SAMPLE_RATE
from crnn.baseline.svm import SVM


@dataclass(frozen=True)
class Feature:
    """A feature as people read it: name in crnn.baseline.features, title, unit, factor to it."""

    name: str
    title: str
    unit: str
    factor: float = 1.0

    def format(self, value: float) -> str:
        """A value in the unit, with it: "1,824 Hz"."""
        shown = value * self.factor
        return f"{shown:,.0f} {self.unit}" if shown >= 10 else f"{shown:.2f} {self.unit}".rstrip()


FEATURES = (
    Feature("spectral_centroid_mean", "Spectral centroid", "Hz"),
    Feature("rolloff_mean", "Rolloff", "Hz"),
    Feature("zero_crossing_rate_mean", "Zero crossings", "per second", float(SAMPLE_RATE)),
)
FLUX = Feature("spectral_flux_mean", "Flux", "")
MFCC_NAMES = tuple(f"mfcc{number}_mean" for number in range(1, MFCCS + 1))


def classes_in_range(svm: SVM, name: str, value: float) -> tuple[str, ...]:
    """The classes whose usual range contains a value."""
    ranges = svm.percentiles(name).items()
    return tuple(label for label, (low, _, high) in ranges if low <= value <= high)


def relative_position(svm: SVM, name: str, value: float) -> dict[str, float]:
    """Label → position in the class's usual range: 0 at the median, −1 and +1 at the ends."""
    positions = {}
    for label, (low, median, high) in svm.percentiles(name).items():
        reach = high - median if value >= median else median - low
        outside = 0.0 if value == median else float("inf")
        positions[label] = (value - median) / reach if reach > 0 else outside
    return positions


def mfccs_in_range(svm: SVM, features: Mapping[str, float]) -> dict[str, int]:
    """Label → how many of the track's MFCCs lie in that class's usual range."""
    usual = [classes_in_range(svm, name, features[name]) for name in MFCC_NAMES]
    return {label: sum(label in classes for classes in usual) for label in svm.labels}
