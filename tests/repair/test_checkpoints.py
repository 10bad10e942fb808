"""Checkpoints that somebody has changed, digests and all: refused before anything is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import InputError, Interrupted
from auditor.figures.facts import Device
from auditor.files import checkpoints
from auditor.files.checkpoints import Arrays
from auditor.repair.base import Task, repair
from auditor.repair.place import place
from tests.conftest import Workshop
from tests.repair.conftest import fresh, quick
from tests.repair.test_repair import after


@pytest.fixture(autouse=True, scope="module")
def on_the_cpu():
    with place(Device()) as where:
        yield where


@pytest.fixture(scope="module")
def stopped(workshop: Workshop, on_the_cpu, tmp_path_factory) -> Path:
    """The checkpoints of a repair that was stopped in the middle of its second epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(Interrupted):
        repair(fresh(workshop), quick(), place=on_the_cpu, checkpoints=folder, stop=after(11))
    return folder


def ledger(**changes: Any):
    """Change what the ledger says."""
    return lambda facts, arrays: facts["ledger"].update(changes)


def epoch(number: int, **changes: Any):
    """Change what one epoch says."""
    return lambda facts, arrays: facts["ledger"]["history"][number].update(changes)


def array(name: str, new: Any):
    """Put another array in place of one; None for none."""

    def change(facts: dict[str, Any], arrays: Arrays) -> None:
        arrays.pop(name) if new is None else arrays.update({name: np.asarray(new)})

    return change


def last_of(group: str):
    """Take the last array of a group away."""

    def change(facts: dict[str, Any], arrays: Arrays) -> None:
        arrays.pop(max((n for n in arrays if n.startswith(f"{group}/")), key=_number))

    return change


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


POISON = {
    "a phase beyond all": ledger(phase=7),
    "a phase that was not begun": ledger(begun=1),
    "more steps than an epoch has": ledger(step_in_epoch=8),
    "more epochs than there were": ledger(epoch=5),
    "an epoch before the phase began": ledger(phase_start=2),
    "a stall that is to come": ledger(since=9),
    "more doublings than epochs": ledger(boosts=2_000),
    "no history": ledger(history=[]),
    "a history out of order": epoch(1, epoch=4),
    "classes that there are not": epoch(1, predicted=[3] * 5),
    "other images": epoch(1, predicted=[0]),
    "no ledger": lambda facts, arrays: facts.pop("ledger"),
    "a weight of another size": array("network/0", np.zeros((2, 2), np.float32)),
    "a weight of text": array("network/1", ["a"] * 4),
    "a weight too few": last_of("network"),
    "an anchor of another size": array("anchor/0", np.zeros((1,), np.float32)),
    "an anchor too few": last_of("anchor"),
    "an optimizer of another size": array("optimizer/2", np.zeros((9, 9), np.float32)),
    "an optimizer's variable too few": last_of("optimizer"),
    "a loss of another size": array("metrics/0", np.zeros(5, np.float32)),
    "a method's arrays where it has none": array("carried/0", np.zeros(5, np.float32)),
    "heat that is no heat": array("heat/0", np.zeros((5, 2, 2), np.int64)),
}


@pytest.mark.parametrize("change", POISON.values(), ids=POISON)
def test_a_changed_checkpoint_is_refused(change, stopped: Path, task: Task, on_the_cpu, tmp_path):
    found = checkpoints.load(stopped)
    assert found is not None
    change(found.facts, found.arrays)
    checkpoints.save(tmp_path, 12, found.facts, found.arrays)
    with pytest.raises(InputError, match="--resume: the checkpoint is damaged") as caught:
        repair(task, quick(), place=on_the_cpu, checkpoints=tmp_path, resume=True)
    assert str(caught.value).isprintable()
