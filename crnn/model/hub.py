"""Checkpoints on the Hugging Face Hub, fetched into the local cache.

Only three files of a repository are ever asked for (config.json, model.safetensors, README.md), each only after the Hub has said
how large it is. Nothing here imports huggingface_hub before something is fetched: the app's first page does without.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crnn.errors import CheckpointError
from crnn.model.hub_address import HubAddress
from crnn.model.meter import Meter, Progress

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

# Bytes that are accepted. The bundled weights have 1.2 MB; 64 MB are 16 million numbers, fifty times as many.
LIMITS = {CONFIG: 100_000, WEIGHTS: 64_000_000, CARD: 1_000_000}

# Whatever visitors try is kept apart from what the deployer fetched, and up to this size on disk.
_ANONYMOUS_BYTES = 1_000_000_000

_TIMEOUT = 5.0  # seconds for the Hub to say what a file is
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib")

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Snapshot:
    """Where a repository's files lie, at which commit; notice says so where they are an earlier copy."""

    folder: Path
    commit: str
    notice: str = ""


class HubUnreachable(CheckpointError):
    """The Hub did not answer as it should; a copy fetched earlier may help."""


def endpoint() -> str:
    """Where the Hub is. Read at each call: huggingface_hub itself reads the variable once, when it is imported."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def cache_folder(anonymous: bool = False) -> Path:
    """huggingface_hub's cache. What was fetched without a token has its own, so that it can hold nothing private."""
    from huggingface_hub import constants

    folder = Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE)
    return folder.with_name(f"{folder.name}-anonymous") if anonymous else folder


def fetch(
    address: HubAddress,
    progress: Progress | None = None,
    *,
    anonymous: bool = False,
    check: Callable[[Path], object] | None = None,
) -> Snapshot:
    """Bring a repository's files into the cache, all of one commit.

    progress: called with the share of bytes that have come. anonymous: send no token, even where there is one. check: called with
    config.json before the weights are asked for; raises to refuse them.
    Raises CheckpointError for a repository that is missing, private, gated, too large, not ours, or pickled; Unreachable if the
    Hub does not answer and there is no copy. Where there is one, it is returned with a notice.
    """
    remote = _Remote(address, cache_folder(anonymous), anonymous)
    pinned = _COMMIT.fullmatch(address.revision) is not None
    if pinned and (kept := remote.kept()) is not None:
        return kept  # a commit never changes
    try:
        commit, sizes = remote.look()
        if anonymous:
            _make_room(remote.cache)
        meter = Meter(sum(sizes.values()), progress)
        here = replace(address, revision=commit)
        config = remote.download(here, CONFIG, meter)
        if check is not None:
            check(config)
        for name in sizes:
            remote.download(here, name, meter)
        if not pinned:
            remote.remember()
        return Snapshot(config.parent, commit)
    except HubUnreachable as error:
        kept = remote.kept()
        if kept is None:
            raise HubUnreachable(
                f"{error} No copy of it was fetched before. Try again later."
            ) from error
        return replace(
            kept, notice=f"{error} In use is the copy fetched earlier, revision {kept.commit[:12]}."
        )


