"""The plan of a repair, held against how it went."""

from types import SimpleNamespace

import numpy as np

from auditor.repair.result import BEFORE, RECOVERY, UNLEARNING, Plan, Watched


def plan() -> Plan:
    nothing = Watched((), (), np.zeros((0, 8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8))
    return Plan(
        model="m", method="unlearn", trigger="t", target="a", class_names=("a", "b"),
        phases=((UNLEARNING, 15), (RECOVERY, 3)), steps_per_epoch=20, batch_size=128,
        training=2_000, validation=500, max_asr=0.1, max_tar=1.5, max_accuracy_drop=0.02,
        watched=nothing,
    )  # fmt: skip


def went(*phases: tuple[str, int]) -> list:
    return [SimpleNamespace(phase=phase) for phase, epochs in phases for _ in range(epochs)]


def test_a_phase_that_ended_early_leaves_fewer_steps_to_do() -> None:
    assert (plan().epochs, plan().steps) == (18, 360)
    for history in ([], went((BEFORE, 1)), went((BEFORE, 1), (UNLEARNING, 9))):
        assert plan().as_it_went(history).phases == plan().phases
    early = plan().as_it_went(went((BEFORE, 1), (UNLEARNING, 9), (RECOVERY, 1)))
    assert early.phases == ((UNLEARNING, 9), (RECOVERY, 3))
    assert early.steps == 240
