"""A run's folder from its first to its last moment: when it goes, and what is said of it."""

import contextlib
import json
import os
from pathlib import Path

import pytest

from auditor.errors import (
    AuditorError,
    InputError,
    Interrupted,
    Untrusted,
    UsageError,
    WorkError,
)
from auditor.runs import folder
from auditor.runs.folder import RunFolder

IDENTITY = {"seed": 0}


class Run(RunFolder):
    OURS = ("checkpoints",)
    FOLDERS = OURS


def hold(path: Path, **how: bool):
    return folder.hold(Run, path, IDENTITY, **{"resume": False, "force": False, **how})


def checkpoint(run: Run) -> None:
    (run.checkpoints / "LATEST").write_text("step-1")


def state(path: Path) -> str:
    return json.loads((path / "run.json").read_text())["state"]


def test_a_folder_for_nothing_is_gone_afterwards(tmp_path: Path) -> None:
    """So that the mended command can be given as it is."""
    path = tmp_path / "runs" / "first"
    with pytest.raises(InputError, match="no such model"), hold(path) as run:
        assert run.checkpoints.is_dir()
        raise InputError("no such model")
    assert not path.exists()
    with hold(path) as run:
        checkpoint(run)
    assert state(path) == "finished"


def test_a_folder_that_something_was_put_away_in_stays(tmp_path: Path) -> None:
    with pytest.raises(WorkError), hold(tmp_path / "run") as run:
        checkpoint(run)
        raise WorkError("it died")
    assert state(tmp_path / "run") == "failed"


def test_a_folder_that_was_there_before_stays(tmp_path: Path) -> None:
    with pytest.raises(InputError), hold(tmp_path):
        raise InputError("no such model")
    assert state(tmp_path) == "failed"


def test_a_folder_that_is_refused_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no run"), hold(tmp_path):
        pytest.fail("it was taken")
    with pytest.raises(UsageError, match="holds no run"), hold(tmp_path / "new", resume=True):
        pytest.fail("it was taken")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_what_is_held_by_one_is_not_held_by_another(tmp_path: Path) -> None:
    with hold(tmp_path / "run") as run:
        checkpoint(run)
        with pytest.raises(UsageError, match="at work in it"), hold(tmp_path / "run", resume=True):
            pytest.fail("it was taken twice")
        assert state(tmp_path / "run") == "running"
    with hold(tmp_path / "run", resume=True):
        assert state(tmp_path / "run") == "running"


HINT = "keeps a checkpoint: go on with the same command and --resume"


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (KeyboardInterrupt(), Interrupted, "interrupted; {} " + HINT),
        (Interrupted("stopped"), Interrupted, "interrupted; {} " + HINT),
        (WorkError("it died"), WorkError, "it died; {} " + HINT),
        (Untrusted("it lied"), Untrusted, "it lied"),
        (InputError("other images"), InputError, "other images"),
        (UsageError("no such layer"), UsageError, "no such layer"),
    ],
)
def test_of_what_has_begun_it_is_said_how_to_go_on(
    error: BaseException, kind: type[AuditorError], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "ru\x1bn"
    with pytest.raises(kind) as told, hold(path) as run, folder.resumable(run):
        checkpoint(run)
        raise error
    assert str(told.value) == said.format(f"{tmp_path}/ru\\x1bn")
    assert (path / "checkpoints" / "LATEST").exists()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), Interrupted("stopped"), WorkError("it died")]
)
def test_of_what_has_not_begun_nothing_more_is_said(error: BaseException, tmp_path: Path) -> None:
    with (
        pytest.raises(type(error)) as told,
        hold(tmp_path / "run") as run,
        folder.resumable(run),
    ):
        raise error
    assert told.value is error
    assert list(tmp_path.iterdir()) == []


def test_what_goes_well_passes_through(tmp_path: Path) -> None:
    with hold(tmp_path / "run") as run, folder.resumable(run):
        checkpoint(run)
    assert state(tmp_path / "run") == "finished"


PLANTED = {
    "lock": "lock is a symbolic link",
    "run.json": "is a symbolic link",
    "checkpoints": "checkpoints is a symbolic link",
}


@pytest.mark.parametrize("how", ["resume", "force"])
@pytest.mark.parametrize("name", PLANTED)
def test_no_link_in_it_is_followed(name: str, how: str, tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    with hold(path) as run:
        checkpoint(run)
    (path / name).rename(elsewhere)
    (path / name).symlink_to(elsewhere)
    kept = {p: p.read_bytes() for p in tmp_path.glob("elsewhere*/**") if p.is_file()}
    if name == "checkpoints" and how == "force":  # starting over removes the link alone
        with hold(path, force=True) as run:
            assert not run.checkpoints.is_symlink()
    else:
        with pytest.raises(UsageError, match=PLANTED[name]), hold(path, **{how: True}):
            pytest.fail("it was taken")
    assert {p: p.read_bytes() for p in tmp_path.glob("elsewhere*/**") if p.is_file()} == kept
    assert elsewhere.exists()


def test_another_files_second_name_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").hardlink_to(tmp_path / "victim")
    with pytest.raises(UsageError, match="lock is another file's second name"):
        hold(tmp_path / "run").__enter__()
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_lock_left_by_the_dead_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1")  # of a process that lives, but holds no lock
    with hold(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def nest(folder: Path, levels: int) -> None:
    """Make folders in folders, as code that runs in a worker could."""
    with contextlib.chdir(folder):
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")


def test_starting_over_removes_what_a_worker_has_nested(tmp_path: Path) -> None:
    """Deeper than Python's own way of removing goes, and than a path may be long."""
    with hold(tmp_path / "run") as run:
        nest(run.checkpoints, 5000)
    with hold(tmp_path / "run", force=True) as run:
        assert list(run.checkpoints.iterdir()) == []


def test_what_is_not_a_runs_own_stays(tmp_path: Path) -> None:
    with hold(tmp_path / "run") as run:
        checkpoint(run)
        (run.path / "mine").write_text("mine")
    run.remove()
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["mine"]
