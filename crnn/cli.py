"""Predict genre and mood of audio files and folders, as a table, JSON lines or CSV.

To write them into the files' tags: crnn tag FOLDER (crnn tag --help). A whole collection into one
Parquet file: crnn analyse FOLDER --out FILE.parquet (crnn analyse --help).
"""

from __future__ import annotations  # `inference` is loaded when the arguments are valid

import argparse
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

import crnn
from crnn import audio, inference, model
from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.audio.names import songs
from crnn.errors import CrnnError
from crnn.format import duration, percent, printable
from crnn.labels import display

_FILE_WIDTH = 36  # characters
_ROW = f"{{:<{_FILE_WIDTH}}}  {{:>10}}  {{:<38}}  {{}}"
_TAG_ROW = f"{{:<{_FILE_WIDTH}}}  {{:<28}}  {{}}"
_NO_AUDIO = f"No audio files in this folder ({', '.join(AUDIO_SUFFIXES)})."
_Item = TypeVar("_Item")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 1 if any file failed."""
    # PyTorch's threads sleep while they wait: else each takes a core from other processes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = sys.argv[1:] if arguments is None else arguments
    commands = {"tag": (_tag, _tag_parser), "analyse": (_analyse, _analyse_parser)}
    if arguments and arguments[0] in commands:
        run, parser = commands[arguments[0]]
        options = parser().parse_args(arguments[1:])
    else:
        run, options = _predict, _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be text
    try:
        failed = run(options)
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
    description, _, epilog = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(prog="crnn", description=description, epilog=epilog)
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="audio file or folder")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object a line, with segments")
    output.add_argument("--csv", action="store_true", help="one row per track and per segment")
    return _with_checkpoints(parser)


def _tag_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crnn tag",
        description="Write genre and mood into the tags of audio files. Without --write, print "
        "what would be written. Tags that a file has are kept.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="searched at any depth")
    text = "the plan, to edit or to undo; one that exists is used as it stands"
    add("--plan", type=Path, metavar="FILE.csv", help=text)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="write the tags")
    text = "restore what the files had before the plan was written"
    action.add_argument("--undo", action="store_true", help=text)
    add("--overwrite", action="store_true", help="replace tags that files have; needs --plan")
    text = (
        "least probability of a genre or mood to be written (default %(default)s: above it, more "
        "than four in five were correct in tests)"
    )
    default = crnn.tagging.MIN_CONFIDENCE
    add("--min-confidence", type=float, default=default, metavar="P", help=text)
    add("--m3u", type=Path, metavar="FOLDER", help="write a playlist of each genre and mood there")
    text = "write genre and mood over time there, as label files for Audacity"
    add("--labels", type=Path, metavar="FOLDER", help=text)
    return _with_checkpoints(parser)


def _analyse_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crnn analyse",
        description="Analyse every audio file of a folder into one Parquet file, on all cores. "
        "Files that it holds a result of, and that have not changed since, are not analysed again; "
        "so the same command goes on where it was stopped.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="searched at any depth")
    text = "the results: one row a file, also of a file that can't be analysed"
    add("--out", type=Path, required=True, metavar="FILE.parquet", help=text)
    text = "a Dask cluster instead of this machine's cores; it finds the files at the same paths"
    add("--scheduler", metavar="tcp://HOST:PORT", help=text)
    return _with_checkpoints(parser)


def _with_checkpoints(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    for task in ("genre", "mood"):
        text = f"another {task} checkpoint: a folder, or user/repo[@revision] on the Hub"
        parser.add_argument(f"--{task}", default=task, metavar="CHECKPOINT", help=text)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def _classifiers(options: argparse.Namespace) -> list[inference.Classifier]:
    audio.worker.start()
    return [inference.Classifier(checkpoint) for checkpoint in _checkpoints(options)]


def _checkpoints(options: argparse.Namespace) -> list[model.Checkpoint]:
    checkpoints = [model.Checkpoint.load(source) for source in (options.genre, options.mood)]
    tasks = [checkpoint.task for checkpoint in checkpoints]
    if tasks[0] == tasks[1]:
        raise CrnnError(
            f"Both checkpoints predict {tasks[0]}; one for genre and one for mood needed."
        )
    for checkpoint in checkpoints:
        if checkpoint.notice:
            print(f"crnn: {checkpoint.notice}", file=sys.stderr)
    return checkpoints


def _predict(options: argparse.Namespace) -> bool:
    """Predict and print every file; whether any failed."""
    classifiers = _classifiers(options)
    tasks = [classifier.checkpoint.task for classifier in classifiers]
    files = _find_files(options.paths)
    results = []
    if not (options.json or options.csv):
        print(_ROW.format("File", "Length", *map(display, tasks)))
    for file, error in _progress(files, options, len(files)):
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


def _tag(options: argparse.Namespace) -> bool:
    """Print the plan, then write or undo it; whether any file failed."""
    crnn.tagging.require()
    folder, plan = options.folder, options.plan
    if not folder.is_dir():
        raise CrnnError(f"No such folder: {folder}")
    old = plan is not None and plan.exists()
    if (options.undo and not old) or (options.overwrite and plan is None):
        raise CrnnError(
            "--undo needs --plan with the plan that was written, and --overwrite needs --plan, "
            "which keeps what was there before."
        )
    if old and options.labels:
        raise CrnnError(f"Labels are written with a new plan, but {plan} exists.")
    rows: list[crnn.tagging.Row] = []
    found = crnn.tagging.from_csv(plan, folder) if old else _plan(options)
    for row in found:
        if not rows:
            print(_TAG_ROW.format("File", *map(display, crnn.tagging.FIELDS)))
        tqdm.write(_plan_row(row, options.overwrite), file=sys.stdout)
        sys.stdout.flush()
        rows.append(row)
    if plan is not None and not old:
        _save(plan, crnn.tagging.to_csv(rows))
    failed = any(row["error"] for row in rows)
    if options.write or options.undo:
        changed = 0
        good = [row for row in rows if not row["error"]]
        for row in _progress(good, options, len(good)):
            file = folder / row["file"]
            try:
                if options.undo:
                    changed += bool(crnn.tagging.undo(row, file))
                else:
                    changed += bool(crnn.tagging.apply(row, file, options.overwrite))
            except CrnnError as error:
                failed = True
                print(printable(f"{file}: {error}"), file=sys.stderr)
        print(f"{'Undone' if options.undo else 'Written'}: {changed} of {len(rows)} files.")
    else:
        print(
            "Nothing has been written; --write does. In brackets: below --min-confidence, or, "
            "marked ?, unlike the training music."
        )
    if options.m3u:
        lists = crnn.tagging.playlists(rows, folder, options.m3u, options.overwrite)
        for name, content in lists.items():
            _save(options.m3u / name, content)
    return failed


def _plan(options: argparse.Namespace) -> Iterator[crnn.tagging.Row]:
    files = songs(options.folder)
    if not files:
        raise CrnnError(f"{options.folder}: {_NO_AUDIO}")
    classifiers = _classifiers(options)
    if {classifier.checkpoint.task for classifier in classifiers} != set(crnn.tagging.FIELDS):
        raise CrnnError("There are tags for genre and mood only; choose checkpoints of these.")
    for file in _progress(files, options, len(files)):
        name = file.relative_to(options.folder).as_posix()
        try:
            _, analysis = inference.decode_and_predict(
                file, classifiers, decoder=audio.worker.decode
            )
        except CrnnError as error:
            yield dict.fromkeys(crnn.tagging.COLUMNS, "") | {"file": name, "error": str(error)}
            continue
        yield crnn.tagging.plan(name, file, analysis, options.min_confidence)
        for prediction in analysis.predictions if options.labels else ():
            content = inference.to_audacity(prediction).encode()
            _save(options.labels / f"{name}.{prediction.task}.txt", content)


def _analyse(options: argparse.Namespace) -> bool:
    """Analyse what the results lack; whether any file failed."""
    crnn.collection.require()
    if not options.folder.is_dir():
        raise CrnnError(f"No such folder: {options.folder}")
    files = crnn.collection.find(options.folder)
    if not files:
        raise CrnnError(f"{options.folder}: {_NO_AUDIO}")
    checkpoints = _checkpoints(options)
    results = crnn.collection.Results(options.out, checkpoints)
    pending = results.pending(files)
    if pending:
        predicted = crnn.collection.predict(pending, checkpoints, options.scheduler)
        try:
            with closing(predicted) as rows:
                results.add(_progress(rows, options, len(pending)))
        except KeyboardInterrupt:
            raise CrnnError("Stopped. The same command goes on from here.") from None
    count, failed = results.merge(files)
    print(f"{options.out}: {count} files, {len(pending)} of them analysed now, {failed} failed.")
    return failed > 0


def _plan_row(row: crnn.tagging.Row, overwrite: bool) -> str:
    name = _short(row["file"])
    if row["error"]:
        return printable(f"{name}  {row['error']}")
    cells = []
    for field in crnn.tagging.FIELDS:
        before, predicted, value = row[f"{field}_before"], row[f"{field}_predicted"], row[field]
        likely = f"{predicted} {row[f'{field}_probability']}"
        cell = likely if value == predicted else value or f"– ({likely})"
        if before:
            cell = f"{before} → {cell}" if value and overwrite else f"{before} (kept)"
        cells.append(cell)
    return printable(_TAG_ROW.format(name, *cells))


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _FILE_WIDTH else "…" + name[1 - _FILE_WIDTH :]


def _save(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise CrnnError(f"{file} can't be written: {error.strerror}.") from error


def _progress(items: Iterable[_Item], options: argparse.Namespace, total: int) -> Iterable[_Item]:
    # None: no bar where stderr is not a terminal, such as a log.
    disable = True if total < 2 or options.quiet else None
    bar: Iterable[_Item] = tqdm(
        items, total=total, unit="file", disable=disable, file=sys.stderr, leave=False
    )
    return bar


def _find_files(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """The files, those in folders by their suffix; each with what is wrong with it, or ""."""
    files = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises OSError for names too long
            files += [(file, "") for file in songs(path)] or [(path, _NO_AUDIO)]
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
    name = _short(result["file"])
    if "error" in result:
        return printable(f"{name}  {result['error']}")
    cells = []
    for task in tasks:
        ranked = sorted(result[task].items(), key=lambda item: -item[1])[:3]
        is_ood = result.get("doubt", {}).get(task, {}).get("doubted")
        top = ", ".join(f"{display(label)} {percent(p)}" for label, p in ranked)
        cells.append(top + " ?" * bool(is_ood))
    return printable(_ROW.format(name, duration(result["seconds"]), *cells))
