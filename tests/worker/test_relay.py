"""A worker that tells of its repair what it should not is refused before anyone draws it."""

from pathlib import Path

import pytest

from auditor.errors import WorkError
from auditor.monitor.terminal import Terminal
from auditor.repair.result import Epoch, Plan
from auditor.runs.repair_folder import RepairFolder
from auditor.worker import exchange
from auditor.worker.relay import Listener

PLAN = {"event": "plan", "name": "plan"}
STEP = {"event": "step", "phase": "unlearning", "epoch": 1, "done": 3, "images": 768}


@pytest.fixture
def left(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> Path:
    """What the worker left in the scratch folder: a plan and three epochs."""
    exchange.save(plan, tmp_path, "plan")
    for epoch in epochs[:3]:
        exchange.save(epoch, tmp_path, f"epoch-{epoch.epoch}")
    return tmp_path


@pytest.fixture
def listener(left: Path):
    with RepairFolder.open(left / "run", {}, resume=False, force=False) as run:
        with Listener([run, Terminal()], left, 10) as listener:
            yield listener


def told(number: int) -> dict:
    return {"event": "epoch", "name": f"epoch-{number}"}


def test_what_comes_in_turn_is_passed_on(listener: Listener, left: Path, plan: Plan, capfd) -> None:
    for event in (PLAN, told(0), STEP, told(1), told(2)):
        listener(event)
    assert listener.plan is not None
    assert listener.plan.class_names == plan.class_names
    assert len((left / "run" / "metrics.jsonl").read_text().splitlines()) == 3
    assert "repairing badnet_square4.keras" in capfd.readouterr().err


@pytest.mark.parametrize(
    "events",
    [
        [told(0)],
        [STEP],
        [PLAN, PLAN],
        [PLAN, told(1)],
        [PLAN, told(0), told(0)],
        [PLAN, told(0), told(2)],
        [{"event": "plan", "name": "epoch-0"}],
        [{"event": "plan", "name": "../plan"}],
        [{"event": "plan", "name": ["plan"]}],
        [{"event": "plan"}],
        [PLAN, {"event": "epoch", "name": "plan"}],
        [PLAN, {"event": "epoch", "name": "epoch-00"}],
        [PLAN, {"event": "epoch"}],
        [PLAN, {"event": "exit", "name": "plan"}],
        [PLAN, {**STEP, "done": 0.5}],
        [PLAN, {**STEP, "images": -1}],
    ],
)
def test_what_comes_out_of_turn_is_refused(listener: Listener, events: list[dict]) -> None:
    for event in events[:-1]:
        listener(event)
    with pytest.raises(WorkError):
        listener(events[-1])


def test_a_plan_for_another_number_of_classes_is_refused(left: Path) -> None:
    with Listener([], left, 3) as listener, pytest.raises(WorkError, match="another model"):
        listener(PLAN)


def test_an_epoch_under_another_number_is_refused(listener: Listener, epochs, left: Path) -> None:
    exchange.save(epochs[2], left, "epoch-0")
    listener(PLAN)
    with pytest.raises(WorkError, match="epoch 2 as number 0"):
        listener(told(0))
