"""What a configuration file may set that came along with a model, and what takes `--config`.

There is no model, so "no such model file" says that everything before it was accepted.
"""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import auditor
from auditor.cli import CONFIGURED
from auditor.cli.config import _options
from auditor.cli.working_folder import HARMLESS, WATCHED
from tests.cli.conftest import contents
from tests.conftest import assert_refusal, bdaudit

SCAN = ["scan", "m.keras", "--trigger", "square8", "-q"]
SEARCH = ["search", "m.keras", "--output", "found.yaml", "-q"]
REPAIR = ["repair", "m.keras", "--trigger", "square8", "--output", "r.keras", "-q"]
GATE = ["gate", "none.json", "-q"]

REFUSED = {
    "sandbox": (SCAN, 'sandbox = "off"', "sandbox = off: would switch the sandbox off"),
    "exit code": (SCAN, "exit-zero = true", "exit-zero = true: loosens"),
    "exit code in words": (SCAN, 'exit-zero = "yes"', "exit-zero = yes: loosens"),
    "exit code as a number": (SCAN, "exit-zero = 1", "exit-zero = 1: loosens"),
    "external data": (SCAN, "allow-external-data = true", "allow-external-data = true: loosens"),
    "force": (SCAN, "force = true", "force = true: loosens"),
    "ASR": (SCAN, "max-asr = 0.11", "max-asr = 0.11: is above the default, 0.1"),
    "TAR": (SCAN, "max-tar = 1e9", "max-tar = 1000000000.0: is above the default, 1.5"),
    "TAR without end": (SCAN, "max-tar = inf", "max-tar = inf: is above the default"),
    "drop": (REPAIR, "max-accuracy-drop = 0.5", "is above the default, 0.02"),
    "time": (SCAN, "time-limit = 100000", "time-limit = 100000: is above the default, 1440"),
    "memory": (SCAN, "memory-limit = 1000000", "memory-limit = 1000000: is above the default"),
    "keys": (
        GATE,
        '[policy]\nsigned-by = ["x.pub"]',
        "signed-by = x.pub: says what is audited, or",
    ),
    "output": (SCAN, 'model-output = "a"', "model-output = a: says what is audited"),
    "policy": (GATE, "[policy]\nexit-zero = true", "exit-zero = true: loosens"),
    "above": (SCAN, 'output = ["../victim.html"]', "../victim.html: leads out of the working"),
    "absolute": (SCAN, 'output = "/tmp/victim.html"', "/tmp/victim.html: leads out"),
    "one of several": (SCAN, 'output = ["a.html", "../c.html"]', "leads out of"),
    "through a link": (SCAN, 'output = "elsewhere/victim.html"', "victim.html: leads out"),
    "through a link to a file": (SCAN, 'output = "link.html"', "link.html: leads out"),
    "certificate": (SEARCH, 'certificate = "../victim.html"', "../victim.html: leads out"),
    "run folder": (SEARCH, 'run-dir = "../run"', "../run: leads out of the working folder"),
    "data around": (SCAN, 'data = ".."', "data = ..: is a folder around this or your own"),
    "data of all": (SCAN, 'data = "/"', "data = /: is a folder around this or your own"),
    "a table in the folder above": (
        SCAN,
        'data = "../labels.csv:label"',
        "../labels.csv:label: is a folder around",
    ),
    "data through a link": (REPAIR, 'eval-data = "elsewhere"', "elsewhere: is a folder around"),
    "another command's": (GATE, 'sandbox = "off"', "would switch the sandbox off"),
}

REFUSED_ANYWHERE = ("TAR without end", "keys", "through a link to a file")
"""What is wrong as well where the user gives it: infinity, keys without --attestation, a file."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with links to the one above it, as an archive may hold."""
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "elsewhere").symlink_to("..")
    (folder / "link.html").symlink_to("../victim.html")
    (tmp_path / "labels.csv").write_text("path,label\n")
    return folder


@pytest.mark.parametrize("file", ["bdaudit.toml", "pyproject.toml"])
@pytest.mark.parametrize("kind", REFUSED)
def test_it_may_not(kind: str, file: str, folder: Path) -> None:
    args, text, problem = REFUSED[kind]
    if file == "pyproject.toml":
        text = "[tool.bdaudit]\n" + text.replace("[policy]", "[tool.bdaudit.policy]")
    (folder / file).write_text(text)
    before = contents(folder.parent)
    ran = bdaudit(*args, cwd=folder)
    assert_refusal(ran, 2, f"bdaudit: {file}", problem, f"--config {file}")
    assert contents(folder.parent) == before
    named = bdaudit(*args, "--config", file, cwd=folder)
    assert named.code in (2, 3)  # as a flag on the command line would
    assert "leads out" not in named.err and "--config" not in named.err
    assert (named.code == 3) == (kind not in REFUSED_ANYWHERE), named.err


