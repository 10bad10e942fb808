"""The straight path between the weights as they came and the repaired ones: what lies on it.

Where the backdoor is back a short way from the repaired network, the repair moved it out of sight
(Zhu et al., NeurIPS 2024, arXiv:2405.16134, look along the same line).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from auditor.figures.skipped import Skipped
from auditor.models.classifier import Classifier
from auditor.probe.judge import Judge, rate
from auditor.probe.result import PathPoint, WeightPath
from auditor.repair.objective import values
from auditor.repair.state import put
from auditor.triggers.base import Trigger


def no_path(before: Classifier, after: Classifier) -> Skipped | None:
    """Return why there is no straight line between two networks; None where there is one."""
    ours, theirs = (_named(one.model) for one in (after, before))
    if [shape for _, shape in ours] != [shape for _, shape in theirs]:
        return Skipped("the two files are of different architectures: their weights do not match")
    for (mine, _), (other, _) in zip(ours, theirs, strict=True):
        if mine != other:
            return Skipped(
                f"the two files name their weights differently ({other[:60]} and {mine[:60]}), so "
                "which belong together is not known"
            )
    return None


def walk(
    before: Classifier,
    after: Classifier,
    trigger: Trigger,
    judge: Judge,
    points: int,
    step: Callable[[], None],
) -> WeightPath:
    """Judge networks on the way; the repaired one has its own weights again at the end.

    Args:
        before: The network as it came.
        after: The repaired one, which `judge` judges.
        trigger: The trigger.
        judge: Judges it.
        points: How many places, both ends included.
        step: Called after each.

    Raises:
        Broken: A network on the way gives NaN or infinite scores.
    """
    variables = after.model.weights
    starts, ends, found = values(before.model.weights), values(variables), []
    try:
        for share in np.linspace(0, 1, points):
            put(variables, [_between(a, b, share) for a, b in zip(starts, ends, strict=True)])
            asr, accuracy = rate(judge.turned(trigger)), rate(judge.recognised())
            found.append(PathPoint(float(share), asr, accuracy))
            step()
    finally:
        put(variables, ends)
    return WeightPath(tuple(found))


def _between(start: Any, end: Any, share: float) -> Any:
    """Return a place between two arrays; whole numbers are not mixed, but those of the end."""
    if not np.issubdtype(end.dtype, np.floating) or share == 1:
        return end
    return (start + np.asarray(share, end.dtype) * (end - start)).astype(end.dtype)


def _named(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    return [(str(weight.path), tuple(weight.shape)) for weight in model.weights]
