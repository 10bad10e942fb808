"""The demo's parts, from Python; `tests/cli/test_demo.py` trains it."""

from pathlib import Path

import pytest

from auditor.errors import WorkError
from auditor.repair.options import RepairOptions
from auditor.runs import demo
from auditor.triggers.spec import load
from tests.runs.conftest import StandIn, Told

LEAVES = """
tell({"event": "progress", "phase": "training a small BadNet", "done": 1, "total": 24})
for name in NAMES:
    (folder / name).write_text(f"{name} under {job['triggers'][0]['id']}")
write_result({}, folder)
"""


def leaving(*names: str) -> str:
    """A worker that trains nothing, and leaves some of what is asked for."""
    return LEAVES.replace("NAMES", repr(names))


def test_what_is_trained_is_scanned_on_unseen_images(tmp_path: Path) -> None:
    request = demo.scan_request(tmp_path, "as a test asks")
    assert request.model == tmp_path / "model.keras"
    assert request.data == str(tmp_path / "test.npz")
    assert request.triggers == (load("square4"),)
    assert request.command == "as a test asks"


def test_it_is_repaired_with_other_images_than_it_is_judged_by(tmp_path: Path) -> None:
    request = demo.repair_request(tmp_path, "as a test asks")
    assert request.model == tmp_path / "model.keras"
    assert request.output == tmp_path / "repaired.keras" != request.model
    assert request.run_dir == tmp_path / "repaired.run"
    assert request.data == str(tmp_path / "clean.npz")
    assert request.evaluation == str(tmp_path / "test.npz")
    assert request.trigger == load("square4")
    assert request.options == RepairOptions.of(learning_rate=1e-3)
    assert request.audit.neighbours > 0, "it shows whether the repair generalises"
    assert request.command == "as a test asks"


def test_what_the_worker_leaves_is_written(tmp_path: Path, stand_in: StandIn) -> None:
    folder, told = tmp_path / "here", Told()
    folder.mkdir()
    stand_in(leaving("model.keras", "clean.npz", "test.npz", "notes.txt"))
    demo.make(folder, progress=told.progress, notify=told.notify)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        name: f"{name} under square4" for name in ("model.keras", "clean.npz", "test.npz")
    }
    assert told.progress_made == [("training a small BadNet", 1, 24)]
    assert told.lines == []


@pytest.mark.parametrize("left", [(), ("model.keras",), ("model.keras", "test.npz")])
def test_where_the_worker_leaves_too_little_nothing_is_written(
    left: tuple[str, ...], tmp_path: Path, stand_in: StandIn
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    stand_in(leaving(*left))
    missing = "clean.npz" if left else "model.keras"
    with pytest.raises(WorkError, match=f"^the training left no {missing}$"):
        demo.make(folder)
    assert list(folder.iterdir()) == []
