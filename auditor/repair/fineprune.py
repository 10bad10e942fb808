"""`fineprune`: prune what clean images leave idle, then fine-tune (Liu et al. 2018).

A backdoor lives in channels that clean images hardly use. Those of the last convolution are
silenced, the least active first, until accuracy has fallen by the allowance; then the model is
trained on clean images, and what was silenced stays so.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.models.classifier import Classifier, watched
from auditor.models.convolution import Convolution, last_convolution
from auditor.repair.finetune import FINETUNING
from auditor.repair.objective import Trainee, Weights, values
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.prepare import Prepared

_MOST_ROUNDS = 64
"""Times that accuracy is measured while pruning; of more channels, several go at a time."""

_MOST_IMAGES = 512
_AT_ONCE = 128


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return fine-tuning, which begins with the pruning."""
    return (
        Phase(
            name=FINETUNING,
            epochs=options.epochs,
            begin=_prune,
            trainee=Pruned,
        ),
    )


class Pruned(Trainee):
    """A trainee whose silenced channels stay silent."""

    def __init__(self, classifier: Classifier, silenced: Weights, **common: Any) -> None:
        """Wrap the classifier's model.

        Args:
            classifier: Whose weights are trained.
            silenced: One array: 1 for each channel of the last convolution that is silenced.
            common: As every `Trainee` takes.
        """
        super().__init__(classifier, **common)
        self._held = [
            (variable, partial(ops.multiply, _along(1 - silenced[0], variable, axis)))
            for variable, axis in _convolution(classifier).weights
        ]

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Train as every Keras model does, the channels held."""
        for variable, held in self._held:
            variable.constraint = held
        try:
            return super().fit(*args, **kwargs)
        finally:
            for variable, _ in self._held:
                variable.constraint = None


def _prune(ready: Prepared, original: Weights) -> Weights:
    """Silence channels of the last convolution; returns 1 for each that is, 0 for the others."""
    classifier, images = ready.task.classifier, ready.images
    convolution = _convolution(classifier)
    shown = images.images[images.training[:: max(1, len(images.training) // _MOST_IMAGES)]]
    order = np.argsort(activity(classifier, convolution, np.asarray(shown)), kind="stable")
    held, labels = np.asarray(images.images[images.validation]), images.labels[images.validation]
    whole = values([variable for variable, _ in convolution.weights])

    def accuracy(silenced: int) -> float:
        _silence(convolution, whole, _marks(order[:silenced], convolution.channels))
        return float((_scores(classifier, held).argmax(axis=1) == labels).mean())

    count = most_silenced(accuracy, convolution.channels, ready.options.prune_allowance)
    silenced = _marks(order[:count], convolution.channels)
    _silence(convolution, whole, silenced)
    return [silenced]


def activity(
    classifier: Classifier, convolution: Convolution, images: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Return (channels,) mean activations, ReLU behind them, over (n, h, w, 3) uint8 images."""
    sums = np.zeros(convolution.channels)

    def gather(features: Any) -> Any:
        kept = ops.relu(convolution.seen.channels_last(features))
        sums[:] += np.asarray(ops.convert_to_numpy(ops.sum(kept, axis=(0, 1, 2))))
        return features

    with watched([(convolution.seen.layer, gather)]):
        _scores(classifier, images)
    return sums / (len(images) * np.prod(convolution.seen.grid))


def most_silenced(accuracy: Callable[[int], float], channels: int, allowance: float) -> int:
    """Return how many channels can be silenced before accuracy falls by more than the allowance.

    Args:
        accuracy: Of the model with so many silenced.
        channels: How many there are; one is always left.
        allowance: A fraction.
    """
    start, count = accuracy(0), 0
    step = -(-channels // _MOST_ROUNDS)
    while count + step < channels and accuracy(count + step) >= start - allowance:
        count += step
    return count


def _convolution(classifier: Classifier) -> Convolution:
    found = last_convolution(classifier)
    if found is None:
        raise InputError("fineprune: the model has no convolution with rows and columns to prune")
    return found


def _silence(convolution: Convolution, whole: Weights, silenced: NDArray[np.float32]) -> None:
    for (variable, axis), value in zip(convolution.weights, whole, strict=True):
        variable.assign(value * _along(1 - silenced, variable, axis))


def _along(marks: NDArray[np.float32], variable: Any, axis: int) -> NDArray[np.float32]:
    """Return one number a channel so that it multiplies a variable along an axis."""
    shape = [1] * len(variable.shape)
    shape[axis] = len(marks)
    return marks.reshape(shape).astype(np.float32)


def _marks(channels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    marks = np.zeros(count, np.float32)
    marks[channels] = 1
    return marks


def _scores(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    starts = range(0, len(images), _AT_ONCE)
    parts = (classifier.scores(images[start : start + _AT_ONCE]) for start in starts)
    return np.concatenate([np.asarray(ops.convert_to_numpy(part)) for part in parts])
