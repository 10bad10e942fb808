"""How easily a change that means nothing moves images to one class (`triggers/placebos.py`)."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.figures.metrics import wilson
from auditor.figures.results import Measurement, Placebo, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.many_stamps import looks
from auditor.models.classifier import Classifier
from auditor.triggers.base import Trigger
from auditor.triggers.placebos import placebos

IMAGES = 500
"""That each placebo is tried on."""

PHASE = "trying placebos"


def needed(trigger: Trigger, measured: Measurement) -> Skipped | None:
    """Return why placebos would tell nothing; None where they would."""
    asr, without = measured.asr, measured.clean_target_rate
    if not placebos(trigger):
        return Skipped("the trigger is local: there is no change as strong that means nothing")
    if isinstance(asr, Skipped) or isinstance(without, Skipped):
        return Skipped("the attack success rate was not measured")
    if asr.low <= without.high:
        return Skipped("the trigger moves no more images than nothing does")
    return None


def try_placebos(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    target: Target,
    indices: NDArray[np.int64],
    batch_size: int,
    progress: Callable[[str, int, int], None],
) -> tuple[Placebo, ...]:
    """Measure the share of images that each placebo moves to one class, the most frequent.

    Where the trigger leads different classes to different ones, the share that is led there.

    Args:
        classifier: The model.
        dataset: Labelled images.
        trigger: The trigger.
        target: Where it leads.
        indices: (n,) positions in the data.
        batch_size: Images a step.
        progress: Told how many changed images are done, of all placebos together.
    """
    each = dict(placebos(trigger))
    answers: dict[str, list[NDArray[np.int64]]] = {name: [] for name in each}
    labels: dict[str, list[NDArray[np.int64]]] = {name: [] for name in each}
    tell = partial(progress, PHASE)
    for name, truth, seen in looks(classifier, dataset, indices, each, batch_size, tell):
        answers[name].append(seen.predicted)
        labels[name].append(truth)

    def most(name: str) -> tuple[int | None, Rate | Skipped]:
        found, truth = np.concatenate(answers[name]), np.concatenate(labels[name])
        return _most(found, truth, target, classifier.classes)

    return tuple(Placebo(name, *most(name)) for name in each)


def strongest(tried: tuple[Placebo, ...]) -> Rate | Skipped:
    """Return the highest rate of all; at least one was tried."""
    rates = [placebo.rate for placebo in tried if isinstance(placebo.rate, Rate)]
    return max(rates, key=lambda rate: rate.value) if rates else Skipped("no image to count")


def _most(
    answers: NDArray[np.int64], labels: NDArray[np.int64], target: Target, classes: int
) -> tuple[int | None, Rate | Skipped]:
    """Return the class that most images of other classes are taken for, and their share."""
    if target.class_ is None:
        aims = target.of(labels)
        victims = aims != labels
        hits = int((answers == aims)[victims].sum())
        return None, wilson(hits, int(victims.sum()))
    moved = np.bincount(answers[answers != labels], minlength=classes)
    others = len(labels) - np.bincount(labels, minlength=classes)
    shares = moved / np.maximum(1, others)
    most = int(shares.argmax())
    return most, wilson(int(moved[most]), int(others[most]))
