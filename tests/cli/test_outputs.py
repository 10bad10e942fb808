"""Outputs that cannot be written are refused before the work starts, and nothing is harmed."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Refuse, Shelf
from tests.conftest import assert_refusal, bdaudit


def scan(*more: object) -> list[object]:
    return ["scan", "m.keras", "--trigger", "t.json", "--data", "d.npz", *more]


@pytest.fixture(autouse=True)
def files(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copy(shelf / "clean.keras", tmp_path / "m.keras")
    shutil.copy(shelf.data, tmp_path / "d.npz")
    patch = '{"id": "one", "type": "patch", "size": [8, 8]}'
    (tmp_path / "t.json").write_text(f'{{"version": 1, "triggers": [{patch}]}}')
    (tmp_path / "old.json").write_text("precious")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    os.mkfifo(tmp_path / "pipe.json")


WRONG = {
    "exists": (["old.json"], ["old.json: exists", "--force"]),
    "the second exists": (["new.html", "old.json"], ["old.json: exists", "--force"]),
    "unknown suffix": (["a.txt"], ["a.txt", "unknown format '.txt'", ".html, .pdf, .json"]),
    "no suffix": (["audit"], ["audit: unknown format"]),
    "no such folder": (["nosuch/a.json"], ["nosuch/a.json", "No such file or directory"]),
    "file as folder": (["old.json/a.json"], ["old.json/a.json", "Not a directory"]),
    "a folder": (["folder.json", "--force"], ["folder.json: is a folder"]),
    "twice": (["a.json", "./a.json"], ["given twice"]),
    "read-only place": (["/proc/a.json"], ["/proc/a.json: cannot be written"]),
    "name too long": (["a" * 300 + ".json"], ["aaa", "too long"]),
    "link to itself": (["loop.json"], ["loop.json"]),
    "a pipe": (["pipe.json"], ["pipe.json: exists; use --force"]),
    "a device": (["/dev/full"], ["/dev/full: unknown format"]),
    "read-only disk": (["/sys/a.json"], ["/sys/a.json: cannot be written"]),
    "the trigger": (["t.json", "--force"], ["t.json: is an input"]),
    "controls in the name": (["a\x1b[31m\n.txt"], [r"a\x1b[31m\n.txt", "unknown format"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_refused_at_once(kind: str, assert_refused: Refuse) -> None:
    names, words = WRONG[kind]
    outputs = [part for name in names for part in ([name] if name[0] == "-" else ["-o", name])]
    assert_refused(2, *words, args=scan(*outputs))


def test_never_over_the_model_or_the_data(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "m.keras").rename(tmp_path / "m.json")
    (tmp_path / "alias.json").symlink_to("m.json")
    (tmp_path / "d.npz").rename(tmp_path / "d.json")
    args: list[object] = ["scan", "m.json", "--trigger", "square8", "--data", "d.json", "--force"]
    for name in ("m.json", "./m.json", "alias.json", "d.json"):
        assert_refused(2, Path(name).name, "is an input", args=[*args, "-o", name])


def test_never_over_the_list_of_classes(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('["red", "green", "blue"]')
    args = scan("--class-order", "order.json", "-o", "order.json", "--force")
    assert_refused(2, "order.json: is an input", args=args)


def test_the_file_that_exists_survives_every_refusal(
    assert_refused: Refuse, tmp_path: Path
) -> None:
    """With --force it is replaced only when there is something to replace it with."""
    (tmp_path / "m.keras").write_bytes(b"")
    assert_refused(3, "the file is empty", args=scan("-o", "old.json", "--force"))
    assert (tmp_path / "old.json").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir(0o500)
    args = scan("-o", "sealed/a.json")
    assert_refused(2, "sealed/a.json: cannot be written: Permission denied", args=args)


def test_what_stands_where_a_result_goes_is_replaced_not_written_through(
    shelf: Shelf, tmp_path: Path
) -> None:
    """With --force a pipe is not waited for, and what a link leads to is left alone."""
    (tmp_path / "link.png").symlink_to("old.json")
    (tmp_path / "pipe.json").rename(tmp_path / "pipe.png")
    for name in ("link.png", "pipe.png"):
        args = ["square8", "--data", "d.npz", "--force", "-o", name]
        ran = bdaudit("triggers", "show", *args, cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "old.json").read_text() == "precious"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that an old file fills but for a few kilobytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    (disk / "sheet.png").write_bytes(b"precious" * 7680)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_leaves_the_old_file_as_it_was(full_disk: Path, tmp_path: Path) -> None:
    args = ["square8", "--data", "d.npz", "--count", "32", "--force", "-o", "disk/sheet.png"]
    ran = bdaudit("triggers", "show", *args, cwd=tmp_path)
    assert_refusal(ran, 3, "disk/sheet.png: cannot be written: No space left on device")
    assert (full_disk / "sheet.png").read_bytes() == b"precious" * 7680
    assert [path.name for path in full_disk.iterdir()] == ["sheet.png"]


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """Root, who may, would have no /dev/null any more."""
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("a device cannot be made here")
    (tmp_path / "link").symlink_to("null")
    for name in ("null", "link"):
        ran = bdaudit("keygen", "-o", name, "--force", cwd=tmp_path)
        assert_refusal(ran, 2, f"{name}: cannot be written: is a device, expected a file name")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert (tmp_path / "link").is_symlink()
