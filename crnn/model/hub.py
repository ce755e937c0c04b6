"""Checkpoints on the Hugging Face Hub: addresses, and files fetched into the local cache.

Only three files of a repository are ever fetched (config.json, model.safetensors, README.md), each
only after the Hub has said how large it is. `import huggingface_hub` is cheap; its parts, which
take a second, load when something is fetched.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import huggingface_hub

from crnn.errors import CheckpointError
from crnn.format import ellipsis
from crnn.untrusted import MALFORMED, split_address

Progress = Callable[[float], None]  # called with the fraction done, 0 to 1

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

# Accepted sizes. The bundled weights have 2.8 MB each; 64 MB are 16 million numbers, 23 times as
# many.
MAX_BYTES = {CONFIG: 100_000, WEIGHTS: 64_000_000, CARD: 1_000_000}

# What visitors try has a cache apart from the deployer's, of up to this size on disk.
_ANONYMOUS_BYTES = 1_000_000_000

_TIMEOUT = 5.0  # seconds for the Hub to answer
_DISK_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT)
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib")

_HOSTS = ("huggingface.co", "hf.co")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubAddress:
    """A model repository and a revision of it: branch, tag or commit."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return self.repo if self.revision == "main" else f"{self.repo}@{self.revision}"


def parse_address(text: str) -> HubAddress:
    """Parse `user/repo`, `user/repo@revision`, or the address of a repository's page.

    Raises:
        CheckpointError: it is anything else.
    """
    text = text.strip()
    shown = ellipsis(text, 80)
    needed = (
        "Enter user/repo or user/repo@revision, as shown at the top of a model's page on "
        "huggingface.co."
    )
    if not text:
        raise CheckpointError(f"Nothing was entered. {needed}")
    path = text
    if "://" in text or text.lower().startswith(tuple(f"{host}/" for host in _HOSTS)):
        path = _page_path(text)
        if not path:
            raise CheckpointError(f"“{shown}” is not an address of huggingface.co. {needed}")
    if path.startswith(("datasets/", "spaces/")):
        kind = path.split("/")[0][:-1]
        raise CheckpointError(
            f"“{shown}” is a {kind}; a checkpoint lies in a model repository. {needed}"
        )
    repo, at, revision = path.partition("@")
    parts = repo.split("/")
    good_name = len(parts) == 2 and len(repo) <= 96 and all(_NAME.fullmatch(part) for part in parts)
    if not good_name or "--" in repo or ".." in repo or repo.endswith(".git"):
        raise CheckpointError(f"“{shown}” is not the name of a model repository. {needed}")
    if not at:
        return HubAddress(repo)
    if len(revision) > 100 or ".." in revision or not _REVISION.fullmatch(revision):
        raise CheckpointError(
            f"“{shown}” names no revision that can exist: after the @, a branch, a tag or a "
            "commit is needed."
        )
    return HubAddress(repo, revision)


def _page_path(text: str) -> str:
    """The path of a repository's page as user/repo[@revision]; empty for another site's."""
    try:
        url = split_address(text if "://" in text else f"https://{text}")
    except ValueError:
        return ""
    if url.host not in _HOSTS or url.port is not None or url.scheme != "https":
        return ""
    parts = unquote(url.path).strip("/").split("/")
    if len(parts) >= 4 and parts[2] == "tree":
        return f"{parts[0]}/{parts[1]}@{'/'.join(parts[3:])}"
    return "/".join(parts)


def looks_like_address(text: str) -> bool:
    """Whether a text that is no folder here has the form of an address: one slash inside."""
    return text.startswith("https://") or (
        text.count("/") - text.partition("@")[2].count("/") == 1 and text[0] not in "./~"
    )


@dataclass(frozen=True)
class Snapshot:
    """Where a repository's files of a commit lie; notice: why it is an earlier copy."""

    folder: Path
    commit: str
    notice: str = ""


class HubUnreachable(CheckpointError):
    """The Hub did not answer as it should; a copy fetched earlier may help."""


