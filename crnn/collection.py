"""Genre and mood of every audio file in a folder, as one Parquet file.

    find ──> Results.pending ──> predict ──> Results.add ──> Results.merge
    songs    what is to be done  rows        part files      one file, a row a song

Needs the extra `collections`.

Dask runs `predict` on the cores of this machine or on a cluster. It restarts a worker process that
was killed, gives its song to another one, and names a song at which workers keep dying; the
standard library's process pool ends with its first dead process.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from crnn.audio import worker as decoding
from crnn.audio.names import songs
from crnn.errors import CrnnError
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.inference.timeline import Timeline
from crnn.model.checkpoint import Checkpoint
from crnn.untrusted import one_line

try:
    import pyarrow as pa
    from dask.system import CPU_COUNT
    from distributed import (
        Client,
        Future,
        KilledWorker,
        LocalCluster,
        WorkerPlugin,
        as_completed,
        get_worker,
    )
    from distributed.utils import silence_logging_cmgr
    from pyarrow import parquet
except ModuleNotFoundError:
    pa, WorkerPlugin = None, object

# Songs in one submission to the scheduler, which holds two at most (a million tasks would take
# gigabytes); also the rows of a part file, at most.
PARTITION = 1000
SAVE_SECONDS = 60.0  # looked at when a row arrives; a killed process loses the rows since
# Until a scheduler answers. Dask's default, unless the user's configuration of Dask has another.
_CONNECT_SECONDS = 30

Row = dict[str, Any]  # by column

_KEYS = ("file", "size", "modified", "error", "checkpoints")


class Song(NamedTuple):
    """A file of a collection, as it was when the folder was searched.

    Attributes:
        path: absolute.
        name: path relative to the folder; bytes that are not UTF-8 are written as "\\udcXX".
        size: bytes; None if the file can't be examined.
        modified: microseconds since 1970 (UTC); None likewise.
    """

    path: Path
    name: str
    size: int | None
    modified: int | None


def require() -> None:
    """Raises CrnnError where pyarrow or dask[distributed] is not installed.

    The extra's third package, cryptography, is needed by a local cluster only.
    """
    if pa is None:
        raise CrnnError(
            "Collections need the packages pyarrow and dask: pip install pyarrow "
            '"dask[distributed]" cryptography'
        )


def find(folder: Path) -> list[Song]:
    """The audio files in a folder, at any depth, sorted."""
    folder = folder.absolute()
    found = []
    for file in songs(folder):
        name = file.relative_to(folder).as_posix()
        try:
            status = file.stat()
            state: tuple[int | None, int | None] = (status.st_size, status.st_mtime_ns // 1000)
        except OSError:
            state = (None, None)
        found.append(Song(file, name.encode("utf-8", "backslashreplace").decode(), *state))
    return found


def identity(checkpoints: Sequence[Checkpoint]) -> str:
    """Value of the column `checkpoints`: equal only for checkpoints that predict the same."""
    return " ".join(checkpoint.identity for checkpoint in checkpoints)


class Results:
    """A Parquet file of results, and part files beside it until they are merged.

    Args:
        file: the results; part files are in the folder of the same name and ".parts".
        checkpoints: those that predict; rows of other checkpoints do not count as results.

    Raises:
        CrnnError: the file can't be written, or holds something else.
    """

    def __init__(self, file: Path, checkpoints: Sequence[Checkpoint]) -> None:
        require()
        self.file = file = file.resolve()  # write to a link's target, and keep the link
        self.parts_folder = file.with_name(f"{file.name}.parts")
        self.checkpoints = identity(checkpoints)
        self._schema = _schema(checkpoints)
        self._keys = pa.schema([self._schema.field(name) for name in _KEYS])
        with _writing(file):  # fail before hours of work, not after
            file.parent.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=file.parent).close()
        stored = self._parquet(parquet.read_schema)
        if stored is not None and not set(self._keys).issubset(stored):
            raise CrnnError(f"{file} holds something else than results; choose another file.")

    def pending(self, collection: Sequence[Song]) -> list[Song]:
        """The songs to analyse: new, changed, failed, or predicted by other checkpoints.

        Raises:
            CrnnError: there are results, but of none of these songs.
        """
        table = self._read(self._keys)
        modified = table["modified"].cast(pa.int64())
        columns = (table["size"], modified, table["error"], table["checkpoints"])
        states = zip(*(column.to_pylist() for column in columns), strict=True)
        done = dict(zip(table["file"].to_pylist(), states, strict=True))
        if done and not any(song.name in done for song in collection):
            raise CrnnError(
                f"{self.file} holds results of other files; choose another one, or remove it."
            )
        return [
            song
            for song in collection
            if done.get(song.name) != (song.size, song.modified, None, self.checkpoints)
        ]

    def add(self, rows: Iterable[Row]) -> None:
        """Save rows in part files, every SAVE_SECONDS or PARTITION rows.

        The rest is saved at the end, also where an error or Ctrl-C ends the rows.
        """
        waiting: list[Row] = []
        saved = time.monotonic()
        try:
            for row in rows:
                waiting.append(row)
                if len(waiting) == PARTITION or time.monotonic() - saved > SAVE_SECONDS:
                    self._save_part(waiting)
                    waiting, saved = [], time.monotonic()
        finally:
            if waiting:
                self._save_part(waiting)

    def merge(self, collection: Sequence[Song]) -> tuple[int, int]:
        """Replace the file by the newest row of each of these songs, and remove the part files.

        Rows of other files and of other checkpoints are dropped. The order is that of the songs.

        Returns:
            How many rows there are, and how many of them have an error.
        """
        table = self._read(self._schema, [("checkpoints", "==", self.checkpoints)])
        newest = {name: row for row, name in enumerate(table["file"].to_pylist())}
        table = table.take([newest[song.name] for song in collection if song.name in newest])
        self._write(table, self.file)
        shutil.rmtree(self.parts_folder, ignore_errors=True)
        return len(table), len(table) - table["error"].null_count

    def _read(self, schema: Any, filters: Any = None) -> Any:
        """Rows of the file and then of the part files, which are newer."""
        options = {"schema": schema, "filters": filters}
        tables = [schema.empty_table()]
        # Part files before the main file: if another process merges in between, rows are read twice
        # rather than lost.
        for part in sorted(self.parts_folder.glob("*.parquet")):
            # One that has just been merged, or was cut off by a crash, is left out.
            with suppress(OSError, pa.ArrowException), part.open("rb") as stream:
                tables.append(parquet.read_table(stream, **options))
        merged = self._parquet(parquet.read_table, **options)
        return pa.concat_tables(tables if merged is None else [merged, *tables])

    def _parquet(self, read: Callable[..., Any], **options: Any) -> Any:
        """What `read` makes of the file; None if there is no file."""
        try:
            with self.file.open("rb") as stream:
                return read(stream, **options)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            raise CrnnError(
                f"{self.file} can't be read as a Parquet file: {_reason(error)}. Choose another "
                "file."
            ) from error

    def _save_part(self, rows: list[Row]) -> None:
        part = self.parts_folder / f"{time.time_ns():020}-{os.getpid()}.parquet"
        self._write(pa.Table.from_pylist(rows, self._schema), part)

    def _write(self, table: Any, file: Path) -> None:
        """Write a temporary file and rename it, so that readers never see half a table."""
        with _writing(file):
            self.parts_folder.mkdir(exist_ok=True)
            unfinished = self.parts_folder / f"{os.getpid()}.tmp"
            with unfinished.open("wb") as stream:
                parquet.write_table(table, stream)
                os.fsync(stream.fileno())
            unfinished.replace(file)


def predict(
    collection: Sequence[Song], checkpoints: Sequence[Checkpoint], scheduler: str | None = None
) -> Generator[Row, None, None]:
    """The songs' rows, in the order in which they are finished.

    Args:
        scheduler: address of a Dask cluster whose workers have the files at the same paths;
            default: a cluster of one process for each core of this machine.

    Raises:
        CrnnError: the cluster can't be reached or used. What goes wrong with a song is a row.
    """
    require()
    plugin = _ClassifiersPlugin(checkpoints)
    remaining = iter(collection)
    with _cluster(scheduler) as client:
        client.register_plugin(plugin, plugin.name)
        sent: dict[Future, Song] = {}
        finished = as_completed(loop=client.loop)

        def send() -> None:
            batch = list(islice(remaining, PARTITION))
            paths = [song.path for song in batch]
            # pure=False: a cluster must not answer with an earlier run's result for the same path;
            # the file may have changed since.
            futures = client.map(_predict, paths, plugin_name=plugin.name, pure=False)
            sent.update(zip(futures, batch, strict=True))
            finished.update(futures)

        send()
        for future in finished:
            if len(sent) <= PARTITION:  # send more before workers run out of work
                send()
            _, name, size, modified = sent.pop(future)
            try:
                result = future.result()
            except KilledWorker as error:
                attempts = error.allowed_failures + 1
                result = {"error": f"{attempts} processes ended at this file. Too little memory?"}
            row = {"file": name, "size": size, "modified": modified, **result}
            yield row | {"checkpoints": plugin.name}


class _ClassifiersPlugin(WorkerPlugin):  # type: ignore[misc]
    """The classifiers, loaded once in each worker process, also in one that joins or restarts."""

    # Where a long-lived cluster has it from an earlier run, the classifiers are not loaded again.
    idempotent = True

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self.name, self.checkpoints = identity(checkpoints), checkpoints

    def setup(self, worker: Any) -> None:
        torch.set_num_threads(1)  # processes share the cores, not threads
        self.classifiers = [Classifier(checkpoint) for checkpoint in self.checkpoints]


def _predict(file: Path, plugin_name: str) -> Row:
    """Predict one file in a Dask worker: the row's columns, or only `error` where that fails."""
    classifiers = get_worker().plugins[plugin_name].classifiers
    try:
        waveform, analysis = decode_and_predict(file, classifiers, decoder=decoding.decode)
    except Exception as error:  # whatever it is: the other files go on
        return {"error": one_line(str(error)) or type(error).__name__}
    row: Row = {"seconds": waveform.seconds}
    for prediction in analysis.predictions:
        task, overall = prediction.task, prediction.overall
        row[task], row[f"{task}_probability"] = prediction.ranked()[0]
        row |= {f"{task}_{label}": p for label, p in prediction.to_dict().items()}
        if prediction.ood is not None:
            row |= {f"{task}_ood": prediction.ood.score, f"{task}_is_ood": prediction.ood.is_ood}
        # Valence and arousal are defined on timelines: make one of a single interval, the track.
        whole = Timeline(prediction.labels, np.array([0.0, waveform.seconds]), overall[None])
        if whole.has_valence_arousal:
            row["valence"], row["arousal"] = whole.valence_arousal[0].tolist()
    return row


