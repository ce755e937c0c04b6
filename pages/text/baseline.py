"""Hand-crafted features in sentences: the genres whose range a value is in, SVM beside network."""

from __future__ import annotations

from collections.abc import Mapping

from crnn import baseline, inference
from crnn.format import percent
from crnn.labels import display
from pages.text import content

# Text that does not depend on the track.
PROSE = content.load("baseline")


def measured(feature: baseline.ranges.Feature, svm: baseline.svm.SVM, value: float) -> str:
    """A feature's value, and the classes within whose range it is."""
    labels = baseline.ranges.classes_in_range(svm, feature.name, value)
    if len(labels) == len(svm.labels):
        where = "typical of every genre"
    elif labels:
        *most, last = map(display, labels)
        where = f"typical of {', '.join(most)}{' and ' if most else ''}{last}"
    else:
        where = "outside the range of every genre"
    return f"**{feature.title}**: {feature.format(value)}, {where}."


def comparison(network: inference.Prediction, svm: Mapping[str, float]) -> str:
    """Both top classes, and the class on which network and SVM differ most.

    Raises:
        ValueError: where the two have different labels.
    """
    ours = network.to_dict()
    if set(ours) != set(svm):
        raise ValueError(f"the network has the classes {sorted(ours)}, the SVM {sorted(svm)}")
    first, second = max(ours, key=lambda k: ours[k]), max(svm, key=lambda k: svm[k])
    if first == second:
        top = f"Both predict {display(first)}: {_pair(ours[first], svm[first])}."
    else:
        top = (
            f"They disagree: the network predicts {display(first)} ({percent(ours[first])}), the "
            f"SVM {display(second)} ({percent(svm[second])})."
        )
    most = max(ours, key=lambda k: abs(ours[k] - svm[k]))
    if abs(ours[most] - svm[most]) < 0.1:
        return f"{top} They differ by less than 10 points on every genre."
    return f"{top} Biggest disagreement: {display(most)}, {_pair(ours[most], svm[most])}."


def _pair(network: float, svm: float) -> str:
    return f"{percent(network)} by the network, {percent(svm)} by the SVM"


def describe(network: inference.Prediction | None, svm: Mapping[str, float]) -> str:
    """Both distributions as "Blues: network 45%, SVM 20%; …"; the SVM's alone without a network."""
    ours = network.to_dict() if network is not None else {}
    return "; ".join(
        f"{display(label)}: "
        + (f"network {percent(ours[label])}, " if label in ours else "")
        + f"SVM {percent(svm[label])}"
        for label in sorted(svm, key=lambda label: -svm[label])
    )
