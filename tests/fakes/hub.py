"""A Hugging Face Hub on loopback, in the shapes that the real huggingface_hub client asks for.

    HEAD, GET  /{repo}/resolve/{rev}/{file}         files; weights are redirected to a store
    GET        /api/models/{repo}/revision/{rev}    files, and with ?blobs=true their sizes
    POST       /api/repos/create, /api/validate-yaml,
               /api/models/{repo}/{preupload, commit, branch}/{rev}

Its moods: a repository may be private, gated or disabled; a file may be announced larger than it
is, or end early; the whole server may be down, answer an error, or be somebody else's sign-in page.
"""

import base64
import contextlib
import hashlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

Files = dict[str, bytes]

TOKEN = "hf_loopbackOnlyNotASecretOfAnyone"


@dataclass
class Repository:
    """commits: files by commit. refs: branch or tag → commit. announced: sizes stated in place of
    the true ones. broken: files that end early."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    disabled: bool = False
    announced: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def commit(self, files: Files, branch: str = "main") -> str:
        """A new commit with all files of the branch's last one and these."""
        before = self.commits.get(self.refs.get(branch, ""), {})
        files = before | files
        name = hashlib.sha1(f"{len(self.commits)} {branch} {sorted(files)}".encode()).hexdigest()
        self.commits[name] = files
        self.refs[branch] = name
        return name

    def find(self, revision: str) -> str | None:
        return self.refs.get(revision, revision if revision in self.commits else None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who asked has gone: that happens, here on purpose, and needs no traceback."""


class FakeHub:
    """`with FakeHub() as hub:` serves; `down()` unplugs it, `up()` plugs it in again."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str, str]] = []  # method, path, Authorization
        self.status = 0  # answered to everything where set
        self.portal = False
        self.listing = b""  # sent in place of each repository's description where set
        self.delay = 0.0  # seconds before each answer
        self.connections: list[socket.socket] = []
        self._server: _Server | None = None
        self._port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "FakeHub":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        # Clients keep connections open; an unplugged server does not go on answering on them.
        while self.connections:
            with contextlib.suppress(OSError):
                self.connections.pop().shutdown(socket.SHUT_RDWR)

    def add(self, name: str, files: Files, **properties: Any) -> Repository:
        """A repository with one commit on main."""
        repository = self.repositories[name] = Repository(**properties)
        repository.commit(files)
        return repository

    def fetched(self) -> list[str]:
        """Names of the files whose content was asked for, in order."""
        gets = [
            path
            for method, path, _ in self.asked
            if method == "GET" and not path.startswith("/api/")
        ]
        return [path.rsplit("/", 1)[-1] for path in gets]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.hub.connections.append(self.connection)

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self.chunks()
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "")
        self.hub.asked.append((self.command, path, token))
        time.sleep(self.hub.delay)
        if self.hub.status:
            self.send(self.hub.status, b"{}")
        elif self.hub.portal:
            self.send(
                200, b"<html>Please sign in to this network.</html>", {"Content-Type": "text/html"}
            )
        elif token and token != f"Bearer {TOKEN}":
            self.send(
                401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"}
            )
        elif self.command == "POST":
            self.post(path, bool(token))
        elif path.startswith("/api/models/") and self.hub.listing:
            self.send(200, self.hub.listing, {"Content-Type": "application/json"})
        elif path.startswith("/api/models/"):
            self.describe(
                path.removeprefix("/api/models/"), bool(token), "blobs" in urlsplit(self.path).query
            )
        elif path.startswith("/store/"):
            _, _, repo, commit, name = path.split("/", 4)
            self.content(self.hub.repositories[repo.replace("--", "/")], commit, name)
        else:
            self.resolve(path, bool(token))

    def chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, value: Any, status: int = 200) -> None:
        self.send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refused(self, name: str, signed_in: bool, content: bool) -> Repository | None:
        """The repository where it may be read; otherwise the refusal has been sent."""
        repository = self.hub.repositories.get(name)
        if (repository is None or repository.private) and not signed_in:
            # The Hub does not tell strangers which of the two it is.
            self.send(
                401,
                headers={"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"},
            )
        elif repository is None:
            self.send(
                404,
                headers={"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"},
            )
        elif repository.disabled:
            self.send(403, headers={"X-Error-Message": "Access to this resource is disabled."})
        elif repository.gated and content:
            self.send(
                403,
                headers={
                    "X-Error-Code": "GatedRepo",
                    "X-Error-Message": "Access to model is restricted.",
                },
            )
        else:
            return repository
        return None

    def resolve(self, path: str, signed_in: bool) -> None:
        name, _, rest = path.strip("/").partition("/resolve/")
        repository = self.refused(name, signed_in, content=True)
        if repository is None:
            return
        # A revision may hold slashes: the longest one that exists counts.
        parts = rest.split("/")
        splits = [("/".join(parts[:i]), "/".join(parts[i:])) for i in range(len(parts) - 1, 0, -1)]
        revision, file = next(((r, f) for r, f in splits if repository.find(r)), splits[-1])
        commit = repository.find(revision)
        if commit is None:
            self.send(
                404,
                headers={"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"},
            )
        elif file not in repository.commits[commit]:
            self.send(404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        elif file.endswith((".safetensors", ".bin", ".ckpt")):
            data = repository.commits[commit][file]
            store = f"{self.hub.endpoint}/store/{name.replace('/', '--')}"
            self.send(
                302,
                headers={
                    "Location": f"{store}/{commit}/{file}",
                    "X-Repo-Commit": commit,
                    "X-Linked-ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                    "X-Linked-Size": str(repository.announced.get(file, len(data))),
                },
            )
        else:
            self.content(repository, commit, file)

    def content(self, repository: Repository, commit: str, file: str) -> None:
        data = repository.commits[commit][file]
        headers = {
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": commit,
            "Content-Length": str(repository.announced.get(file, len(data))),
        }
        if file in repository.broken and self.command == "GET":
            self.close_connection = True
            self.send(200, data[: len(data) // 2], headers | {"Content-Length": str(len(data))})
        else:
            self.send(200, data, headers)

    def describe(self, path: str, signed_in: bool, sizes: bool) -> None:
        name, _, revision = path.partition("/revision/")
        repository = self.refused(name, signed_in, content=False)
        if repository is None:
            return
        commit = repository.find(revision or "main")
        if commit is None and repository.commits:
            self.send(404, headers={"X-Error-Code": "RevisionNotFound"})
            return
        self.send_json(
            {
                "id": name,
                "modelId": name,
                "sha": commit,
                "private": repository.private,
                "gated": "auto" if repository.gated else False,
                "siblings": [
                    {"rfilename": file}
                    | ({"size": repository.announced.get(file, len(data))} if sizes else {})
                    for file, data in sorted(repository.commits.get(commit or "", {}).items())
                ],
            }
        )

    def post(self, path: str, signed_in: bool) -> None:
        if path == "/api/validate-yaml":
            self.validate(json.loads(self.body)["content"])
            return
        if not signed_in:
            self.send(401, b"{}", {"X-Error-Message": "Invalid username or password."})
            return
        if path == "/api/repos/create":
            self.create(json.loads(self.body))
            return
        parts = path.split("/")
        name, action, revision = "/".join(parts[3:5]), parts[5], "/".join(parts[6:])
        repository = self.refused(name, signed_in, content=False)
        if repository is None:
            return
        if action == "branch":
            if revision in repository.refs:
                self.send(409, b"{}")
            else:
                repository.refs[revision] = repository.refs.get("main", "")
                self.send_json({})
        elif action == "preupload":
            files = json.loads(self.body)["files"]
            self.send_json(
                {
                    "files": [
                        {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for f in files
                    ]
                }
            )
        else:
            lines = [json.loads(line) for line in self.body.splitlines()]
            new = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            commit = repository.commit(new, revision)
            self.send_json(
                {
                    "success": True,
                    "commitOid": commit,
                    "commitUrl": f"{self.hub.endpoint}/{name}/commit/{commit}",
                }
            )

    def create(self, asked: dict[str, Any]) -> None:
        owner = asked.get("organization") or "user"
        if owner == "somebody-else":
            self.send(
                403,
                b"{}",
                {"X-Error-Message": "You can't create a model under this namespace"},
            )
            return
        name = f"{owner}/{asked['name']}"
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(
            name, Repository(private=asked.get("visibility") == "private")
        )
        self.send_json({"url": f"{self.hub.endpoint}/{name}", "name": name}, status)

    def validate(self, content: str) -> None:
        """The header must be YAML with a licence and a model-index of named results."""
        try:
            header = yaml.safe_load(content.split("---")[1])
            assert isinstance(header["license"], str)
            for model in header.get("model-index", []):
                assert model["name"]
                for result in model["results"]:
                    assert result["task"]["type"]
                    assert result["dataset"]["type"]
                    assert result["dataset"]["name"]
                    assert all(
                        isinstance(metric["value"], float) and metric["type"]
                        for metric in result["metrics"]
                    )
        except (yaml.YAMLError, AssertionError, KeyError, IndexError, TypeError) as error:
            self.send_json(
                {"errors": [{"message": f"invalid metadata: {error!r}"}], "warnings": []}, 400
            )
        else:
            self.send_json({"errors": [], "warnings": []})