def _schema(checkpoints: Sequence[Checkpoint]) -> Any:
    columns = [
        ("file", pa.string()),
        ("size", pa.int64()),
        ("modified", pa.timestamp("us", "UTC")),
        ("seconds", pa.float64()),
    ]
    for checkpoint in checkpoints:
        task = checkpoint.task
        columns += [(task, pa.string()), (f"{task}_probability", pa.float32())]
        columns += [(f"{task}_{label}", pa.float32()) for label in checkpoint.labels]
        columns += [(f"{task}_ood", pa.float32()), (f"{task}_is_ood", pa.bool_())]
    columns += [(name, pa.float32()) for name in ("valence", "arousal")]
    columns += [(name, pa.string()) for name in ("error", "checkpoints")]
    names = [name for name, _ in columns]
    if twice := {name for name in names if names.count(name) > 1}:
        raise CrnnError(f"Two columns would be called {', '.join(sorted(twice))}: rename a class.")
    return pa.schema(columns)


@contextmanager
def _cluster(scheduler: str | None) -> Iterator[Client]:
    """Connect to a cluster, or start one. Its errors, also later ones, become a CrnnError."""
    try:
        with ExitStack() as stack:
            # Dask's log would break up the progress bar, and only repeats the error's message.
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
            cluster = scheduler or stack.enter_context(_local_cluster())
            yield stack.enter_context(Client(cluster, timeout=_CONNECT_SECONDS))
    except CrnnError:
        raise
    except Exception as error:  # of the many kinds that Dask passes on
        needs = "Its workers need crnn, and the files at the same paths. " if scheduler else ""
        raise CrnnError(
            f"The Dask cluster{f' at {scheduler}' if scheduler else ''} can't be used: "
            f"{_reason(error)}. {needs}What has been analysed is kept; the same command goes on "
            "from there."
        ) from error


def _local_cluster() -> LocalCluster:
    """Start a worker process for each core.

    Connections are encrypted with a key made for this run: otherwise other users of this machine
    could run code in the workers. Dask would pause or kill workers at a fraction of the machine's
    memory; decoding has its own limits instead (crnn.audio.worker).
    """
    # Workers started while SIGINT is ignored inherit that: Ctrl-C reaches this process only. (A
    # worker that replaces a killed one is started later, and prints a traceback as it ends.)
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    try:
        return LocalCluster(
            n_workers=CPU_COUNT,
            threads_per_worker=1,
            memory_limit=0,
            security=True,
            dashboard_address="127.0.0.1:0",  # any free port; 8787 may be taken
            silence_logs=logging.CRITICAL,
        )
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CrnnError(f"{file} can't be written: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or one_line(str(error))
    return text.strip(" .") or type(error).__name__
