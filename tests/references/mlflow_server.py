"""An MLflow server of an attacker's, as far as a client asks it; nothing of MLflow's is in it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

from tests.references.quiet_server import QuietServer

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass
class Registry:
    """What it answers.

    Attributes:
        files: Name → content, all in one folder and the folders in it.
        place: Where it says that they are.
        listed: Changes what it lists of a folder.
        body: Gives other content than there is, in chunks.
        redirect: Where it sends whoever asks for a file.
        url: Its address.
        asked: Path and token of every request.
    """

    files: dict[str, bytes]
    place: str = "mlflow-artifacts:/model"
    listed: Callable[[str, list[dict]], list[dict]] = lambda path, entries: entries
    body: Callable[[bytes], Iterator[bytes]] | None = None
    redirect: str = ""
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    number: str = "3"

    def entries(self, path: str) -> list[dict]:
        inside = path.removeprefix("model").strip("/")
        before = f"{inside}/" if inside else ""
        found = {}
        for name, content in self.files.items():
            if name.startswith(before):
                part, slash, _ = name.removeprefix(before).partition("/")
                size = {} if slash else {"file_size": len(content)}
                found[part] = {"path": part, "is_dir": bool(slash), **size}
        return self.listed(inside, [*found.values()])


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    """Serve it while open."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            path, asked = unquote(split.path), parse_qs(split.query)
            registry.asked.append((path, self.headers.get("Authorization", "")))
            if path.endswith("/model-versions/get-download-uri"):
                return self.json({"artifact_uri": registry.place})
            if path.endswith(("/model-versions/get", "/registered-models/alias")):
                version = {"name": "net", "version": registry.number, "run_id": "r1"}
                return self.json({"model_version": version})
            if path.endswith("/registered-models/get"):
                return self.json({"registered_model": {"name": "net"}})
            if path == ARTIFACTS:
                return self.json({"files": registry.entries(asked.get("path", [""])[0])})
            if path.startswith(f"{ARTIFACTS}/model/"):
                content = registry.files.get(path.removeprefix(f"{ARTIFACTS}/model/"), b"")
                if registry.redirect:
                    return self.give(302, [], {"Location": registry.redirect})
                return self.give(200, registry.body(content) if registry.body else [content], {})
            return self.give(404, [b"{}"], {})

        def json(self, value: object) -> None:
            self.give(200, [json.dumps(value).encode()], {"Content-Type": "application/json"})

        def give(self, status: int, chunks, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = True
            try:
                for chunk in chunks:
                    self.wfile.write(chunk)
            except OSError:
                pass

    server = QuietServer(("127.0.0.1", 0), Answer)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
