"""Predicting a 30 s MP3 alone and with a busy process beside it on each core, by thread policy."""

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.speed import song
from crnn import inference, model

_POLICIES = {"waiting threads spin": "ACTIVE", "waiting threads sleep": "PASSIVE"}
_BUSY = (sys.executable, "-c", "while True: pass")


def measure() -> dict[str, Any]:
    """Medians in seconds, and their ratio; "spin" is what OpenMP does for a while by default."""
    result = {}
    for name, policy in _POLICIES.items():
        for threads in ("1", "2"):
            environment = os.environ | {"OMP_WAIT_POLICY": policy, "OMP_NUM_THREADS": threads}
            command = (sys.executable, "-m", "benchmarks.load")
            found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            result[f"{threads} thread{'s' * (threads > '1')}, {name}"] = json.loads(found.stdout)
    return result


def _here(rounds: int = 5) -> dict[str, float]:
    data = song(30)
    classifiers = [inference.Classifier(model.Checkpoint.load(x)) for x in ("genre", "mood")]

    def median() -> float:
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            inference.decode_and_predict(data, classifiers)
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:])  # the first one loads what is needed

    alone = median()
    busy = [subprocess.Popen(_BUSY) for _ in range(os.cpu_count() or 1)]
    try:
        loaded = median()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return {"alone": round(alone, 3), "loaded": round(loaded, 3), "ratio": round(loaded / alone, 2)}


if __name__ == "__main__":
    print(json.dumps(_here()))
