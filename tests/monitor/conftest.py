"""A repair as it really went: the prototype's 15 + 3 epochs on a BadNet of CIFAR-10."""

import numpy as np
import pytest

from auditor.figures.metrics import wilson
from auditor.figures.target import Target
from auditor.repair.result import BEFORE, RECOVERY, UNLEARNING, Epoch, Plan, Step, Watched
from tests.conftest import blobs

STEPS, BATCH = 20, 128

FIGURES = """
  –  0.7475  0.9429  0.0455  4.247  6.19
0.050  0.7475  0.9374  0.0527  4.259  6.16
0.061  0.7470  0.9340  0.0565  4.209  6.12
0.071  0.7460  0.9285  0.0599  4.157  6.10
0.082  0.7460  0.9196  0.0671  4.127  6.08
0.093  0.7450  0.9052  0.0782  4.073  6.00
0.104  0.7440  0.8681  0.1075  3.893  5.86
0.114  0.7445  0.7494  0.1996  2.732  5.48
0.125  0.7110  0.1147  0.6269  0.022  0.50
0.136  0.6840  0.0028  0.6979  0.015  0.34
0.146  0.6960  0.0022  0.7012  0.015  0.34
0.157  0.7035  0.0022  0.7051  0.016  0.35
0.168  0.7085  0.0028  0.7084  0.016  0.34
0.179  0.7090  0.0033  0.7084  0.017  0.40
0.189  0.7085  0.0028  0.7134  0.015  0.35
0.200  0.7120  0.0033  0.7118  0.017  0.38
  –  0.7225  0.0089  0.7068  0.027  0.61
  –  0.7390  0.0194  0.7090  0.029  0.71
  –  0.7370  0.0216  0.7134  0.030  0.78
"""

CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())


def watched() -> Watched:
    """Five stamped images of 32×32: a 4×4 white square, bottom right."""
    images, labels = blobs(5, size=32)
    images[:, 28:, 28:] = 255
    outline = np.zeros((32, 32), np.uint8)
    outline[28:, 28:] = 1
    names = tuple(f"test/{i:05}.png" for i in range(5))
    return Watched(names, tuple(int(label) + 1 for label in labels), images, outline)


@pytest.fixture(scope="session")
def plan() -> Plan:
    return a_plan()


@pytest.fixture(scope="session")
def epochs() -> tuple[Epoch, ...]:
    return all_epochs()


def a_plan() -> Plan:
    return Plan(
        model="badnet_square4.keras",
        method="unlearn",
        trigger="square4",
        target=Target(0, "airplane", "given"),
        class_names=CLASSES,
        phases=((UNLEARNING, 15), (RECOVERY, 3)),
        steps_per_epoch=STEPS,
        batch_size=BATCH,
        training=2500,
        validation=2000,
        max_asr=0.10,
        max_tar=1.5,
        max_accuracy_drop=0.05,
        watched=watched(),
    )


def all_epochs() -> tuple[Epoch, ...]:
    rows = [line.split() for line in FIGURES.strip().splitlines()]
    labels = watched().labels
    return tuple(_epoch(number, row, labels) for number, row in enumerate(rows))


def _epoch(number: int, row: list[str], labels: tuple[int, ...]) -> Epoch:
    accuracy, asr, robust, tar, density = map(float, row[1:])
    in_unlearning = min(number, 15) * STEPS
    in_recovery = max(number - 15, 0) * STEPS
    return Epoch(
        epoch=number,
        phase=BEFORE if number == 0 else UNLEARNING if number <= 15 else RECOVERY,
        step=in_unlearning + in_recovery,
        images=(2 * in_unlearning + in_recovery) * BATCH,
        alpha=None if row[0] == "–" else float(row[0]),
        loss=1.5 - number / 20 if number else None,
        clean_accuracy=wilson(round(accuracy * 2000), 2000),
        asr=wilson(round(asr * 1800), 1800),
        robust_accuracy=wilson(round(robust * 1800), 1800),
        clean_target_rate=wilson(54, 1800),
        tar=tar,
        tar_density=density,
        target_loss=0.1 + number / 2,
        heat=_heat(number),
        predicted=(0,) * 5 if asr > 0.5 else labels,
        watched_tar=(tar, 1.1 * tar, 0.9 * tar, None, 1.2 * tar),
        training_seconds=50.0 if number else 0.0,
        monitoring_seconds=0.4,
        evaluation_seconds=6.0,
        note="ASR has moved by 2.5 points in 4 epochs; going on" if number == 4 else "",
    )


def _heat(number: int) -> np.ndarray:
    """On the trigger for seven epochs, on the centre from then on."""
    heat = np.random.default_rng(number).random((5, 8, 8), np.float32) / 5
    heat[:, 7, 7] += 3.0 if number <= 7 else 0.0
    heat[:, 3:5, 3:5] += 1.0
    return heat


def steps(epoch: Epoch) -> list[Step]:
    """What is told of the training of one epoch."""
    rows = BATCH * (2 if epoch.phase == UNLEARNING else 1)
    if epoch.phase == BEFORE:
        return []
    return [
        Step(epoch.phase, epoch.epoch, epoch.step - ahead, epoch.images - ahead * rows)
        for ahead in reversed(range(STEPS))
    ]