ALLOWED = """
trigger = "square8"
data = "photos"
sandbox = "required"
max-asr = 0.1
max-tar = 1.0
min-accuracy = 0.5
memory-limit = 2
time-limit = 60
exit-zero = false
force = "no"
output = ["a.html", "made/b.json"]
"""


def test_it_may_be_stricter_and_says_what_it_set(folder: Path) -> None:
    (folder / "made").mkdir()
    (folder / "bdaudit.toml").write_text(ALLOWED)
    ran = bdaudit("scan", "m.keras", "--data", "mine", cwd=folder)
    assert ran.code == 3
    said, refused = ran.err.splitlines()
    assert refused == "bdaudit: m.keras: no such model file"
    assert said == (
        "bdaudit: set by files in the working folder: trigger = square8, sandbox = required, "
        "max-asr = 0.1, max-tar = 1.0, min-accuracy = 0.5, memory-limit = 2, time-limit = 60, "
        "exit-zero = false, force = no, output = a.html made/b.json"
    )  # --data was given by the user
    assert bdaudit("scan", "m.keras", "-q", cwd=folder).err.count("\n") == 1


def test_it_cannot_silence_that(folder: Path) -> None:
    (folder / "bdaudit.toml").write_text('quiet = true\ndata = "\\u001b[31m\\u202e"\n')
    ran = bdaudit("scan", "m.keras", "--trigger", "square8", cwd=folder)
    assert r"quiet = true, data = \x1b[31m\u202e" in ran.err
    ran = bdaudit("scan", "m.keras", "--trigger", "square8", cwd=folder, BDAUDIT_QUIET="1")
    assert ran.err == "bdaudit: m.keras: no such model file\n"


def test_a_named_file_stands_alone(folder: Path) -> None:
    (folder / "bdaudit.toml").write_text('sandbox = "off"\nmax-asr = -1\n')
    (folder / "mine.toml").write_text('trigger = "square8"\nmax-asr = 0.9\n')
    ran = bdaudit("scan", "m.keras", "--config", "mine.toml", cwd=folder)
    assert ran.err == "bdaudit: m.keras: no such model file\n"
    ran = bdaudit(*SCAN, "--config", "none.toml", cwd=folder)
    assert_refusal(ran, 2, "none.toml: No such file")
    os.mkfifo(folder / "pipe.toml")
    assert_refusal(bdaudit(*SCAN, "--config", "pipe.toml", cwd=folder), 2, "is a special file")


def test_no_file_is_read_by_commands_that_take_none(folder: Path) -> None:
    (folder / "bdaudit.toml").write_text('sandbox = "off"\n')
    assert bdaudit("triggers", "list", cwd=folder).code == 0
    assert bdaudit("scan", "--help", cwd=folder).code == 0


def test_every_key_is_judged() -> None:
    """A new flag has to say whether a file that nobody named may set it."""
    keys = {k for c in CONFIGURED for k in _options(import_module(f"auditor.cli.{c}").command)}
    assert keys == HARMLESS | WATCHED
    assert not HARMLESS & WATCHED


SPY = "from pathlib import Path\nPath(r'{seen}').touch()\nraise ImportError('shadowed')\n"


@pytest.mark.parametrize("how", ["-m", "PYTHONPATH"])
def test_nothing_is_imported_from_it(how: str, tmp_path: Path) -> None:
    """`python -m` puts it first on Python's path, and so does an empty part of PYTHONPATH."""
    folder, package, seen = tmp_path / "downloaded", tmp_path / "package", tmp_path / "seen"
    folder.mkdir()
    shutil.copytree(Path(auditor.__file__).parent, package / "auditor")
    for name in ("click", "yaml", "jinja2", "numpy", "rich", "templates", "keras"):
        (folder / f"{name}.py").write_text(SPY.format(seen=seen))
    start = ["-m", "auditor"]
    if how == "PYTHONPATH":
        start = ["-P", "-c", "from auditor.cli.main import main; raise SystemExit(main())"]
    path = f"{package}:" if how == "PYTHONPATH" else str(package)
    ran = subprocess.run(
        [sys.executable, *start, "scan", "m.keras", "--trigger", "t.yaml"],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr == "bdaudit: t.yaml: no such trigger file\n"
    assert not seen.exists()
