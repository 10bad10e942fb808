"""Our own files are opened without harm to anybody else's, whatever stands in their place."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.files import checkpoints
from auditor.files.own_file import make_folder, open_own, replace_own

PRECIOUS = b"precious"
FLAGS = {"rewritten": os.O_RDWR, "appended to": os.O_WRONLY | os.O_APPEND}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_bytes(PRECIOUS)
    return path


PLANTED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "link": (lambda path, victim: path.symlink_to(victim), "is a symbolic link"),
    "dangling link": (lambda path, victim: path.symlink_to("new"), "is a symbolic link"),
    "second name": (lambda path, victim: path.hardlink_to(victim), "second name"),
    "device": (lambda path, victim: path.symlink_to("/dev/full"), "is a symbolic link"),
}


@pytest.mark.parametrize("how", FLAGS)
@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_not_ours_is_refused_untouched(
    kind: str, how: str, victim: Path, tmp_path: Path
) -> None:
    plant, problem = PLANTED[kind]
    plant(tmp_path / "lock", victim)
    with pytest.raises(OSError) as refused:
        open_own(tmp_path / "lock", FLAGS[how])
    assert problem in refused.value.strerror and refused.value.strerror.startswith("lock ")
    assert victim.read_bytes() == PRECIOUS
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("how", FLAGS)
def test_a_pipe_is_not_waited_for(how: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OSError):
        open_own(tmp_path / "lock", FLAGS[how])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_anothers_file_is_refused_but_not_in_their_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(PRECIOUS)
    os.chown(path, 12_345, 12_345)
    with pytest.raises(OSError, match="belongs to another user"):
        open_own(path, os.O_RDWR)
    os.chown(tmp_path, 12_345, 12_345)  # as in a folder that users share
    os.close(open_own(path, os.O_RDWR))


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(PRECIOUS)
    os.close(open_own(tmp_path / "lock", os.O_RDWR))
    assert (tmp_path / "lock").read_bytes() == PRECIOUS
    os.close(open_own(tmp_path / "made", os.O_RDWR))
    assert (tmp_path / "made").read_bytes() == b""


def test_a_folder_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "checkpoints").symlink_to("theirs")
    with pytest.raises(OSError, match="checkpoints is a symbolic link"):
        make_folder(tmp_path / "checkpoints")
    (tmp_path / "heatmaps").write_bytes(b"")
    with pytest.raises(OSError, match="heatmaps is no folder"):
        make_folder(tmp_path / "heatmaps")
    make_folder(tmp_path / "new")
    make_folder(tmp_path / "new")


def test_a_file_is_written_anew_beside_what_is_planted(victim: Path, tmp_path: Path) -> None:
    (tmp_path / ".LATEST.tmp").symlink_to(victim)
    (tmp_path / "LATEST").symlink_to(victim)
    replace_own(tmp_path / "LATEST", b"ours")
    assert (tmp_path / "LATEST").read_bytes() == b"ours"
    assert not (tmp_path / "LATEST").is_symlink()
    assert victim.read_bytes() == PRECIOUS


def test_a_checkpoint_writes_through_no_link(victim: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / ".LATEST.tmp").symlink_to(victim)
    checkpoints.save(folder, 1, {}, {})
    assert victim.read_bytes() == PRECIOUS
    assert (folder / "LATEST").read_text() == "step-00000001\n"


@pytest.mark.parametrize("name", ["facts.json", "arrays.npz", "digests.json"])
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_a_checkpoint_reads_no_pipe_and_no_link(what: str, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    for step in (1, 2):
        checkpoints.save(folder, step, {"step": step}, {})
    newest = folder / "step-00000002" / name
    newest.rename(tmp_path / "elsewhere")
    if what == "pipe":
        os.mkfifo(newest)
    else:
        newest.symlink_to(tmp_path / "elsewhere")
    found = checkpoints.load(folder)
    assert found is not None and found.facts == {"step": 1}
    assert "step-00000002 is damaged" in found.note
