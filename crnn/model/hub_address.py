"""The address of a checkpoint on the Hugging Face Hub: `user/repo` or `user/repo@revision`, and nothing else."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from crnn.errors import CheckpointError

_HOSTS = ("huggingface.co", "hf.co")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class HubAddress:
    """A model repository and a revision of it: branch, tag or commit."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return self.repo if self.revision == "main" else f"{self.repo}@{self.revision}"


def parse_address(text: str) -> HubAddress:
    """`user/repo`, `user/repo@revision`, or the address of a repository's page; CheckpointError for anything else."""
    text = text.strip()
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    needed = "Needed is user/repo or user/repo@revision, as it stands on top of a model's page on huggingface.co."
    if not text:
        raise CheckpointError(f"Nothing was entered. {needed}")
    path = text
    if "://" in text or text.lower().startswith(tuple(f"{host}/" for host in _HOSTS)):
        path = _page(text, shown, needed)
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
            f"“{shown}” names no revision that can exist: after the @, a branch, a tag or a commit is needed."
        )
    return HubAddress(repo, revision)


def _page(text: str, shown: str, needed: str) -> str:
    """The path of a repository's page as user/repo[@revision]."""
    try:
        address = urlsplit(text if "://" in text else f"https://{text}")
        host, plain = address.hostname, address.netloc
    except ValueError:
        host = plain = None
    if host not in _HOSTS or plain != host or address.scheme != "https":
        raise CheckpointError(f"“{shown}” is not an address of huggingface.co. {needed}")
    parts = unquote(address.path).strip("/").split("/")
    if len(parts) >= 4 and parts[2] == "tree":
        return f"{parts[0]}/{parts[1]}@{'/'.join(parts[3:])}"
    return "/".join(parts)


def looks_like_address(text: str) -> bool:
    """Whether a source that is no folder here is meant for the Hub: one slash, not at a path's beginning."""
    return text.startswith("https://") or (
        text.count("/") - text.partition("@")[2].count("/") == 1 and text[0] not in "./~"
    )
