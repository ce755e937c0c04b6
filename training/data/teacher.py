"""Outputs of a teacher, MusiCNN, on clips: targets of an auxiliary loss in pre-training.

Knowledge distillation (Hinton et al. 2015, arXiv 1503.02531) from a tagger's tags and embeddings
(compare Ding & Lerch 2023, arXiv 2306.17424). A small collection has few labels, all of whole
clips; a tagger that learned from 200,000 songs describes every few seconds of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from sklearn.decomposition import PCA
from torch import Tensor
from tqdm import tqdm

from crnn.audio.containers import Samples
from crnn.audio.names import songs
from training.data import musicnn
from training.data.collection import Collection, DataError, data_folder
from training.data.feature_store import Array, digest, file_key, read_array, write

# Seconds from one window of the teacher to the next.
HOP_SECONDS = 1.0
# Logits of tags are clipped here: beyond, the teacher is certain.
_MAX_LOGIT = 8.0
# Principal components kept of each embedding.
_COMPONENTS = 48
# Raise it where the stored outputs would differ.
_VERSION = 1


@dataclass(frozen=True)
class TeacherOutputs:
    """The teacher's outputs on a collection's tracks, each with mean 0 and deviation 1.

    Attributes:
        tracks: By track [N_i, D], one row every HOP_SECONDS; none for a track not asked for.
        size: Number of outputs, D.
    """

    tracks: tuple[Array, ...]
    size: int

    @property
    def digest(self) -> str:
        """Twelve hex digits over how they were computed, not over values, which vary by machine."""
        how = (musicnn.MODELS, HOP_SECONDS, _COMPONENTS, _VERSION)
        return digest(how, [len(rows) for rows in self.tracks])

    def of_crop(self, track: int, start: float, seconds: float) -> Tensor:
        """Mean over the windows that lie in a crop, or the one nearest to its middle.

        Args:
            start: of the crop, in seconds from the track's start.
            seconds: its length.

        Returns:
            Shape: [D].
        """
        outputs = self.tracks[track]
        middles = np.arange(len(outputs)) * HOP_SECONDS + musicnn.WINDOW_SECONDS / 2
        distances = np.abs(middles - (start + seconds / 2))
        # Windows may reach out of the crop by half a hop.
        reach = max(0.0, seconds - musicnn.WINDOW_SECONDS) / 2 + HOP_SECONDS / 2
        chosen = distances <= max(reach, distances.min())
        return torch.from_numpy(outputs[chosen].mean(axis=0))


def teacher_outputs(
    data: Path, cache: Path, collection: Collection, tracks: Iterable[int]
) -> TeacherOutputs:
    """Outputs of the teacher on clips of moods4q; what `cache` lacks is computed.

    Args:
        tracks: indices in the collection. Means, deviations and principal components are of these
            tracks alone.

    Raises:
        DataError: the folder lacks the teacher's weights (musicnn.WHEEL) or the audio of a clip,
            or it can't be decoded.
    """
    chosen = list(tracks)
    audio = data_folder(data, "moods4q") / "audio"
    files = {file.stem: file for file in songs(audio)}
    if missing := [name for i in chosen if (name := collection.names[i]) not in files]:
        raise DataError(
            f"The teacher needs audio: {audio} lacks {len(missing)} of {len(chosen)} clips, the "
            f"first: {missing[0]}."
        )
    raw = _outputs(data / musicnn.WHEEL, [files[collection.names[i]] for i in chosen], cache)
    columns = []
    for outputs in np.split(np.concatenate(raw), len(musicnn.MODELS), axis=1):
        tags, embedding = np.split(outputs, [musicnn.N_TAGS], axis=1)
        components = min(_COMPONENTS, *embedding.shape)
        columns.append(tags.clip(-_MAX_LOGIT, _MAX_LOGIT))
        columns.append(PCA(components, random_state=0).fit_transform(embedding))
    values = np.concatenate(columns, axis=1)
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-6)
    values = values.astype(np.float32)
    ends = np.cumsum([len(rows) for rows in raw])
    nothing = np.empty((0, values.shape[1]), np.float32)
    of_track = dict(zip(chosen, np.split(values, ends[:-1]), strict=True))
    every = range(len(collection.names))
    return TeacherOutputs(tuple(of_track.get(i, nothing) for i in every), values.shape[1])


def _outputs(wheel: Path, files: list[Path], cache: Path) -> list[Array]:
    """Tags and embeddings of all models, one file after the other: [N_i, models × 250]."""
    cache.mkdir(parents=True, exist_ok=True)
    settings = {"teacher": musicnn.MODELS, "hop_seconds": HOP_SECONDS, "version": _VERSION}
    places = [cache / f"{file_key(file, settings)}.npy" for file in files]
    missing = [n for n, place in enumerate(places) if read_array(place) is None]
    if missing:
        networks = [musicnn.load(wheel, model) for model in musicnn.MODELS]
        for n in tqdm(missing, desc="teacher", unit="clip", disable=None):
            windows = torch.from_numpy(musicnn.windows(_samples(files[n]), HOP_SECONDS))
            with torch.inference_mode():
                parts = [part for network in networks for part in network(windows)]
            content = BytesIO()
            np.save(content, torch.cat(parts, dim=1).numpy())
            write(places[n], content.getvalue())
    found = [read_array(place) for place in places]
    return [np.asarray(values) for values in found if values is not None]


def _samples(file: Path) -> Samples:
    """Mono samples as MusiCNN was trained on them: beyond full scale where a codec overshoots."""
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise DataError(f"{file} can't be decoded: {error}") from error
    mono: Samples = soxr.resample(samples.mean(axis=1), rate, musicnn.SAMPLE_RATE)
    return mono
