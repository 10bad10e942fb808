"""What TensorBoard itself reads back."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import WorkError
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.monitor.heatmaps import heatmaps
from auditor.monitor.tensorboard import TensorBoard, available
from auditor.repair.result import Epoch, Plan
from tests.conftest import ROOT

if not available():
    pytest.skip("needs the tensorboard extra", allow_module_level=True)


def read(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), {"images": 0, "scalars": 0})
    return events.Reload()


def scalars(events, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in events.Scalars(tag)}


def record(folder: Path, plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    board = TensorBoard(folder)
    board.begin(plan)
    for epoch in epochs:
        board.epoch(epoch)
    board.close()


def test_figures_and_pictures(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    record(tmp_path / "tensorboard", plan, epochs)
    events = read(tmp_path / "tensorboard")
    assert set(events.Tags()["scalars"]) == set(
        "asr robust_accuracy clean_accuracy clean_target_rate tar tar_density target_loss loss "
        "alpha".split()
    )
    rates = {e.epoch: e.asr.value for e in epochs if isinstance(e.asr, Rate)}
    assert scalars(events, "asr") == pytest.approx(rates)
    assert scalars(events, "tar") == pytest.approx({e.epoch: e.tar for e in epochs})
    assert scalars(events, "alpha") == pytest.approx(
        {e.epoch: e.alpha for e in epochs if e.alpha is not None}
    )
    assert list(scalars(events, "loss")) == list(range(1, 19))
    pictures = events.Images("heatmaps")
    assert [p.step for p in pictures] == list(range(19))
    assert pictures[9].encoded_image_string == heatmaps(plan, epochs[9])
    assert (pictures[9].width, pictures[9].height) == (664, 296)


def test_a_resumed_repair_has_no_point_twice(
    plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    for told in (epochs[:12], epochs):
        record(tmp_path, plan, told)
    assert [event.step for event in read(tmp_path).Scalars("asr")] == list(range(19))
    assert (tmp_path / "mine.txt").exists()


def test_what_was_not_measured_is_left_out(
    plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    blank = replace(epochs[1], asr=Skipped("none"), tar=None, loss=float("nan"))
    record(tmp_path, plan, (blank,))
    tags = read(tmp_path).Tags()["scalars"]
    assert "clean_accuracy" in tags
    assert not {"asr", "tar", "loss"} & set(tags)


def test_tensorflow_is_not_loaded(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from tests.monitor.conftest import a_plan, all_epochs
from tests.monitor.test_tensorboard import record
record(Path({str(tmp_path)!r}), a_plan(), all_epochs()[:2])
print([name for name in ("tensorflow", "keras") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
    assert "asr" in read(tmp_path).Tags()["scalars"]


def test_a_folder_that_cannot_be_written(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file")
    with pytest.raises(WorkError, match="tensorboard: cannot be written: tensorboard is no folder"):
        TensorBoard(tmp_path / "tensorboard").begin(plan)


def test_nothing_is_written_through_a_link(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tensorboard").symlink_to("elsewhere")
    with pytest.raises(WorkError, match="tensorboard is a symbolic link"):
        TensorBoard(tmp_path / "tensorboard").begin(plan)
    assert list((tmp_path / "elsewhere").iterdir()) == []
