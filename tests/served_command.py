"""A `bdaudit` for shells that costs them no start of Python: it is run where tests run it.

The script in a folder of `PATH` hands its arguments, folder, variables over a socket, and gives
back what the command wrote and its exit code.
"""

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import command

SECONDS = 240

_SCRIPT = f"""#!{sys.executable} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({{socket!r}})
given = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "variables": dict(os.environ)}}
server.sendall(json.dumps(given).encode("ascii") + b"\\n")
answer = json.load(server.makefile())
for stream, text in ((sys.stdout, answer["out"]), (sys.stderr, answer["err"])):
    stream.buffer.write(text.encode("latin-1"))
    stream.flush()
sys.exit(answer["code"])
""".replace("{{", "{").replace("}}", "}")


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        given = json.loads(self.rfile.readline())
        code, out, err = command.run(
            given["arguments"], Path(given["folder"]), given["variables"], SECONDS
        )
        said = {"code": code, "out": out.decode("latin-1"), "err": err.decode("latin-1")}
        self.wfile.write(json.dumps(said).encode("ascii"))


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """Put a `bdaudit` into a folder, and serve it meanwhile; gives its path."""
    socket, script = folder / "s", folder / "bdaudit"
    with socketserver.ThreadingUnixStreamServer(str(socket), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script.write_text(_SCRIPT.replace("{socket!r}", repr(str(socket))))
        script.chmod(0o755)
        yield script
        server.shutdown()
        socket.unlink()
