"""Scratch folders: gone with their process, or when the next one starts; and nobody else's."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.files.scratch import Scratch

HOLD = """
import signal
from auditor.files.scratch import Scratch
held = Scratch()
(held.path / "inner").mkdir()
(held.path / "inner" / "model.keras").write_bytes(b"secret")
(held.path / "inner").chmod(0)
print(held.path, flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def other(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a scratch folder, which holds a model."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()


def test_what_a_killed_process_left_is_removed(other: tuple, temporary: Path) -> None:
    process, folder = other
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folder.is_dir()
    next_one = Scratch()
    assert not folder.exists()
    next_one.remove()
    assert list(temporary.iterdir()) == []


def test_a_living_ones_stays(other: tuple, temporary: Path) -> None:
    _, folder = other
    mine, also_mine = Scratch(), Scratch()
    assert folder.is_dir() and mine.path.is_dir()
    for one in (mine, also_mine):
        one.remove()
    assert list(temporary.iterdir()) == [folder]


def left_by_the_dead(temporary: Path) -> Path:
    """Return a folder that looks as if its process had been killed."""
    scratch = Scratch()
    os.close(scratch._held)
    return scratch.path


KILLED_BEFORE = """
import fcntl, os, signal
fcntl.flock = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from auditor.files.scratch import Scratch
Scratch()
"""


def test_what_one_left_that_was_killed_before_it_had_locked_it_is_removed(temporary: Path) -> None:
    """Not at once: another process may be at that place."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", KILLED_BEFORE], env=environment, check=False)
    (left,) = temporary.iterdir()
    (unheld,) = left.iterdir()
    Scratch().remove()
    assert left.is_dir()
    before = unheld.stat().st_mtime - 7_200
    os.utime(unheld, (before, before))
    Scratch().remove()
    assert not left.exists()


def test_only_what_is_certainly_ours(temporary: Path, tmp_path: Path) -> None:
    """Neither what only has such a name, nor what a link leads to."""
    home = tmp_path / "home"
    home.mkdir()
    (temporary / "bdaudit-mine").mkdir()
    (temporary / "bdaudit-file").write_text("mine")
    left_by_the_dead(temporary).rename(home / "left")
    (temporary / "bdaudit-link").symlink_to(home / "left")
    planted = temporary / "bdaudit-planted"
    planted.mkdir()
    (planted / ".held-by-bdaudit").symlink_to(home / "left" / ".held-by-bdaudit")
    piped = temporary / "bdaudit-piped"
    piped.mkdir()
    os.mkfifo(piped / ".held-by-bdaudit")
    before = set(temporary.iterdir())
    Scratch().remove()
    assert set(temporary.iterdir()) == before
    assert (home / "left" / ".held-by-bdaudit").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("whose", ["folder", "file"])
def test_another_users_stays(whose: str, temporary: Path) -> None:
    left = left_by_the_dead(temporary)
    os.chown(left if whose == "folder" else left / ".held-by-bdaudit", 12_345, 12_345)
    Scratch().remove()
    assert left.is_dir()


def test_a_link_in_it_is_not_followed(temporary: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "precious").write_text("precious")
    (left_by_the_dead(temporary) / "link").symlink_to(home)
    Scratch().remove()
    assert (home / "precious").read_text() == "precious"
    assert list(temporary.iterdir()) == []
