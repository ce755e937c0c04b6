"""Predictions as JSON, CSV and Audacity labels, for pages and the command line; samples as WAV."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import soundfile
from numpy.typing import NDArray

from crnn.format import percent
from crnn.inference.prediction import Prediction
from crnn.inference.timeline import sections
from crnn.labels import display

_DIGITS = 4
_FORMULA = tuple("=+-@＝＋－＠\t\r")  # where spreadsheets begin to compute
# DEL and C1 controls, separators of lines, controls of direction, surrogates; JSON escapes C0 ones.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def to_record(file: str, seconds: float, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Predictions of a track as JSON-ready dictionary; its keys are a stored format.

    Returns:
        {"file", "seconds", task: {label: probability}, …, "doubt": {task: {"score", "threshold",
        "doubted"}}, "segments": [{"start", task: {label: probability}, …}, …]}. "doubt" has the
        tasks with an out-of-distribution score, and is left out where there is none. Segments of
        all tasks are sorted by time.
    """
    record: dict[str, Any] = {"file": file, "seconds": round(seconds, 3)}
    record |= {p.task: _rounded(p.labels, p.overall) for p in predictions}
    scores = {
        p.task: {
            "score": round(p.ood.score, _DIGITS),
            "threshold": round(p.ood.threshold, _DIGITS),
            "doubted": p.ood.is_ood,
        }
        for p in predictions
        if p.ood is not None
    }
    if scores:
        record["doubt"] = scores
    segments: dict[float, dict[str, Any]] = {}
    for p in predictions:
        for start, row in zip(p.starts, p.probabilities, strict=True):
            second = round(float(start), 3)
            segments.setdefault(second, {"start": second})[p.task] = _rounded(p.labels, row)
    return record | {"segments": [segments[second] for second in sorted(segments)]}


def to_json(record: dict[str, Any], indent: int | None = None) -> str:
    """Valid JSON with readable non-ASCII names; what a terminal could take for a command, and what
    is no text, is escaped.
    """
    text = json.dumps(record, ensure_ascii=False, indent=indent, allow_nan=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def to_csv(records: Iterable[dict[str, Any]], extra: Sequence[str] = ()) -> str:
    """Records of `to_record` as CSV: one row a track (start empty), one a segment.

    Columns: file, seconds, start, task:label …, then task:doubt (out-of-distribution score) and
    task:doubted (yes, no) of tasks that have them, filled in the track's row; the extra keys of the
    records; error. A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    records = list(records)
    classes: dict[str, list[str]] = {}  # by task
    for key, value in (item for record in records for item in record.items()):
        if isinstance(value, dict) and key != "doubt":
            classes.setdefault(key, list(value))
    columns = [f"{task}:{label}" for task in classes for label in classes[task]]
    for task in classes:
        if any(task in record.get("doubt", {}) for record in records):
            columns += [f"{task}:doubt", f"{task}:doubted"]
    out = io.StringIO()
    header = ["file", "seconds", "start", *columns, *extra, "error"]
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    for record in records:
        base = {key: record.get(key, "") for key in ("file", "seconds", *extra, "error")}
        for part in ({"start": ""} | record, *record.get("segments", [])):
            row = {
                f"{task}:{label}": probability
                for task in classes
                for label, probability in part.get(task, {}).items()
            }
            for task, ood in part.get("doubt", {}).items():
                row[f"{task}:doubt"] = ood["score"]
                row[f"{task}:doubted"] = "yes" if ood["doubted"] else "no"
            row = base | {"start": part["start"]} | row
            writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def to_audacity(prediction: Prediction) -> str:
    """Sections of a track as a label track: a line each with start and end (s), class, mean."""
    return "".join(
        f"{each.start:.3f}\t{each.end:.3f}\t{display(each.label)} {percent(each.probability)}\n"
        for each in sections(prediction.timeline())
    )


def to_wav(samples: NDArray[Any], sample_rate: int) -> bytes:
    """Samples [T] in [−1, 1] as a 16-bit WAV file."""
    out = io.BytesIO()
    soundfile.write(out, samples, sample_rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _rounded(labels: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {
        label: round(float(value), _DIGITS) for label, value in zip(labels, values, strict=True)
    }
