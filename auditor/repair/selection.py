"""What the epochs say: which one to keep, when to end early, whether anything moves at all.

All of it is worked out from the history alone, so a resumed repair decides as the first would have.
"""

import math
from collections.abc import Sequence

from auditor.figures.metrics import percent
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.repair.options import RepairOptions
from auditor.repair.result import TEACHING, UNLEARNING, Epoch

FORGOTTEN = 0.005
"""ASR this close to the clean target rate counts as gone: less would be suppression of a class."""

UNDISTURBED = 0.015
"""Accuracy under the trigger this close to clean accuracy counts as equal."""


UNFORGOTTEN = 2.0
"""Tier of epochs that still answer to the trigger: behind those that are disturbed by it, 1, and
those that are not, 0."""


def best(history: Sequence[Epoch], max_accuracy_drop: float) -> Epoch | None:
    """Return the epoch to keep.

    First those that have forgotten the trigger and recognise stamped images as well as clean ones,
    then those that have forgotten it and are still disturbed by it: of each, the one most often
    right, with and without it; of those that the validation images cannot tell from it, within a
    standard error, the last, which has settled most. Then the one with the least ASR.
    An epoch that has lost too much accuracy, or whose ASR is not below epoch 0's, does not count,
    nor does one that trained a teacher.

    The validation images are few, so each limit is held against the end of the interval that is in
    favour: what they cannot show is no reason to throw an epoch away. The repaired model is judged
    strictly, on other images.

    Args:
        history: Epoch 0 first.
        max_accuracy_drop: A fraction.
    """
    start = history[0]
    allowed = [
        e
        for e in history[1:]
        if e.phase != TEACHING
        and isinstance(e.clean_accuracy, Rate)
        and e.clean_accuracy.high >= value(start.clean_accuracy) - max_accuracy_drop
        and value(e.asr) < value(start.asr)
    ]
    first = min(allowed, key=lambda e: _badness(e, start), default=None)
    if first is None or _badness(first, start)[0] == UNFORGOTTEN:
        return first
    tier, least = _badness(first, start)
    known = first.clean_accuracy
    error = math.sqrt(known.value * (1 - known.value) / known.n) if isinstance(known, Rate) else 0
    alike = [e for e in allowed if (b := _badness(e, start))[0] == tier and b[1] <= least + error]
    return alike[-1]


def _badness(epoch: Epoch, start: Epoch) -> tuple[float, ...]:
    explained = value(start.clean_target_rate) + FORGOTTEN
    accuracy, robust = value(epoch.clean_accuracy), epoch.robust_accuracy
    if not (isinstance(epoch.asr, Rate) and epoch.asr.low <= explained):
        return UNFORGOTTEN, value(epoch.asr)
    undisturbed = isinstance(robust, Rate) and robust.high >= accuracy - UNDISTURBED
    return 0.0 if undisturbed else 1.0, -(accuracy + value(robust))


def why(history: Sequence[Epoch], kept: Epoch | None, max_accuracy_drop: float) -> str:
    """Return why that epoch was kept, or why none was, in a sentence."""
    start = history[0]
    if kept is not None:
        return (
            f"Of the {len(history) - 1} epochs, number {kept.epoch} serves best on the validation "
            f"images: ASR {percent(value(kept.asr))}, accuracy "
            f"{percent(value(kept.clean_accuracy))} (before: {percent(value(start.asr))} and "
            f"{percent(value(start.clean_accuracy))})."
        )
    last = history[-1]
    if last.epoch and last.loss is None:
        return f"The loss was not a number in epoch {last.epoch}. Lower --learning-rate."
    lower = [e for e in history[1:] if value(e.asr) < value(start.asr) - FORGOTTEN]
    if not lower:
        return (
            "No epoch lowered the attack success rate on the validation images (the stamped ones' "
            f"loss went from {start.target_loss:.3g} to {last.target_loss:.3g}). Raise "
            "--learning-rate or --epochs."
        )
    nearest = max(lower, key=lambda e: value(e.clean_accuracy))
    drop = value(start.clean_accuracy) - value(nearest.clean_accuracy)
    return (
        "No epoch lowered the attack success rate with accuracy falling by "
        f"{100 * max_accuracy_drop:.1f} points or less; the nearest is number {nearest.epoch}: ASR "
        f"{percent(value(nearest.asr))}, accuracy down by {100 * drop:.1f} points on the "
        "validation images. Raise --max-accuracy-drop or --recovery-epochs, or give more clean "
        "images."
    )


def finished(history: Sequence[Epoch], patience: int) -> bool:
    """Whether unlearning has done what it can: forgotten, and no better for `patience` epochs."""
    start, unlearned = history[0], [e for e in history if e.phase == UNLEARNING]
    if not unlearned:
        return False
    first = min(unlearned, key=lambda e: _badness(e, start))
    forgotten = _badness(first, start)[0] < UNFORGOTTEN
    return forgotten and unlearned[-1].epoch - first.epoch >= patience


def stalled(history: Sequence[Epoch], options: RepairOptions, since: int = 0) -> str:
    """Return what the early diagnosis saw when nothing moves, in words; empty otherwise.

    It looks at the first epochs from `stall_epochs[0]` to `stall_epochs[1]`, and later while fewer
    than `stall_steps` steps are done: what counts is steps, since an epoch of little data has few.
    Any of ASR, TAR and the loss of the stamped images with the target as the answer may move. That
    loss moves first, long before a stamped image changes sides, so a repair that is about to work
    is not taken for one that does not.

    Args:
        history: Epoch 0 first.
        options: `stall_epochs`, `stall_steps` and `stall_change`.
        since: Epoch to compare with: 0, or the last escalation.
    """
    start, now = history[since], history[-1]
    first, last = options.stall_epochs
    looked_at = [e for e in history if since + first <= e.epoch]
    enough_steps = now.step - start.step >= options.stall_steps
    if now.phase != UNLEARNING or now.epoch < since + last or not enough_steps:
        return ""
    if any(_moved(start, e, options.stall_change) for e in looked_at):
        return ""
    tar = "" if now.tar is None or start.tar is None else f", TAR {start.tar:.2f} → {now.tar:.2f}"
    return (
        f"nothing moves: after {now.step - start.step} steps ASR {percent(value(start.asr))} → "
        f"{percent(value(now.asr))}{tar}, loss of the stamped images {start.target_loss:.3g} → "
        f"{now.target_loss:.3g}"
    )


def _moved(start: Epoch, now: Epoch, change: float) -> bool:
    asr_fell = value(now.asr) <= value(start.asr) * (1 - change)
    tar_fell = now.tar is not None and start.tar is not None and now.tar < start.tar * (1 - change)
    loss_rose = now.target_loss >= start.target_loss * (1 + change) + 1e-6
    return asr_fell or tar_fell or loss_rose


def value(rate: Rate | Skipped) -> float:
    """Return a rate's value; NaN, which is neither above nor below anything, when skipped."""
    return rate.value if isinstance(rate, Rate) else float("nan")
