"""`python -m crnn FILE…`: genre and mood of audio files and folders, as a table, JSON lines or CSV."""

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.errors import CrnnError


def main(arguments: Sequence[str] | None = None) -> int:
    """Classify every file; returns 0, or 1 if any failed."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be text
    files, failures = _files(options.paths)
    from tqdm import tqdm  # heavy imports wait until the arguments are known to make sense

    from crnn.inference.classifier import Classifier
    from crnn.model.checkpoint import Checkpoint

    try:
        classifiers = [
            Classifier(Checkpoint.load(source)) for source in (options.genre, options.mood)
        ]
    except CrnnError as error:
        print(f"python -m crnn: {error}", file=sys.stderr)
        return 1
    for classifier in classifiers:
        if classifier.checkpoint.notice:
            print(f"python -m crnn: {classifier.checkpoint.notice}", file=sys.stderr)
    tasks = [classifier.checkpoint.task for classifier in classifiers]
    if len(set(tasks)) < len(tasks):
        print(
            f"python -m crnn: both checkpoints tell {tasks[0]}; one for genre and one for mood are needed",
            file=sys.stderr,
        )
        return 1
    results, failed = [], False
    # None: no bar where stderr is not a terminal, such as a log.
    silent = True if len(files) < 2 or options.quiet else None
    if not (options.json or options.csv):
        print(_row(("file", "length", *tasks)))
    for file in tqdm(files, unit="file", disable=silent, file=sys.stderr, leave=False):
        result = (
            _classify(file, classifiers)
            if file not in failures
            else {"file": str(file), "error": failures[file]}
        )
        failed |= "error" in result
        if options.csv:
            results.append(result)
        else:
            tqdm.write(_json(result) if options.json else _table_row(result), file=sys.stdout)
            sys.stdout.flush()
    if options.csv:
        from crnn.inference.export import to_csv

        sys.stdout.write(to_csv(results, tasks))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crnn", description=__doc__)
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="audio file, or folder searched at any depth",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="one JSON object a line, with every segment"
    )
    form.add_argument(
        "--csv", action="store_true", help="one row for each track and one for each of its segments"
    )
    parser.add_argument(
        "--genre",
        default="genre",
        metavar="CHECKPOINT",
        help="another genre checkpoint: folder or user/repo",
    )
    parser.add_argument(
        "--mood",
        default="mood",
        metavar="CHECKPOINT",
        help="another mood checkpoint: folder or user/repo",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _files(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Files named, and those with an audio suffix in folders named; with what is wrong with some of them."""
    files: list[Path] = []
    failures: dict[Path, str] = {}
    for path in paths:
        found = (
            sorted(f for f in path.rglob("*") if f.suffix.lower() in AUDIO_SUFFIXES)
            if path.is_dir()
            else [path]
        )
        if not found:
            found, failures[path] = (
                [path],
                f"No audio files in this folder ({', '.join(AUDIO_SUFFIXES)}).",
            )
        elif not path.exists():
            failures[path] = "No such file or folder."
        files += found
    return files, failures


def _classify(file: Path, classifiers: Sequence[Any]) -> dict[str, Any]:
    from crnn.inference.analysis import decode_and_predict
    from crnn.inference.export import to_record
    from pages.text import predictions

    try:
        waveform, analysis = decode_and_predict(file, classifiers)
    except CrnnError as error:
        return {"file": str(file), "error": str(error)}
    for notice in (
        *waveform.notices,
        *filter(None, map(predictions.ood_warning, analysis.predictions)),
    ):
        print(f"{file}: {notice}", file=sys.stderr)
    return to_record(str(file), waveform.seconds, analysis.predictions)


def _json(result: dict[str, Any]) -> str:
    from crnn.inference.export import to_json

    return to_json(result)


def _table_row(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{_short(result['file'])}  {result['error']}"
    from crnn.format import duration

    return _row(
        (
            _short(result["file"]),
            duration(result["seconds"]),
            *(
                _best(value)
                + (" ?" if result.get("doubt", {}).get(task, {}).get("doubted") else "")
                for task, value in result.items()
                if isinstance(value, dict) and task != "doubt"
            ),
        )
    )


def _row(cells: Iterator[str] | Sequence[str]) -> str:
    file, length, genre, mood = cells
    return f"{file:<36}  {length:>10}  {genre:<34}  {mood}"


def _short(name: str, width: int = 36) -> str:
    return name if len(name) <= width else "…" + name[-(width - 1) :]


def _best(distribution: dict[str, float]) -> str:
    ranked = sorted(distribution.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{label} {100 * p:.0f} %" for label, p in ranked)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
