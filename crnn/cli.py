"""Predict genre and mood of audio files and folders, as a table, JSON lines or CSV."""

from __future__ import annotations  # `inference` is loaded when the arguments are valid

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from crnn import audio, inference, model
from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.audio.names import songs
from crnn.errors import CrnnError
from crnn.format import duration, percent, printable
from crnn.labels import display

_FILE_WIDTH = 36  # characters
_ROW = f"{{:<{_FILE_WIDTH}}}  {{:>10}}  {{:<38}}  {{}}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 1 if any file failed."""
    # PyTorch's threads sleep while they wait: else each takes a core from other processes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be text
    try:
        failed = _predict(options)
        sys.stdout.flush()
    except CrnnError as error:
        print(f"crnn: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`): nothing can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crnn", description=__doc__)
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="audio file or folder")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object a line, with segments")
    output.add_argument("--csv", action="store_true", help="one row per track and per segment")
    for task in ("genre", "mood"):
        text = f"another {task} checkpoint: a folder, or user/repo[@revision] on the Hub"
        add(f"--{task}", default=task, metavar="CHECKPOINT", help=text)
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def _predict(options: argparse.Namespace) -> bool:
    """Predict and print every file; whether any failed."""
    audio.worker.start()
    checkpoints = [model.Checkpoint.load(source) for source in (options.genre, options.mood)]
    tasks = [checkpoint.task for checkpoint in checkpoints]
    if tasks[0] == tasks[1]:
        raise CrnnError(
            f"Both checkpoints predict {tasks[0]}; one for genre and one for mood needed."
        )
    for checkpoint in checkpoints:
        if checkpoint.notice:
            print(f"crnn: {checkpoint.notice}", file=sys.stderr)
    classifiers = [inference.Classifier(checkpoint) for checkpoint in checkpoints]
    files = _find_files(options.paths)
    results = []
    if not (options.json or options.csv):
        print(_ROW.format("File", "Length", *map(display, tasks)))
    # None: no bar where stderr is not a terminal, such as a log.
    disable = True if len(files) < 2 or options.quiet else None
    for file, error in tqdm(files, unit="file", disable=disable, file=sys.stderr, leave=False):
        name = printable(str(file)) if options.csv else str(file)
        if error:
            result = {"file": name, "error": error}
        else:
            result = _predict_file(file, name, classifiers)
        results.append(result)
        if not options.csv:
            line = inference.to_json(result) if options.json else _table_row(result, tasks)
            tqdm.write(line, file=sys.stdout)
            sys.stdout.flush()
    if options.csv:
        sys.stdout.write(inference.to_csv(results))
    return any("error" in result for result in results)


def _find_files(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """The files, those in folders by their suffix; each with what is wrong with it, or ""."""
    files = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises OSError for names too long
            files += [(file, "") for file in songs(path)] or [
                (path, f"No audio files in this folder ({', '.join(AUDIO_SUFFIXES)}).")
            ]
        else:
            files.append((path, ""))
    return files


def _predict_file(
    file: Path, name: str, classifiers: Sequence[inference.Classifier]
) -> dict[str, Any]:
    try:
        waveform, analysis = inference.decode_and_predict(
            file, classifiers, decoder=audio.worker.decode
        )
    except CrnnError as error:
        return {"file": name, "error": str(error)}
    notices = list(waveform.notices)
    for prediction in analysis.predictions:
        if prediction.ood is not None and prediction.ood.is_ood:
            notices.append(
                f"Out of distribution: unlike the {prediction.task} model's training data (score "
                f"{prediction.ood.score:.2f}, threshold {prediction.ood.threshold:.2f}). "
                "The prediction is unreliable."
            )
    for notice in notices:
        print(printable(f"{file}: {notice}"), file=sys.stderr)
    return inference.to_record(name, waveform.seconds, analysis.predictions)


def _table_row(result: dict[str, Any], tasks: Sequence[str]) -> str:
    name = printable(result["file"])
    if len(name) > _FILE_WIDTH:
        name = "…" + name[1 - _FILE_WIDTH :]
    if "error" in result:
        return printable(f"{name}  {result['error']}")
    cells = []
    for task in tasks:
        ranked = sorted(result[task].items(), key=lambda item: -item[1])[:3]
        is_ood = result.get("doubt", {}).get(task, {}).get("doubted")
        top = ", ".join(f"{display(label)} {percent(p)}" for label, p in ranked)
        cells.append(top + " ?" * bool(is_ood))
    return printable(_ROW.format(name, duration(result["seconds"]), *cells))
