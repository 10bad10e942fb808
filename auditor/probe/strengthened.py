"""Strengthened trigger: does a little more of it open what a repair has closed?

One perturbation for all images, within L∞ 8/255 over the image, or within 16/255 in the trigger's
place and a margin around it, is optimised towards the target by sign gradient, together with the
trigger, on one part of the images; the rest judges (Zhu et al., NeurIPS 2024, arXiv:2405.16134).
Control: the same budget without the trigger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.figures.comeback import Difference
from auditor.models.classifier import Classifier
from auditor.probe.images import Images
from auditor.probe.judge import Broken, Judge, rate
from auditor.probe.options import ProbeOptions
from auditor.probe.result import Strengthened
from auditor.repair.objective import logits
from auditor.triggers.base import Mask, Stamp, Trigger, rounded

_PARTS = 4
"""Parts of the way to the most that is allowed, which a step goes one of."""

AT_ONCE = 64
"""Images a step of the optimisation."""

TOLD = 5
"""Times each optimisation tells how far it is."""


class _SignDescent(keras.optimizers.SGD):  # type: ignore[misc]
    """Moves by the gradient's sign alone (Goodfellow et al. 2015; Madry et al. 2018)."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(ops.sign(gradient), variable, learning_rate)


class Perturbation(keras.Model):  # type: ignore[misc]
    """A change of every image alike, in training, in pixels of 0 to 255.

    The classifier is called, not owned: its weights are no variables of this model.
    """

    def __init__(
        self, classifier: Classifier, most: NDArray[np.float32], jit_compile: bool | str
    ) -> None:
        """Begin with no change, and compile.

        Args:
            classifier: The network.
            most: (h, w, 1) how far each pixel may be changed.
            jit_compile: As Keras takes it.
        """
        super().__init__(name="perturbation")
        self._classifier = classifier
        limit = ops.convert_to_tensor(most)
        self.change = self.add_weight(
            name="change",
            shape=(*classifier.size, 3),
            dtype="float32",
            initializer="zeros",
            constraint=lambda value: ops.clip(value, -limit, limit),
        )
        self.compile(
            optimizer=_SignDescent(float(most.max()) / _PARTS, name="sign_descent"),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=jit_compile,
        )

    def call(self, images: Any) -> Any:
        """Return (n, classes) scores of (n, h, w, 3) images, changed."""
        changed = ops.clip(ops.cast(images, "float32") + self.change, 0, 255)
        scores = logits(self._classifier, self._classifier.scores(changed))
        return scores + 0 * ops.sum(self.change)  # Keras wants a gradient where there is none, too


@dataclass(frozen=True, eq=False)
class Changed:
    """A perturbation on top of a stamp, or of nothing.

    Attributes:
        change: (h, w, 3) float32 in pixels of 0 to 255.
        first: What is stamped first; None for nothing.
    """

    change: NDArray[np.float32]
    first: Stamp | None

    def stamp(self, images: Images) -> Images:
        """Return the changed images, in whole numbers."""
        under = self.first.stamp(images) if self.first else images
        return rounded(under.astype(np.float32) + self.change)


def strengthened(
    classifier: Classifier,
    trigger: Trigger,
    region: Mask,
    strength: int,
    images: Images,
    aims: NDArray[np.int64],
    judge: Judge,
    options: ProbeOptions,
    jit_compile: bool | str,
    check: Callable[[], None],
    step: Callable[[], None],
) -> Strengthened:
    """Optimise a perturbation with the trigger and one without, and judge both.

    Args:
        classifier: The repaired network.
        trigger: The trigger.
        region: (h, w) pixels that may be changed.
        strength: By how much, of 255.
        images: (n, h, w, 3) that it is optimised on, none of the target's class.
        aims: (n,) where each is to be led.
        judge: Judges it, on other images.
        options: How many steps; the seed.
        jit_compile: As Keras takes it.
        check: Called after every step of the optimisation; may raise.
        step: Called `TOLD` times for each of both.

    Raises:
        Broken: The network's scores, or their gradients, are NaN or infinite.
    """
    most = (strength * region[..., None]).astype(np.float32)
    hits = []
    for stamp in (trigger, None):
        model = Perturbation(classifier, most, jit_compile)
        shown = stamp.stamp(images) if stamp else images
        random = np.random.default_rng(options.seed)
        for number in range(options.steps):
            rows = random.choice(len(shown), min(AT_ONCE, len(shown)), replace=False)
            model.train_on_batch(shown[rows], aims[rows].astype(np.int32))
            check()
            if (number + 1) % max(1, options.steps // (TOLD - 1)) == 0:
                step()
        change = np.asarray(ops.convert_to_numpy(model.change), np.float32)
        if not np.isfinite(change).all():
            raise Broken("the gradients of the model's scores are NaN or infinite")
        turned = judge.turned(Changed(change, stamp))
        if not change.any() and not turned.all():  # where all are led, there is nowhere to go
            raise Broken("the gradients of the model's scores are exactly zero: they are masked")
        hits.append(turned)
        step()
    asr, control = hits
    alone, other = int((asr & ~control).sum()), int((control & ~asr).sum())
    excess = Difference.of(alone, other, len(asr))
    return Strengthened(rate(asr), rate(control), alone, other, excess)


def around(mask: Mask) -> Mask:
    """Return the (h, w) pixels of a trigger and of a margin of an eighth of the image around it."""
    by = max(1, round(min(mask.shape) / 8))
    wide = np.pad(mask, by)
    sides = range(2 * by + 1)
    height, width = mask.shape
    shifted = [wide[y : y + height, x : x + width] for y in sides for x in sides]
    return np.asarray(np.logical_or.reduce(shifted))
