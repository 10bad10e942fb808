"""Files that are written whole or not at all."""

import os
import resource
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import WorkError
from auditor.files import atomic

SECRET = b"nobody else reads this"
LONG = b"x" * 10_000


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Set the process's umask; it is put back afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@contextmanager
def at_every_line(look: Callable[[], None]) -> Iterator[None]:
    """Look whenever a line of the module under test is about to run, and when one returns."""

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != atomic.__file__:
            return None
        look()
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def held(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones included, with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_file_is_written_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "old").write_bytes(LONG)
    atomic.write({tmp_path / "old": b"", tmp_path / "below" / "new": b"\x00\n\xff"})
    assert held(tmp_path) == {"old": b"", "below/new": b"\x00\n\xff"}


def test_no_one_ever_sees_half_a_file(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", set()
    path.write_bytes(b"old")
    with at_every_line(lambda: seen.add(path.read_bytes())):
        atomic.write({path: LONG})
    assert seen == {b"old", LONG}


def test_none_is_there_before_all_are_on_the_disk(tmp_path: Path) -> None:
    """The second is of a folder that is missing: the first is not replaced."""
    (tmp_path / "first").write_bytes(b"old")
    with pytest.raises(WorkError) as refused:
        atomic.write({tmp_path / "first": b"new", tmp_path / "missing" / "second": b"new"})
    said = str(refused.value)
    assert f"{tmp_path}/first, {tmp_path}/missing/second: cannot be written: No such file" in said
    assert held(tmp_path) == {"first": b"old"}


def test_on_a_full_disk_what_was_there_stays(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(b"old")
    with files_of_at_most(1_000), pytest.raises(WorkError, match="cannot be written: File too la"):
        atomic.write({tmp_path / "first": b"new", tmp_path / "second": LONG})
    assert held(tmp_path) == {"first": b"old", "second": b"old"}
    with files_of_at_most(len(LONG)):
        atomic.write({tmp_path / "first": b"new", tmp_path / "second": LONG})
    assert held(tmp_path) == {"first": b"new", "second": LONG}


def test_a_private_file_that_cannot_be_written_leaves_no_part_of_the_secret(tmp_path: Path) -> None:
    key, public = tmp_path / "key", tmp_path / "key.pub"
    with files_of_at_most(1_000), pytest.raises(WorkError):
        atomic.write({key: SECRET, public: LONG}, private=[key])
    assert held(tmp_path) == {}


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_nobody_else_may_read_a_private_file_at_any_time(
    tmp_path: Path, umask: Callable[[int], int], mask: int
) -> None:
    """Nor where a file of that name was open to all before."""
    umask(mask)
    key, public = tmp_path / "key", tmp_path / "key.pub"
    key.write_bytes(b"old")
    key.chmod(0o666)
    open_to_others: set[bytes] = set()

    def look() -> None:
        for path in tmp_path.iterdir():
            if path.stat().st_mode & 0o077:
                open_to_others.add(path.read_bytes())

    with at_every_line(look):
        atomic.write({key: SECRET, public: b"public"}, private=[key])
    assert open_to_others == {b"old", b"public"}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert held(tmp_path) == {"key": SECRET, "key.pub": b"public"}


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_a_file_is_the_umasks_to_say(
    tmp_path: Path, umask: Callable[[int], int], mask: int, mode: int
) -> None:
    umask(mask)
    atomic.write({tmp_path / "file": b"new"})
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert umask(0) == mask, "it is left as it was"


@pytest.mark.parametrize("name", ["a" * 255, "𝄞" * 63 + "abc", ".hidden", "a b\n"])
def test_any_name_that_a_file_may_have_will_do(tmp_path: Path, name: str) -> None:
    assert len(name.encode()) <= 255
    atomic.write({tmp_path / name: b"new"})
    assert held(tmp_path) == {name: b"new"}


def test_a_name_that_no_file_may_have_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkError) as refused:
        atomic.write({tmp_path / ("\n" + "a" * 255): b"new"})
    assert "File name too long" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert held(tmp_path) == {}


@pytest.mark.parametrize("second", ["folder", "a" * 256])
def test_what_cannot_be_whole_is_not_begun(tmp_path: Path, second: str) -> None:
    """A folder is there, or no file may have the name: the first file stays as it was."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "first").write_bytes(b"old")
    with pytest.raises(WorkError, match="Is a directory|File name too long"):
        atomic.write({tmp_path / "first": b"new", tmp_path / second: b"new"})
    assert (tmp_path / "first").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "first"}
