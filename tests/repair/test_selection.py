"""What to keep, when to end, when to stop: on a real repair's history and on made-up ones."""

import dataclasses

import numpy as np
import pytest

from auditor.figures.metrics import wilson
from auditor.figures.skipped import Skipped
from auditor.repair import selection
from auditor.repair.options import RepairOptions
from auditor.repair.result import BEFORE, RECOVERY, UNLEARNING, Epoch

REAL = [
    (0.7475, 0.9429, 0.0455, 4.247, 0.42),
    (0.7475, 0.9374, 0.0527, 4.259, 0.46),
    (0.7470, 0.9340, 0.0565, 4.209, 0.50),
    (0.7460, 0.9285, 0.0599, 4.157, 0.54),
    (0.7460, 0.9196, 0.0671, 4.127, 0.62),
    (0.7450, 0.9052, 0.0782, 4.073, 0.76),
    (0.7440, 0.8681, 0.1075, 3.893, 1.16),
    (0.7445, 0.7494, 0.1996, 2.732, 4.04),
    (0.7110, 0.1147, 0.6269, 0.022, 12.8),
    (0.6840, 0.0028, 0.6979, 0.015, 15.0),
    (0.6960, 0.0022, 0.7012, 0.015, 16.8),
    (0.7035, 0.0022, 0.7051, 0.016, 17.2),
    (0.7085, 0.0028, 0.7084, 0.016, 17.5),
    (0.7090, 0.0033, 0.7084, 0.017, 18.5),
    (0.7085, 0.0028, 0.7134, 0.015, 18.5),
    (0.7120, 0.0033, 0.7118, 0.017, 18.5),
    (0.7225, 0.0089, 0.7068, 0.027, 14.1),
    (0.7390, 0.0194, 0.7090, 0.029, 12.3),
    (0.7370, 0.0216, 0.7134, 0.030, 11.3),
]
"""Accuracy, ASR, RA, TAR and loss of the stamped images, epoch by epoch, 20 steps each: a real
network under the paper's defaults with 2,500 clean images."""


def epoch(number: int, *figures: float, steps: int = 20, target_rate: float = 0.03) -> Epoch:
    accuracy, asr, robust, tar, loss = figures
    n = 2_000
    return Epoch(
        epoch=number,
        phase=BEFORE if number == 0 else UNLEARNING if number <= 15 else RECOVERY,
        step=steps * number,
        images=0,
        alpha=None,
        loss=0.5,
        clean_accuracy=wilson(round(accuracy * n), n),
        asr=wilson(round(asr * n), n),
        robust_accuracy=wilson(round(robust * n), n),
        clean_target_rate=wilson(round(target_rate * n), n),
        tar=tar,
        tar_density=None,
        target_loss=loss,
        heat=np.zeros((0, 0, 0), np.float32),
        predicted=(),
        watched_tar=(),
        training_seconds=0.0,
        monitoring_seconds=0.0,
        evaluation_seconds=0.0,
    )


def moved(start: Epoch, number: int, **changes) -> Epoch:
    step = 20 * number
    return dataclasses.replace(start, epoch=number, step=step, phase=UNLEARNING, **changes)


@pytest.fixture
def real() -> list[Epoch]:
    return [epoch(number, *figures) for number, figures in enumerate(REAL)]


def test_the_diagnosis_lets_a_repair_go_on_that_is_about_to_work(real: list[Epoch]) -> None:
    for end in range(2, 17):
        assert selection.stalled(real[:end], RepairOptions()) == ""


def test_any_one_of_three_figures_is_movement(real: list[Epoch]) -> None:
    start = real[0]

    def history(**changes) -> list[Epoch]:
        return [
            start,
            *(moved(start, n) for n in range(1, 7)),
            moved(start, 7, **changes),
        ]

    said = selection.stalled(history(), RepairOptions())
    assert "after 140 steps ASR 94.3 % → 94.3 %, TAR 4.25 → 4.25" in said
    assert selection.stalled(history(asr=wilson(1_700, 2_000)), RepairOptions()) == ""
    assert selection.stalled(history(tar=4.0), RepairOptions()) == ""
    assert selection.stalled(history(target_loss=0.45), RepairOptions()) == ""
    assert selection.stalled(history(tar=4.1, target_loss=0.43), RepairOptions()) != ""
    assert selection.stalled(history(tar=None), RepairOptions()) != ""


def test_few_steps_are_no_reason_to_stop(real: list[Epoch]) -> None:
    still = [epoch(n, *REAL[0], steps=2) for n in range(12)]
    assert selection.stalled(still, RepairOptions()) == ""
    assert selection.stalled(still, RepairOptions(stall_steps=20)) != ""
    early = [epoch(n, *REAL[0], steps=400) for n in range(6)]
    assert selection.stalled(early, RepairOptions()) == ""  # epoch 5 of 5 to 7