def endpoint() -> str:
    """Where the Hub is, read at each call; huggingface_hub reads the variable only once."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def cache_folder(anonymous: bool = False) -> Path:
    """huggingface_hub's cache; what is fetched without a token has one that is never private."""
    from huggingface_hub import constants  # noqa: PLC0415

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

    Args:
        progress: called with the fraction of bytes downloaded.
        anonymous: send no token, even where there is one.
        check: called with config.json before the weights are fetched; raises to refuse them.

    Returns:
        The files; where the Hub does not answer, a copy fetched earlier, with a notice.

    Raises:
        HubUnreachable: the Hub does not answer, and there is no copy.
        CheckpointError: the repository cannot be read, or is no checkpoint within the bounds.
    """
    remote = _Remote(address, cache_folder(anonymous), anonymous)
    pinned = _COMMIT.fullmatch(address.revision) is not None
    cached = remote.cached()
    if pinned and cached is not None:
        return cached  # a commit never changes
    try:
        commit, sizes = remote.list_files()
        if anonymous:
            _make_room(remote.cache)
        total, before = max(1, sum(sizes.values())), 0

        def report(n: int) -> None:
            if progress is not None:
                progress(min(1.0, (before + n) / total))

        folder = remote.cache
        for name, size in sizes.items():  # config.json comes first
            file = remote.download(name, commit, report)
            report(size)
            folder, before = file.parent, before + size
            if name == CONFIG and check is not None:
                check(file)
    except HubUnreachable as error:
        if cached is None:
            raise HubUnreachable(
                f"{error} No copy of it was fetched before. Try again later."
            ) from error
        notice = f"{error} In use is the copy fetched earlier, revision {cached.commit[:12]}."
        return replace(cached, notice=notice)
    if not pinned:
        # Noted last, so that only complete copies are found when the Hub does not answer.
        reference = folder.parents[1] / "refs" / address.revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit)
    return Snapshot(folder, commit)


@dataclass(frozen=True)
class _Remote:
    """One repository on the Hub, and the cache for it."""

    address: HubAddress
    cache: Path
    anonymous: bool

    @property
    def token(self) -> bool | None:
        return False if self.anonymous else None  # None: from the environment or the login, if any

    def cached(self) -> Snapshot | None:
        """The copy fetched earlier, if it is complete."""
        find, cache = huggingface_hub.try_to_load_from_cache, str(self.cache)
        files = [
            find(self.address.repo, name, cache, self.address.revision)
            for name in (CONFIG, WEIGHTS)
        ]
        folders = [Path(file).parent for file in files if isinstance(file, str)]
        return Snapshot(folders[0], folders[0].name) if len(folders) == 2 else None

    def list_files(self) -> tuple[str, dict[str, int]]:
        """The revision's commit now, and its files' sizes in bytes; refuses what is too large."""
        import httpx2  # noqa: PLC0415 - takes a second

        api = huggingface_hub.HfApi(endpoint=endpoint(), token=self.token)
        repo, revision = self.address.repo, self.address.revision
        try:
            info = api.model_info(repo, revision=revision, timeout=_TIMEOUT, files_metadata=True)
            commit = info.sha or ""
            listed = {file.rfilename: file.size for file in info.siblings or []}
            sizes = {name: listed[name] for name in MAX_BYTES if name in listed}
            known = {name: size for name, size in sizes.items() if isinstance(size, int)}
            pickles = sorted(file for file in listed if file.endswith(_PICKLES))
            if not _COMMIT.fullmatch(commit) or known != sizes:
                raise ValueError
        except (httpx2.HTTPError, OSError) as error:
            raise self._explained(error) from error
        except (httpx2.InvalidURL, *MALFORMED) as error:
            # A sign-in page of a network, a proxy: something that is not the Hub answers "200 OK".
            raise HubUnreachable(
                f"{self.address}: the answer did not come from the Hugging Face Hub."
            ) from error
        if pickles and WEIGHTS not in listed:
            raise CheckpointError(
                f"{self.address} has its weights only as a pickle ({ellipsis(pickles[0], 60)}). "
                "Reading a pickle can run any code, so none is opened here: weights are read from "
                f"{WEIGHTS} alone. Convert it on a computer you trust."
            )
        for name in (CONFIG, WEIGHTS):
            if name not in listed:
                raise CheckpointError(
                    f"{self.address} is not a checkpoint of this kind: it has no {name}. A "
                    f"repository with {CONFIG} and {WEIGHTS} is needed, such as "
                    "`python -m training publish` makes."
                )
        for name, size in known.items():
            if size > MAX_BYTES[name]:
                raise CheckpointError(
                    f"{self.address}: {name} has {file_size(size)}; up to "
                    f"{file_size(MAX_BYTES[name])} are accepted. Nothing was downloaded. Choose "
                    "a smaller model."
                )
        return commit, known

    def download(self, name: str, commit: str, report: Callable[[int], None]) -> Path:
        """One file into the cache; its path there."""
        import httpx2  # noqa: PLC0415 - takes a second

        try:
            path = huggingface_hub.hf_hub_download(
                self.address.repo,
                name,
                revision=commit,
                cache_dir=self.cache,
                token=self.token,
                endpoint=endpoint(),
                etag_timeout=_TIMEOUT,
                tqdm_class=progress_bar(f"{self.address}: {name}", MAX_BYTES[name], report),
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            if number in _DISK_ERRORS:
                raise CheckpointError(
                    f"{self.address}: {name} could not be stored ({os.strerror(number)}). Make "
                    "room, or set HF_HOME to a folder that can be written."
                ) from error
            if type(error).__name__ == "GatedRepoError":  # its list of files is public
                raise self._explained(error) from error
            raise HubUnreachable(f"{self.address}: the download of {name} broke off.") from error
        return Path(path)

    def _explained(self, error: Exception) -> CheckpointError:
        """What the Hub's answer means, without the library's own words: they may repeat a token."""
        status = getattr(getattr(error, "response", None), "status_code", None)
        kind = type(error).__name__
        for key in (f"{kind} {status}", kind, str(status)):
            if key in _REFUSALS:
                access = _PUBLIC_ONLY if self.anonymous else _NEEDS_TOKEN
                return CheckpointError(_REFUSALS[key].format(self.address, access=access))
        trouble = f"is in trouble or busy (it answered {status})" if status else "does not answer"
        return HubUnreachable(f"{self.address}: the Hugging Face Hub {trouble}.")


# By huggingface_hub's error and the status.
_REFUSALS = {
    "GatedRepoError": "{0.repo} is gated: only those who have accepted its authors' terms on its "
    "page have access. {access}",
    "RepositoryNotFoundError 401": "{0.repo} is private, or there is no such repository: the Hub "
    "gives the same answer for both. Check the spelling. {access}",
    "RevisionNotFoundError": "{0.repo} has no revision “{0.revision}”. Leave it out for the "
    "newest, or look up its branches and tags on its page.",
    "DisabledRepoError": "{0.repo} has been disabled on the Hub. Choose another repository.",
    "404": "The Hub has no model repository {0.repo}. Check the spelling: user/repo.",
    "401": "The Hub does not accept the token it was sent. Make a new one and set it as HF_TOKEN, "
    "or remove it: public repositories need none.",
    "403": "The Hub refuses access to {0.repo}. {access}",
}
_PUBLIC_ONLY = "Only public repositories can be opened here."
_NEEDS_TOKEN = "Set HF_TOKEN to a token whose owner may read it."


def progress_bar(what: str, limit: int, report: Callable[[int], None]) -> type:
    """A stand-in for tqdm: reports bytes received, and stops a file of more than `limit`."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.n = initial

        def update(self, n: int = 1) -> None:
            self.n += n
            if self.n > limit:
                raise CheckpointError(f"{what} is longer than the Hub said, so it was discarded.")
            report(self.n)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_, **__: None  # close, refresh, set_postfix_str, …

    return Bar


def _make_room(cache: Path) -> None:
    """Drop the repositories that visitors tried longest ago until the rest is small enough."""
    kept = 0
    try:
        for folder in sorted(
            cache.glob("models--*"), key=lambda f: f.stat().st_mtime, reverse=True
        ):
            kept += sum(file.stat().st_size for file in folder.glob("blobs/*") if file.is_file())
            if kept > _ANONYMOUS_BYTES:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # another visitor makes room at this moment


def file_size(size: int) -> str:
    """A number of bytes as "1.2 MB"; of any size, as it may be a stranger's."""
    size = min(size, 10**15)
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"