@dataclass(frozen=True)
class _Remote:
    """One repository, as seen from here."""

    address: HubAddress
    cache: Path
    anonymous: bool

    @property
    def token(self) -> bool | None:
        return False if self.anonymous else None  # None: from the environment or the login, if any

    def api(self) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=endpoint(), token=self.token, library_name="genre-mood-spectrum")

    def kept(self) -> Snapshot | None:
        """The copy fetched earlier, if it is complete."""
        from huggingface_hub import try_to_load_from_cache

        found = [
            try_to_load_from_cache(
                self.address.repo, name, cache_dir=str(self.cache), revision=self.address.revision
            )
            for name in (CONFIG, WEIGHTS)
        ]
        if not all(isinstance(path, str) for path in found):
            return None
        folder = Path(str(found[0])).parent
        return Snapshot(folder, folder.name)

    def look(self) -> tuple[str, dict[str, int]]:
        """The commit that the revision means now, and the size of each file in bytes; refuses what is too large."""
        commit, sizes = "", {}
        for name in (CONFIG, WEIGHTS, CARD):
            found = self._metadata(name, commit or self.address.revision)
            if found is None:
                if name == CARD:
                    continue
                raise self._absent(name, commit or self.address.revision)
            commit, size = found
            if size > LIMITS[name]:
                raise CheckpointError(
                    f"{self.address}: {name} has {_bytes(size)}; up to {_bytes(LIMITS[name])} are accepted. Nothing of it "
                    "was fetched. Choose a smaller network."
                )
            sizes[name] = size
        return commit, sizes

    def _metadata(self, name: str, revision: str) -> tuple[str, int] | None:
        """Commit and size of a file, or None where the repository does not have it."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import RemoteEntryNotFoundError

        url = hf_hub_url(self.address.repo, name, revision=revision, endpoint=endpoint())
        try:
            found = get_hf_file_metadata(
                url, token=self.token, timeout=_TIMEOUT, endpoint=endpoint()
            )
        except RemoteEntryNotFoundError:
            return None
        except _failures() as error:
            raise self._sentence(error) from error
        if (
            found.commit_hash is None
            or not _COMMIT.fullmatch(found.commit_hash)
            or found.etag is None
        ):
            # A sign-in page of a network, a proxy: something that is not the Hub says "200 OK".
            raise HubUnreachable(
                f"{self.address}: what answered in place of the Hugging Face Hub is not the Hub."
            )
        if found.size is None:
            raise CheckpointError(
                f"{self.address}: the Hub does not say how large {name} is, so it was not fetched."
            )
        return found.commit_hash, found.size

    def _absent(self, name: str, revision: str) -> CheckpointError:
        """Why a repository without this file is no checkpoint of ours."""
        try:
            listed = (
                self.api()
                .model_info(self.address.repo, revision=revision, timeout=_TIMEOUT)
                .siblings
                or []
            )
            names = sorted(file.rfilename for file in listed)
        except _failures():
            names = []
        pickles = [file for file in names if file.endswith(_PICKLES)]
        if pickles and WEIGHTS not in names:
            return CheckpointError(
                f"{self.address} has its weights only as a pickle ({_short(pickles[0])}). Reading a pickle can run any code, so "
                f"none is opened here: weights are read from {WEIGHTS} alone. Convert it on a computer you trust."
            )
        return CheckpointError(
            f"{self.address} is not a checkpoint of this kind: it has no {name}. A repository with {CONFIG} and {WEIGHTS} is "
            "needed, such as `python -m training publish` makes."
        )

    def download(self, address: HubAddress, name: str, meter: Meter) -> Path:
        """One file into the cache; its path there."""
        from huggingface_hub import hf_hub_download

        try:
            path = hf_hub_download(
                address.repo,
                name,
                revision=address.revision,
                cache_dir=self.cache,
                token=self.token,
                endpoint=endpoint(),
                etag_timeout=_TIMEOUT,
                tqdm_class=meter.bar(f"{self.address}: {name}", LIMITS[name]),
            )
        except _failures() as error:
            if isinstance(error, OSError) and error.errno in (
                errno.ENOSPC,
                errno.EACCES,
                errno.EROFS,
                errno.EDQUOT,
            ):
                raise CheckpointError(
                    f"{self.address}: {name} could not be stored ({os.strerror(error.errno)}). Make room, or set HF_HOME to "
                    "a folder that can be written."
                ) from error
            raise HubUnreachable(f"{self.address}: the download of {name} broke off.") from error
        meter.finished(Path(path))
        return Path(path)

    def remember(self) -> None:
        """Note in the cache which commit the branch or tag means: last, so that only complete copies are found offline."""
        from huggingface_hub import hf_hub_download

        try:
            hf_hub_download(
                self.address.repo,
                CONFIG,
                revision=self.address.revision,
                cache_dir=self.cache,
                token=self.token,
                endpoint=endpoint(),
                etag_timeout=_TIMEOUT,
                tqdm_class=Meter(1).bar(f"{self.address}: {CONFIG}", LIMITS[CONFIG]),
            )
        except _failures():
            pass  # everything has come; only finding it without the Hub would have needed this

    def _sentence(self, error: Exception) -> CheckpointError:
        """What the Hub's answer means, without a word of the library's own: those may repeat what was sent."""
        from huggingface_hub import errors

        status = getattr(getattr(error, "response", None), "status_code", None)
        where = self.address.repo
        if isinstance(error, errors.GatedRepoError):
            return CheckpointError(
                f"{where} is gated: its authors let in only who has accepted their terms on its page. {self._access()}"
            )
        if isinstance(error, errors.RepositoryNotFoundError) and status == 401:
            return CheckpointError(
                f"{where} is private, or there is no such repository: the Hub says the same of both. Check the spelling. "
                f"{self._access()}"
            )
        if isinstance(error, errors.RevisionNotFoundError):
            return CheckpointError(
                f"{where} has no revision “{self.address.revision}”. Leave it out for the newest, or look up its branches and "
                "tags on its page."
            )
        if isinstance(error, errors.DisabledRepoError):
            return CheckpointError(
                f"{where} has been disabled on the Hub. Choose another repository."
            )
        if status == 404:
            return CheckpointError(
                f"The Hub has no model repository {where}. Check the spelling: user/repo."
            )
        if status == 401:
            return CheckpointError(
                "The Hub does not accept the token it was sent. Make a new one and set it as HF_TOKEN, or remove it: public "
                "repositories need none."
            )
        if status == 403:
            return CheckpointError(f"The Hub refuses access to {where}. {self._access()}")
        if status is None:
            return HubUnreachable(f"{self.address}: the Hugging Face Hub does not answer.")
        return HubUnreachable(
            f"{self.address}: the Hugging Face Hub is in trouble or busy (it answered {status})."
        )

    def _access(self) -> str:
        if self.anonymous:
            return "Only public repositories can be opened here."
        return "Set HF_TOKEN to a token whose owner may read it."


def _failures() -> tuple[type[Exception], ...]:
    """Everything that talking to the Hub may raise: its HTTP client's errors, the disk's, a malformed address or answer."""
    import httpx2

    return (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)


def _make_room(cache: Path) -> None:
    """Drop the repositories that visitors tried longest ago until the rest is small enough."""

    def size(folder: Path) -> int:
        return sum(file.stat().st_size for file in folder.glob("blobs/*") if file.is_file())

    kept = 0
    try:
        for folder in sorted(
            cache.glob("models--*"), key=lambda f: f.stat().st_mtime, reverse=True
        ):
            kept += size(folder)
            if kept > _ANONYMOUS_BYTES:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # another visitor makes room at this moment


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:59]}…"
