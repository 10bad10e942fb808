"""Where a repair stands: all that a resumed one must know, as one value with its arrays."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from auditor.errors import InputError
from auditor.figures.values import MOST_EPOCHS, Count, Seconds
from auditor.files import checkpoints
from auditor.files.checkpoints import Arrays
from auditor.files.codec import from_json, to_json
from auditor.files.constraints import Length, Range
from auditor.repair.objective import Weights
from auditor.repair.result import Epoch


@dataclass
class Ledger:
    """What has happened so far.

    Attributes:
        phase: Number of the phase that is running.
        begun: Number of the phase whose `begin` was done last.
        phase_start: Epochs done when it began.
        epoch: Epochs done, all phases.
        step_in_epoch: Steps done of the running epoch.
        step: Optimizer steps done in all.
        images: Batches seen in all.
        boosts: How often α was doubled.
        since: The epoch that the early diagnosis compares with.
        seconds: Spent until now.
        epoch_seconds: Spent in steps of the running epoch.
        history: Every epoch, epoch 0 first.
        notes: What a reader must know.
    """

    phase: Count = 0
    begun: Annotated[int, Range(-1, 2**53)] = -1
    phase_start: Count = 0
    epoch: Count = 0
    step_in_epoch: Count = 0
    step: Count = 0
    images: Count = 0
    boosts: Count = 0
    since: Count = 0
    seconds: Seconds = 0.0
    epoch_seconds: Seconds = 0.0
    history: Annotated[tuple[Epoch, ...], Length(MOST_EPOCHS, of="epochs")] = ()
    notes: tuple[str, ...] = ()


@dataclass
class RepairState:
    """The ledger and every array that the training depends on.

    Attributes:
        ledger: What has happened.
        network: Value of every variable of the model.
        anchor: θ₀ of the running phase.
        carried: What the running phase's `begin` returned.
        best: The model's variables after the epoch to keep; empty when there is none yet.
        optimizer: The optimizer's variables; empty at the start of a phase.
        metrics: Variables of Keras' running loss; empty at the start of an epoch.
    """

    ledger: Ledger
    network: Weights
    anchor: Weights
    carried: Weights = field(default_factory=list)
    best: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    metrics: Weights = field(default_factory=list)


_GROUPS = ("network", "anchor", "carried", "best", "optimizer", "metrics")


def save(state: RepairState, identity: dict[str, Any], folder: Path) -> None:
    """Write a checkpoint.

    Args:
        state: Where the repair stands.
        identity: What it is a repair of; a resumed one must have the same.
        folder: The checkpoints' folder.

    Raises:
        WorkError: It cannot be written.
    """
    heats: list[np.ndarray[Any, Any]] = []

    def pack(array: np.ndarray[Any, Any]) -> int:
        heats.append(array)
        return len(heats) - 1

    facts = {"identity": identity, "ledger": to_json(state.ledger, pack)}
    arrays: Arrays = {f"heat/{i}": heat for i, heat in enumerate(heats)}
    for group in _GROUPS:
        arrays |= {f"{group}/{i}": array for i, array in enumerate(getattr(state, group))}
    checkpoints.save(folder, state.ledger.step, facts, arrays)


def load(identity: dict[str, Any], folder: Path) -> RepairState | None:
    """Read the newest good checkpoint; None when there is none.

    Raises:
        InputError: It is of another repair, and names the difference; none is good; or it holds
            what no repair writes.
    """
    found = checkpoints.load(folder)
    if found is None:
        return None
    checkpoints.check_same(identity, found.facts.get("identity", {}), "repair")

    def unpack(key: Any) -> np.ndarray[Any, Any]:
        return found.arrays[f"heat/{key}"]

    try:
        ledger: Ledger = from_json(Ledger, found.facts["ledger"], unpack)
        groups = {group: _group(found.arrays, group) for group in _GROUPS}
    except (KeyError, InputError) as error:
        raise checkpoints.damaged() from error
    if found.note:
        ledger.notes = (*ledger.notes, found.note)
    return RepairState(ledger=ledger, **groups)


def _group(arrays: Arrays, group: str) -> Weights:
    count = sum(name.startswith(f"{group}/") for name in arrays)
    return [arrays[f"{group}/{i}"] for i in range(count)]