def test_after_an_escalation_the_window_begins_anew() -> None:
    still = [epoch(n, *REAL[0]) for n in range(15)]
    options = RepairOptions()
    assert selection.stalled(still[:8], options) != ""
    for end in range(8, 14):
        assert selection.stalled(still[: end + 1], options, since=7) == ""
    assert selection.stalled(still[:15], options, since=7) != ""


def test_the_kept_epoch_has_forgotten_and_works_best(real: list[Epoch]) -> None:
    assert selection.best(real, 0.02).epoch == 18  # 0.737 + 0.7134; 17 has 0.739 + 0.7090
    assert selection.best(real[:16], 0.02).epoch == 15
    assert (
        selection.best(real[:16], 0.005).epoch == 7
    )  # 8 to 15 have forgotten, at too high a price
    assert selection.best(real[:7], 0.02).epoch == 6
    assert selection.best(real[:1], 0.02) is None
    worse = [real[0], epoch(1, 0.74, 0.95, 0.04, 4.2, 0.4)]
    assert selection.best(worse, 0.02) is None


def test_of_epochs_that_cannot_be_told_apart_the_last_is_kept() -> None:
    """2,000 images: a standard error of 0.98 points, of the two accuracies' sum."""
    start = epoch(0, *REAL[0])
    best, alike, apart = (
        epoch(1, 0.740, 0.03, 0.720, 0, 9), epoch(2, 0.735, 0.03, 0.716, 0, 9),
        epoch(3, 0.735, 0.03, 0.7145, 0, 9),
    )  # fmt: skip
    assert selection.best([start, best, alike], 0.02) is alike
    assert selection.best([start, best, alike, apart], 0.02) is alike
    assert selection.best([start, best, apart], 0.02) is best


def test_forgetting_is_better_than_scattering() -> None:
    start = epoch(0, *REAL[0])
    scattered, recognised = epoch(1, 0.746, 0.02, 0.40, 0, 9), epoch(2, 0.735, 0.02, 0.72, 0, 9)
    less = epoch(3, 0.740, 0.02, 0.50, 0, 9)
    assert selection.best([start, scattered, recognised], 0.02) is recognised
    assert (
        selection.best([start, scattered, less], 0.02) is less
    )  # more often right, taken together


def test_what_few_images_cannot_show_throws_no_epoch_away() -> None:
    def figures(number: int, accuracy: float, asr: float) -> Epoch:
        made = epoch(number, accuracy, asr, 0.7, 0.0, 9.0)
        rates = {"clean_accuracy": wilson(round(accuracy * 500), 500)}
        return dataclasses.replace(made, **rates, asr=wilson(round(asr * 450), 450))

    start = dataclasses.replace(figures(0, 0.78, 0.94), phase=BEFORE)
    answers, forgotten = figures(6, 0.77, 0.75), figures(16, 0.756, 0.002)
    assert (
        selection.best([start, answers, forgotten], 0.02) is forgotten
    )  # down by 2.4 points, ± 3.7
    ruined = figures(16, 0.70, 0.002)
    assert selection.best([start, answers, ruined], 0.02) is answers


def test_less_asr_than_the_clean_models_errors_is_no_merit() -> None:
    start = epoch(0, *REAL[0])
    suppressed, repaired = epoch(1, 0.735, 0.0, 0.70, 0, 9), epoch(2, 0.745, 0.034, 0.71, 0, 9)
    still_open = epoch(3, 0.747, 0.05, 0.72, 0, 9)
    assert selection.best([start, suppressed, repaired, still_open], 0.02) is repaired


def test_broken_scores_are_never_kept(real: list[Epoch]) -> None:
    broken = Skipped("the scores are NaN or infinite")
    nan = dataclasses.replace(real[17], clean_accuracy=broken, asr=broken, robust_accuracy=broken)
    assert selection.best([real[0], nan], 1.0) is None


def test_unlearning_ends_early_only_once_forgotten_and_no_longer_better(real: list[Epoch]) -> None:
    for end in range(1, 17):
        assert not selection.finished(real[:end], 4)
    flat = [*real[:10], *(epoch(n, *REAL[9]) for n in range(10, 14))]
    assert not selection.finished(flat[:-1], 4)
    assert selection.finished(flat, 4)
    never = [epoch(n, *REAL[0]) for n in range(15)]
    assert not selection.finished(never, 4)


def test_why_names_the_figures(real: list[Epoch]) -> None:
    said = selection.why(real, real[17], 0.02)
    assert "18 epochs, number 17" in said
    assert "ASR 1.9 %, accuracy 73.9 % (before: 94.3 % and 74.8 %)" in said
    cost = selection.why([real[0], real[9]], None, 0.02)
    assert "number 9: ASR 0.3 %, accuracy down by 6.3 points" in cost
    assert "--max-accuracy-drop" in cost
    assert "No epoch lowered" in selection.why([real[0], real[0]], None, 0.02)
