"""A worker's disks, on real file systems of some megabytes."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import WorkError
from auditor.worker.disk import Disk, disks
from auditor.worker.supervisor import Guard
from tests.worker.sandbox.conftest import Attack, attack, needs_the_kernel

__all__ = ["attack"]

MIB = 1 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 MiB and 2,000 files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=2000", "small", str(disk)]
    if os.geteuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    folder = disk / "checkpoints"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_quarter_of_a_small_disk_stays_free(small: Path) -> None:
    disk = Disk(small)
    (small / "half").write_bytes(bytes(32 * MIB))
    disk.check()
    (small / "more").write_bytes(bytes(20 * MIB))
    with pytest.raises(WorkError, match="the disk is almost full; the worker was stopped") as full:
        disk.check()
    assert str(full.value).startswith(f"{small.parent}: "), "its own folder tells nobody much"


def test_a_disk_that_was_full_before_is_no_reason(small: Path) -> None:
    (small / "full").write_bytes(bytes(60 * MIB))
    disk = Disk(small)
    (small / "little").write_bytes(bytes(2 * MIB))
    disk.check()


def test_files_are_counted_as_well(small: Path) -> None:
    disk = Disk(small)
    for number in range(1600):
        (small / str(number)).touch()
        if number == 1400:
            disk.check()
    with pytest.raises(WorkError, match="takes hardly any more files; the worker was stopped"):
        disk.check()


def test_what_is_written_to_memory_is_memory_with_or_without_a_name(small: Path) -> None:
    disk = Disk(small)
    with (small / "unnamed").open("wb") as file:
        (small / "unnamed").unlink()
        file.write(bytes(10 * MIB))
        file.flush()
        assert 10 * MIB <= disk.memory() < 11 * MIB
    assert disk.memory() == 0


def test_a_real_disk_is_none(tmp_path: Path) -> None:
    found = subprocess.run(["stat", "-fc%T", tmp_path], capture_output=True, text=True, check=False)
    if found.stdout.strip() in ("tmpfs", ""):
        pytest.skip("temporary files are kept in memory here")
    disk = Disk(tmp_path)
    (tmp_path / "file").write_bytes(bytes(10 * MIB))
    assert disk.memory() == 0


def test_a_disk_is_watched_once(small: Path, tmp_path: Path) -> None:
    assert len(disks([tmp_path, tmp_path])) == 1
    assert {disk.folder for disk in disks([tmp_path, small])} == {tmp_path, small}


@needs_the_kernel
@pytest.mark.parametrize(
    ("fill", "words"),
    [
        ("file.write(bytes(1 << 20)), time.sleep(0.02)", "almost full"),
        ("Path(job['checkpoints'], str(n)).touch(), time.sleep(0.001)", "hardly any more files"),
    ],
)
def test_the_disk_of_checkpoints_is_not_filled(
    attack: Attack, small: Path, fill: str, words: str
) -> None:
    code = f"""
        with open(job["checkpoints"] + "/hoard", "wb", 0) as file:
            for n in range(3000):
                {fill}
    """
    with pytest.raises(WorkError, match=words) as refused:
        attack(code, checkpoints=str(small))
    assert refused.value.exit_code == 3
    assert str(refused.value).startswith(f"{small.parent}: ")
    time.sleep(0.1)
    there = os.statvfs(small)
    assert there.f_bavail * there.f_frsize > MIB
    assert there.f_ffree > 0


@needs_the_kernel
def test_scratch_in_memory_counts_as_memory(attack: Attack, small: Path) -> None:
    """A file that was removed while it is open takes memory that nobody sees."""
    larger = ["mount", "-o", "remount,size=400m", str(small.parent)]
    subprocess.run(larger, check=True)
    code = """
        hoard = open(job["checkpoints"] + "/hoard", "wb", 0)
        os.remove(hoard.name)
        for n in range(200):
            hoard.write(bytes(1 << 20))
        time.sleep(5)
    """
    with pytest.raises(WorkError, match="is kept in memory, and what was written there") as refused:
        attack(code, Guard(memory=200 * MIB), checkpoints=str(small))
    assert "--memory-limit" in str(refused.value)
