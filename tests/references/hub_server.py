"""A Hugging Face hub on this machine, as `huggingface_hub` speaks to one; obliging, or hostile.

Files with a model's extension are kept as the hub keeps large ones: behind a redirect to a second
host, with their SHA-256 as tag; all others with Git's digest, from the hub itself.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Thread
from urllib.parse import unquote, urlsplit

from tests.references.quiet_server import QuietServer

LARGE = (".keras", ".h5", ".onnx", ".tflite")


@dataclass
class Hub:
    """What a hub has, and what it does.

    Attributes:
        files: Commit → file → content.
        refs: Branch or tag → commit.
        token: That a private repository asks for; empty for a public one.
        asked: Method, path and token of every request, its host before them.
        headers: Changes the headers of a file's answer.
        listed: Changes the answer to the question what is in the repository.
        body: Gives other content than there is, in chunks.
        location: Where large files are; None for the second host.
        url: Of the hub.
        store: Of the second host.
    """

    files: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    token: str = ""
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    headers: Callable[[dict[str, str]], None] = lambda given: None
    listed: Callable[[dict], None] = lambda given: None
    body: Callable[[bytes], Iterator[bytes]] | None = None
    location: str | None = None
    url: str = ""
    store: str = ""

    def commit(self, revision: str) -> str | None:
        return revision if revision in self.files else self.refs.get(revision)

    def tag(self, name: str, content: bytes) -> str:
        if name.endswith(LARGE):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def large(self, name: str, content: bytes) -> dict:
        facts = {"sha256": self.tag(name, content), "size": len(content), "pointerSize": 130}
        return {"lfs": facts} if name.endswith(LARGE) else {}

    def info(self, commit: str) -> dict:
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": self.tag("", content)}
            | self.large(name, content)
            for name, content in self.files[commit].items()
        ]
        found = {"id": "owner/net", "sha": commit, "siblings": siblings, "private": False,
                 "tags": [], "downloads": 0, "likes": 0}  # fmt: skip
        self.listed(found)
        return found


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub and its second host while open."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            host = "hub" if self.server is first else "store"
            path = unquote(urlsplit(self.path).path)
            token = self.headers.get("Authorization", "")
            hub.asked.append((host, self.command, path, token))
            if host == "store":
                digest = path.rpartition("/")[2]
                found = {self.digest(c): c for files in hub.files.values() for c in files.values()}
                return self.give(200, found.get(digest, b""), {})
            if hub.token and token != f"Bearer {hub.token}":
                return self.refuse(401, "RepoNotFound", "Invalid username or password.")
            parts = path.strip("/").split("/")
            if parts[:4] == ["api", "models", "owner", "net"]:
                commit = hub.commit("/".join(parts[5:]) or "main")
                if commit is None:
                    return self.refuse(404, "RevisionNotFound", "Invalid rev id")
                return self.give(200, json.dumps(hub.info(commit)).encode(), {})
            if parts[:3] == ["owner", "net", "resolve"]:
                return self.file(hub.commit(parts[3]), "/".join(parts[4:]))
            return self.refuse(404, "RepoNotFound", "Repository not found")

        def file(self, commit: str | None, name: str) -> None:
            if commit is None:
                return self.refuse(404, "RevisionNotFound", "Invalid rev id")
            content = hub.files[commit].get(name)
            if content is None:
                return self.refuse(404, "EntryNotFound", "Entry not found")
            tag = hub.tag(name, content)
            given = {"X-Repo-Commit": commit, "ETag": f'"{tag}"'}
            if name.endswith(LARGE):
                given |= {"X-Linked-ETag": f'"{tag}"', "X-Linked-Size": str(len(content))}
                given["Location"] = hub.location or f"{hub.store}/{self.digest(content)}"
            hub.headers(given)
            self.give(302 if "Location" in given else 200, content, given)

        def digest(self, content: bytes) -> str:
            return hashlib.sha256(content).hexdigest()

        def refuse(self, status: int, code: str, text: str) -> None:
            self.give(status, b"{}", {"X-Error-Code": code, "X-Error-Message": text})

        def give(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            chunks = None
            if (
                hub.body
                and status == 200
                and self.command == "GET"
                and (self.server is not first or headers)
            ):
                chunks = hub.body(content)
            if chunks is None:
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)
                return
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for chunk in chunks:
                    self.wfile.write(chunk)
            except OSError:
                pass

    first, second = QuietServer(("127.0.0.1", 0), Answer), QuietServer(("127.0.0.1", 0), Answer)
    hub.url, hub.store = (f"http://127.0.0.1:{s.server_port}" for s in (first, second))
    threads = [Thread(target=server.serve_forever, daemon=True) for server in (first, second)]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in (first, second):
            server.shutdown()
            server.server_close()
