"""What is fuzzed: one function a target, which raises nothing but CrnnError."""

import io
import json
import logging
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import requests
import torch
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from crnn.audio import worker
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.inference.classifier import Classifier
from crnn.inference.export import to_csv, to_json, to_record
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN
from crnn.sources import previews, spotify
from crnn.sources.archive import Archive
from crnn.sources.http import Session
from tests.conftest import encode, encode_av, melody
from tests.fakes.services import ISRC, TRACK
from tests.fuzz.mutate import VALUES, mutated, mutated_json
from tests.pages.visit import opened


@cache
def _songs() -> tuple[bytes, ...]:
    """A second and a half in every format."""
    sound = melody(1.5)
    stereo = np.stack([sound, sound[::-1]], axis=1)
    return (
        encode(sound),
        encode(stereo, subtype="PCM_24"),
        encode(sound, kind="FLAC"),
        encode(stereo, kind="OGG"),
        encode(sound, 24_000, kind="OGG", subtype="OPUS"),
        encode(stereo, kind="MP3"),
        encode(sound, kind="AIFF"),
        encode(sound, kind="CAF"),
        encode(sound, kind="AU"),
        encode(sound, kind="W64"),
        encode_av(sound, 22_050, "mp4", "aac"),
        encode_av(sound, 22_050, "mp4", "aac", index_first=True),
        encode_av(sound, 22_050, "mp4", "alac"),
        encode_av(sound, 22_050, "adts", "aac"),
        encode_av(sound, 48_000, "webm", "libopus"),
    )


class _Unexpected(logging.Handler):
    """The worker answers an exception that is not the library's with a sentence, and logs it."""

    def emit(self, record: logging.LogRecord) -> None:
        if "unexpected" in record.getMessage():
            raise AssertionError(record.getMessage())


@cache
def _watch_worker() -> None:
    log = logging.getLogger(worker.__name__)
    log.setLevel(logging.INFO)
    log.addHandler(_Unexpected())


def decoding(random: Random) -> None:
    """A damaged file, through the worker."""
    _watch_worker()
    data = mutated(random.choice(_songs()), random)
    waveform = worker.decode(data, downmix=random.choice(("mean", "normalised")))
    assert np.isfinite(waveform.samples).all()
    assert np.abs(waveform.samples).max() <= 1


def zips(random: Random) -> None:
    """A damaged ZIP, every track of it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for number in range(3):
            method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
            name = random.choice(("song.mp3", "../a.wav", "__MACOSX/._x.mp3", "b.zip", "\x1b.flac"))
            packed.writestr(f"{number}{name}", random.randbytes(100) * 20, method)
    opened_zip = Archive(io.BytesIO(mutated(out.getvalue(), random)))
    for member in opened_zip.members[:5]:
        opened_zip.read(member)


@cache
def _checkpoint() -> dict[str, bytes]:
    """The files of a small checkpoint."""
    torch.manual_seed(0)
    pools = pool_sizes(GTZAN_FRONT_END)
    config = ModelConfig(
        n_mels=128, frames=39, n_classes=3, pools=pools, channels=(4, 4, 4, 4), gru=8
    )
    labels = ("blues", "country", "rock")
    small = Checkpoint("genre", labels, GTZAN_FRONT_END, 3.0, CRNN(config).eval())
    with tempfile.TemporaryDirectory() as folder:
        small.save(Path(folder), card="# A card\n")
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def checkpoints(random: Random) -> None:
    """A stranger's checkpoint: loaded, used and exported."""
    files = dict(_checkpoint())
    if random.random() < 0.7:
        config = mutated_json(json.loads(files["config.json"]), random)
        files["config.json"] = config.encode("utf-8", "surrogatepass")
    else:
        name = random.choice(sorted(files))
        files[name] = mutated(files[name], random)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        checkpoint = Checkpoint.load(Path(folder))
        mel = -80 * torch.rand(checkpoint.front_end.n_mels, 300)
        prediction = Classifier(checkpoint).predict(mel)
    record = to_record("song.mp3", 10.0, [prediction])
    assert set(record) == {"file", "seconds", prediction.task, "segments"}
    assert json.loads(to_json(record)) == record
    to_csv([record]).encode()


