"""Checkpoints: whole or not at all, and never taken for good when they are not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError, WorkError
from auditor.files import checkpoints


def saved(folder: Path, *steps: int) -> Path:
    for step in steps:
        checkpoints.save(folder, step, {"step": step}, {"w/0": np.full((3, 2), step, np.float32)})
    return folder


def test_the_newest_comes_back_and_two_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 0, 20, 40)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"step-00000020", "step-00000040", "LATEST"}
    found = checkpoints.load(tmp_path)
    assert found.facts == {"step": 40}
    assert (found.arrays["w/0"] == 40).all()
    assert found.note == ""
    assert checkpoints.load(tmp_path / "elsewhere") is None


@pytest.mark.parametrize("name", ["facts.json", "arrays.npz", "digests.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_one_falls_back_and_says_so(name: str, damage: str, tmp_path: Path) -> None:
    newest = saved(tmp_path, 20, 40) / "step-00000040" / name
    content = newest.read_bytes()
    if damage == "truncated":
        newest.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        newest.write_bytes(content[:5] + bytes([content[5] ^ 1]) + content[6:])
    else:
        newest.unlink()
    found = checkpoints.load(tmp_path)
    assert found.facts == {"step": 20}
    assert "step-00000040 is damaged; went on from step-00000020" in found.note


@pytest.mark.parametrize("latest", [None, b"", b"\xff\xfe", b"step-99999999\n", b"../../etc\n"])
def test_latest_is_only_a_hint(latest: bytes | None, tmp_path: Path) -> None:
    saved(tmp_path, 20, 40)
    (tmp_path / "LATEST").unlink()
    if latest is not None:
        (tmp_path / "LATEST").write_bytes(latest)
    assert checkpoints.load(tmp_path).facts == {"step": 40}


def test_when_all_are_damaged_nothing_is_made_up(tmp_path: Path) -> None:
    for path in saved(tmp_path, 20, 40).glob("step-*/arrays.npz"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="every checkpoint is damaged; start over with --force"):
        checkpoints.load(tmp_path)


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    newest = saved(tmp_path, 20) / "step-00000020"
    np.savez(newest / "arrays.npz", **{"w/0": np.array([print], dtype=object)})
    digests = json.loads((newest / "digests.json").read_text())
    digests["arrays.npz"] = checkpoints._sha256(newest / "arrays.npz")
    (newest / "digests.json").write_text(json.dumps(digests))
    with pytest.raises(InputError, match="damaged"):
        checkpoints.load(tmp_path)


def test_a_full_disk_leaves_the_last_good_one(tmp_path: Path) -> None:
    """Files of this process may not grow beyond a few kilobytes."""
    saved(tmp_path, 20)
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from auditor.errors import WorkError
from auditor.files import checkpoints
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    checkpoints.save(Path(sys.argv[1]), 40, {}, {"w/0": np.zeros(100_000)})
except WorkError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "File too large" in ran.stdout
    assert "--resume" in ran.stdout
    assert checkpoints.load(tmp_path).facts == {"step": 20}
    assert {path.name for path in tmp_path.iterdir()} == {"step-00000020", "LATEST"}


def test_a_folder_that_has_gone_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="no checkpoint could be written") as error:
        checkpoints.save(tmp_path / "file", 1, {}, {})
    assert "\n" not in str(error.value)


def test_what_a_killed_process_left_half_done_is_swept_away(tmp_path: Path) -> None:
    saved(tmp_path, 20)
    half = tmp_path / ".step-00000040.tmp"
    shutil.copytree(tmp_path / "step-00000020", half)
    os.truncate(half / "arrays.npz", 10)
    assert checkpoints.load(tmp_path).facts == {"step": 20}
    saved(tmp_path, 40)
    assert checkpoints.load(tmp_path).facts == {"step": 40}
    assert not half.exists()


def test_what_a_checkpoint_says_of_itself_is_shown_as_text() -> None:
    with pytest.raises(InputError, match=r"seed was \\ud800\\x1b\[2J, now 0") as caught:
        checkpoints.check_same({"seed": 0}, {"seed": "\ud800\x1b[2J"}, "repair")
    assert str(caught.value).isprintable()
