"""What a collection costs: 10, 100 and 1,000 short files, songs of four minutes, a million rows.

Seconds of processor time, of all processes: what else runs on the machine is left out. A cluster
that has started predicts everything. What does not depend on the number of files is measured apart:
its start, and a run with one file, which is subtracted from the others.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
from distributed import LocalCluster

from crnn import collection
from crnn.model.checkpoint import Checkpoint
from crnn.sources.examples import EXAMPLES

FILES = {1: 9, 10: 9, 100: 3, 1000: 1}  # number of files: rounds
DIFFERENT = 100  # of the short files; the others are links to them
SECONDS, SONG_SECONDS, SONGS = 30, 240, 20
MILLION = 1_000_000
ROOT = Path(__file__).parents[1]


def clips(folder: Path, count: int, seconds: int, suffix: str) -> list[collection.Song]:
    """Files of the examples, repeated, from different moments and at different levels."""
    folder.mkdir()
    examples = [soundfile.read(each.file, dtype="float32") for each in EXAMPLES.values()]
    random = np.random.default_rng(0)
    for number in range(min(count, DIFFERENT)):
        samples, rate = examples[number % len(examples)]
        start = random.integers(len(samples))
        rounds = -(-(start + seconds * rate) // len(samples))
        piece = np.tile(samples, (rounds, 1))[start : start + seconds * rate]
        soundfile.write(folder / f"{number:04d}{suffix}", random.uniform(0.5, 1) * piece, rate)
    for number in range(DIFFERENT, count):
        file = folder / f"{number:04d}{suffix}"
        file.hardlink_to(folder / f"{number % DIFFERENT:04d}{suffix}")
    return collection.find(folder)


def processor_seconds() -> float:
    """Of this process and of those that it has started, which are all still there."""
    me = psutil.Process()
    times = [each.cpu_times() for each in (me, *me.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def run(
    songs: list[collection.Song], checkpoints: list[Checkpoint], scheduler: str
) -> tuple[float, float]:
    """Processor and wall seconds, from the list of files to the results."""
    with tempfile.TemporaryDirectory() as name:
        before, start = processor_seconds(), time.perf_counter()
        results = collection.Results(Path(name) / "r.parquet", checkpoints)
        pending = results.pending(songs)
        results.add(collection.predict(pending, checkpoints, scheduler))
        assert results.merge(songs) == (len(songs), 0)
        wall = time.perf_counter() - start
        return processor_seconds() - before, wall


def start_seconds(folder: Path) -> dict[str, float]:
    """Of the whole command for two files."""
    clips(folder / "two", 2, SECONDS, ".flac")
    command = [sys.executable, "-m", "crnn", "analyse", folder / "two", "--out", folder / "r"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "processor seconds": round(processor, 1),
        "seconds": round(time.perf_counter() - start, 1),
    }


def million(folder: Path, checkpoints: list[Checkpoint]) -> dict[str, float]:
    """What does not run in parallel: part files of a million rows, which are missing, merging."""
    songs = [
        collection.Song(Path(name), name, number, number)
        for number, name in ((n, f"artist {n // 100}/album/{n}.mp3") for n in range(MILLION))
    ]
    results = collection.Results(folder / "million.parquet", checkpoints)
    random = np.random.default_rng(0)
    labels = [f"{each.task}_{label}" for each in checkpoints for label in each.labels]

    def rows() -> Iterator[collection.Row]:
        for song in songs:
            row = {"file": song.name, "size": song.size, "modified": song.modified}
            row |= {"genre": "rock", "mood": "Sad", "checkpoints": results.checkpoints}
            yield row | dict(zip(labels, random.random(len(labels)).tolist(), strict=True))

    seconds = {}
    for what, work in {
        "part files": lambda: results.add(rows()),
        "what is missing": lambda: results.pending(songs),
        "merging": lambda: results.merge(songs),
    }.items():
        start = time.process_time()
        work()
        seconds[f"{what}, seconds"] = round(time.process_time() - start, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds | {
        "results, MB": round(results.file.stat().st_size / 1e6),
        "memory at the peak, MB": round(peak),
    }


def measure() -> dict[str, Any]:
    """Seconds for another file, by how many there are; what a million would take.

    The million is computed: songs of four minutes on the cores of a machine or cluster, on top of
    what does not run in parallel.
    """
    checkpoints = [Checkpoint.load("genre"), Checkpoint.load("mood")]
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result["start of the command and two files"] = start_seconds(folder)
        short = clips(folder / "short", max(FILES), SECONDS, ".flac")
        songs = clips(folder / "songs", SONGS, SONG_SECONDS, ".mp3")
        with LocalCluster(
            threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster:
            address = cluster.scheduler_address
            run(songs[:4], checkpoints, address)  # warm: imports, filter banks
            times: dict[int, list[tuple[float, float]]] = {count: [] for count in FILES}
            for turn in range(max(FILES.values())):
                for count, rounds in FILES.items():
                    if turn < rounds:
                        first = turn * count % len(short)
                        some = short[first : first + count]
                        times[count].append(run(some, checkpoints, address))
            costs = {
                count: [statistics.median(seconds) for seconds in zip(*pairs, strict=True)]
                for count, pairs in times.items()
            }
            processor, wall = run(songs, checkpoints, address)
        result["a run with one file, processor seconds"] = round(costs[1][0], 2)
        slopes = {
            count: [
                (cost - one) / (count - 1) for cost, one in zip(costs[count], costs[1], strict=True)
            ]
            for count in FILES
            if count > 1
        }
        for count, slope in slopes.items():
            result[f"{count} files of {SECONDS} s"] = {
                "processor seconds for another file": round(slope[0], 4),
                "ratio": round(slope[0] / slopes[max(FILES)][0], 3),
                "seconds for another file": round(slope[1], 4),
            }
        processor, wall = (processor - costs[1][0]) / (SONGS - 1), wall / SONGS
        result[f"songs of {SONG_SECONDS} s"] = {
            "processor seconds a song": round(processor, 3),
            "seconds a song": round(wall, 3),
        }
        result["a million songs, core-hours"] = round(MILLION * processor / 3600)
        result["a million rows"] = million(folder, checkpoints)
    return result
