"""Results as JSON and CSV: the same for the page's downloads and the command line."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import soundfile

from crnn.inference.prediction import Prediction

_DIGITS = 4


def to_record(file: str, seconds: float, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """{"file", "seconds", task: {label: probability}, …, "doubt": {task: {"score", "threshold", "doubted"}}, "segments": [{"start",
    task: {…}, …}]}; "doubt" only where a network can tell.

    Networks with segments of other lengths each add their own entries, in order of time.
    """
    whole: dict[str, Any] = {p.task: _rounded(p.labels, p.overall) for p in predictions}
    moments: dict[float, dict[str, Any]] = {}
    for p in predictions:
        for start, row in zip(p.starts, p.probabilities, strict=True):
            moment = round(float(start), 3)
            moments.setdefault(moment, {"start": moment})[p.task] = _rounded(p.labels, row)
    doubts = {
        p.task: {
            "score": round(p.ood.score, _DIGITS),
            "threshold": round(p.ood.threshold, _DIGITS),
            "doubted": p.ood.is_ood,
        }
        for p in predictions
        if p.ood is not None
    }
    if doubts:
        whole["doubt"] = doubts
    segments = [moments[start] for start in sorted(moments)]
    return {"file": file, "seconds": round(seconds, 3), **whole, "segments": segments}


def to_json(result: dict[str, Any], indent: int | None = None) -> str:
    """Valid JSON with readable non-ASCII names."""
    return json.dumps(result, ensure_ascii=False, indent=indent, allow_nan=False)


def to_csv(
    results: Iterable[dict[str, Any]],
    tasks: Sequence[str] = ("genre", "mood"),
    extra: Sequence[str] = (),
) -> str:
    """One row a segment and one for the whole track (start empty): file, seconds, start, task:label columns, extra, error.

    Where networks can tell whether they know such sounds, the whole track's row has task:doubt (the score) and task:doubted
    (yes, no).
    """
    results = list(results)
    classes = {task: next((list(r[task]) for r in results if task in r), []) for task in tasks}
    columns = [f"{task}:{label}" for task in tasks for label in classes[task]]
    doubts = [task for task in tasks if any(task in result.get("doubt", {}) for result in results)]
    columns += [column for task in doubts for column in (f"{task}:doubt", f"{task}:doubted")]
    out = io.StringIO()
    rows = csv.DictWriter(
        out, ["file", "seconds", "start", *columns, *extra, "error"], lineterminator="\n"
    )
    rows.writeheader()
    for result in results:
        base = {key: result.get(key, "") for key in ("file", "seconds", *extra, "error")}
        for moment in ({"start": ""} | result, *result.get("segments", [])):
            values = {
                f"{t}:{label}": value for t in tasks for label, value in moment.get(t, {}).items()
            }
            for task, found in moment.get("doubt", {}).items():
                values |= {
                    f"{task}:doubt": found["score"],
                    f"{task}:doubted": "yes" if found["doubted"] else "no",
                }
            rows.writerow(base | {"start": moment["start"]} | values)
    return out.getvalue()


def to_wav(samples: "np.ndarray[Any, Any]", sample_rate: int) -> bytes:
    """Samples [T] in [−1, 1] as a 16-bit WAV file."""
    out = io.BytesIO()
    soundfile.write(out, samples, sample_rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _rounded(labels: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {
        label: round(float(value), _DIGITS) for label, value in zip(labels, values, strict=True)
    }