_SONG = {
    "title": "Song",
    "thumbnail_url": "https://i.scdn.co/image/x",
    "name": "Song",
    "id": TRACK,
    "artists": [{"name": "Band"}],
    "album": {"images": [{"url": "https://i.scdn.co/image/x"}]},
    "external_ids": {"isrc": ISRC},
    "duration_ms": 200_000,
    "duration": 200,
    "link": "https://x/",
    "preview_url": "https://p.scdn.co/x",
    "preview": "https://cdns-preview.dzcdn.net/x.mp3",
    "artist": {"name": "Band"},
    "error": {"code": 4},
    "access_token": "t",
    "token_type": "Bearer",
    "expires_in": 3600,
    "results": [
        {
            "trackName": "Song",
            "artistName": "Band",
            "previewUrl": "https://x.mzstatic.com/x.m4a",
            "trackViewUrl": "https://music.apple.com/x",
            "artworkUrl100": "https://x.mzstatic.com/x.jpg",
            "trackTimeMillis": 200_000,
        }
    ],
    "props": {
        "pageProps": {
            "state": {"data": {"entity": {"audioPreview": {"url": "https://p.scdn.co/x"}}}}
        }
    },
}


class _Answers(BaseAdapter):
    """Answers every request with a mutated answer that has the fields of all services."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        random = self.random
        answer = dict(_SONG)
        for key in random.sample(sorted(answer), 3):
            answer.pop(key)
        text = mutated_json(answer, random)
        kind = random.choice(("application/json", "audio/mpeg", "text/html", "\xff", ""))
        if "embed" in str(request.url) and "oembed" not in str(request.url):
            text, kind = f'<script id="__NEXT_DATA__" x>{text}</script>', "text/html"
        elif random.random() < 0.8:
            kind = "application/json"
        headers = {"Content-Type": kind, "Retry-After": random.choice(("", "x", "9" * 9, "-1"))}
        if random.random() < 0.2:
            headers["Location"] = str(random.choice(VALUES)).replace("\n", "")
        body = text.encode("utf-8", "surrogatepass")
        status = random.choice((200, 200, 200, 200, 302, 401, 404, 429, 503))
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        response.headers.update(headers)
        response.raw = HTTPResponse(
            io.BytesIO(body), headers=headers, status=status, preload_content=False
        )
        return response

    def close(self) -> None:
        pass


def services(random: Random) -> None:
    """A link of Spotify's looked up, its preview fetched, its title searched for."""
    session = Session()
    session.mount("https://", _Answers(random))
    credentials = spotify.Credentials("id", "secret") if random.random() < 0.5 else None
    link = random.choice((TRACK, "https://spotify.link/abc", str(random.choice(VALUES))))
    info = spotify.look_up(spotify.track_id(link, session), credentials, session)
    info.title.encode()
    if info.artists:
        previews.find_preview(info, session, spotify_audio=True)
    else:
        previews.search(info.title, session)


# Parameters of each page's address.
QUERIES = {
    "": ("example",),
    "lab": (
        *("example", "view", "sweep", "seed", "quiz", "masks", "diff", "segment", "order", "solo"),
        *("noise", "snr", "band", "hz", "codec", "kbit", "level", "answers", "lesson", "projector"),
    ),
    "compare": ("examples", "by", "sort"),
    "how": ("example", "task", "chapter"),
    "results": ("section",),
    "room": ("code",),
}


def queries(random: Random) -> None:
    """An address of any page, with values that no link of ours has."""
    page = random.choice(sorted(QUERIES))
    names = random.sample(QUERIES[page], random.randint(1, len(QUERIES[page])))
    values = [str(random.choice(VALUES)).encode("utf-8", "replace").decode() for _ in names]
    shown = opened(page, **dict(zip(names, values, strict=True)))
    assert not shown.exception, [error.value for error in shown.exception]


TARGETS = {
    "decoding": decoding,
    "zips": zips,
    "checkpoints": checkpoints,
    "services": services,
    "queries": queries,
}
