"""Retuning: does the backdoor come back with a few stamped images?

A copy of the network is fine-tuned on clean images, which are taught what it says of them itself,
and a few stamped ones that are labelled with the target. Where a backdoor was hidden and not
removed, it is back after a few (Min et al., NeurIPS 2024, arXiv:2410.09838; Zhu et al., NeurIPS
2024, arXiv:2405.16134). Control: the same images in the same order, under a stamp that the network
has never met.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.figures.excess import MOST_OF_CONTROL
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.probe.comebacks import excess_of
from auditor.probe.images import Images, ProbeImages
from auditor.probe.judge import Broken, Hits, Judge, rate
from auditor.probe.options import ProbeOptions
from auditor.probe.result import Recipe, Retuned, RetuningCourse, RetuningTrial
from auditor.repair.objective import logits, values
from auditor.repair.state import put
from auditor.repair.trainable import layers
from auditor.triggers.base import Stamp, Trigger

Aims = NDArray[np.int64]
Chances = NDArray[np.float32]
Step = Callable[[], None]


@dataclass(frozen=True, eq=False)
class TrialRun:
    """A trial, and how its epochs went: (epochs + 1,) each, from the network as it was."""

    trial: RetuningTrial
    asr: list[float]
    control: list[float]
    clean_accuracy: list[float]


def recipes(model: Any, options: ProbeOptions) -> list[Recipe]:
    """Return how a model may be retuned, the hardest first.

    The last is for the network that bears no other.
    """
    low, *higher = options.learning_rates
    hard = [*reversed(higher)]
    normalises = any(isinstance(one, keras.layers.BatchNormalization) for one in layers(model))
    ordinary = [Recipe(rate, True) for rate in hard if normalises]
    return [*ordinary, *(Recipe(rate, False) for rate in (*hard, low))]


class RetunedCopy(keras.Model):  # type: ignore[misc]
    """The network in retuning: RGB bytes in, scores before softmax out.

    The weights are the network's own, which whoever makes it puts back.
    """

    def __init__(self, classifier: Classifier, recipe: Recipe, jit_compile: bool | str):
        """Compile, with Adam and the cross-entropy of chances."""
        super().__init__(name="copy")
        self.network = classifier.model
        self._classifier, self._as_in_training = classifier, recipe.as_in_training
        self.compile(
            optimizer=keras.optimizers.Adam(recipe.learning_rate),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            jit_compile=jit_compile,
        )
        self.optimizer.build(self.trainable_variables)

    def call(self, images: Any) -> Any:
        """Return (n, classes) scores, whose softmax is what the model says."""
        return logits(self._classifier, self._classifier.scores(images, self._as_in_training))


class Retuner:
    """Retunes copies of one network, each from its own weights and a fresh optimizer."""

    def __init__(
        self,
        classifier: Classifier,
        trigger: Trigger,
        unmet: Callable[[int], Stamp],
        judge: Judge,
        watching: Judge,
        options: ProbeOptions,
        jit_compile: bool | str,
        check: Step,
    ) -> None:
        """Compile nothing yet, but take the weights as they are.

        Args:
            classifier: The repaired network, made trainable.
            trigger: The trigger.
            unmet: Gives a stamp that the network has never met, another for each seed.
            judge: Judges before the first epoch and after the last.
            watching: Judges in between.
            options: The recipe.
            jit_compile: As Keras takes it.
            check: Called after every step of the training; may raise.
        """
        self._classifier, self._trigger, self._unmet = classifier, trigger, unmet
        self._judge, self._watching = judge, watching
        self._options, self._jit_compile = options, jit_compile
        self._check = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: check())
        self._own = values(classifier.model.variables)
        self._clean, self._stamped = judge.recognised(), judge.turned(trigger)
        self._with_others: dict[int, Hits] = {}
        self._copies = cache(self._compiled)

    def hardest(self, stamped: ProbeImages, clean: ProbeImages, aims: Aims, step: Step) -> Recipe:
        """Return the hardest recipe that the network bears, with a stamp that it has never met.

        It bears one that costs little accuracy, and that does not teach it any stamp.

        Args:
            stamped: The k images to stamp.
            clean: The clean ones.
            aims: (k,) the target of each of the former.
            step: Called after each of the recipes but the last.
        """
        other = self._unmet(0)
        images = np.concatenate([clean.images, other.stamp(stamped.images)])
        taught = np.concatenate([self._said(clean.images), self._sure(aims)])
        *hard, mildest = recipes(self._classifier.model, self._options)
        for recipe in hard:
            try:
                with self._trained(recipe, images, taught, 0):
                    lost = self._clean.mean() - self._judge.recognised().mean()
                    learnt = self._judge.turned(other).mean()
                borne = lost <= self._options.most_lost and learnt <= MOST_OF_CONTROL
            except Broken:  # not a number is left of it
                borne = False
            step()
            if borne:
                return recipe
        return mildest

    def trial(
        self,
        recipe: Recipe,
        stamped: ProbeImages,
        clean: ProbeImages,
        aims: Aims,
        seed: int,
        step: Step,
    ) -> TrialRun:
        """Retune with the trigger, and with a stamp that the network has never met.

        Args:
            recipe: How.
            stamped: The k images to stamp.
            clean: The clean ones.
            aims: (k,) the target of each of the former.
            seed: Of the order and of the control.
            step: Called after each of the 2 · epochs.

        Raises:
            Broken: The network's scores are NaN or infinite.
        """
        other = self._unmet(seed)
        if seed not in self._with_others:
            self._with_others[seed] = self._judge.turned(other)
        with_trigger, accuracies = [self._stamped], [self._clean]
        with_other = [self._with_others[seed]]

        def follow(judge: Judge) -> None:
            with_trigger.append(judge.turned(self._trigger))
            accuracies.append(judge.recognised())
            step()

        def follow_control(judge: Judge) -> None:
            with_other.append(judge.turned(other))
            step()

        images = np.concatenate([clean.images, self._trigger.stamp(stamped.images)])
        controls = np.concatenate([clean.images, other.stamp(stamped.images)])
        taught = np.concatenate([self._said(clean.images), self._sure(aims)])
        with self._trained(recipe, images, taught, seed, partial(follow, self._watching)):
            follow(self._judge)
        with self._trained(recipe, controls, taught, seed, partial(follow_control, self._watching)):
            follow_control(self._judge)
        asr, control, accuracy = with_trigger[-1], with_other[-1], accuracies[-1]
        trial = RetuningTrial(
            seed=seed,
            asr=rate(asr),
            control=rate(control),
            alone=int((asr & ~control).sum()),
            control_alone=int((control & ~asr).sum()),
            clean_accuracy=rate(accuracy),
        )
        return TrialRun(trial, *map(_shares, (with_trigger, with_other, accuracies)))

    @contextmanager
    def _trained(
        self,
        recipe: Recipe,
        images: Images,
        taught: Chances,
        seed: int,
        between: Step = lambda: None,
    ) -> Iterator[None]:
        """Train a copy, calling `between` two epochs; closed, the network has its own weights."""
        options, (copy, optimizer) = self._options, self._copies(recipe)
        put(copy.optimizer.variables, optimizer)
        try:
            for epoch in range(options.epochs):
                if epoch:
                    between()
                order = np.random.default_rng([options.seed, seed, epoch]).permutation(len(images))
                copy.fit(
                    images[order],
                    taught[order],
                    batch_size=options.batch_size,
                    shuffle=False,
                    verbose=0,
                    callbacks=[self._check],
                )
            yield
        finally:
            put(self._classifier.model.variables, self._own)

    def _compiled(self, recipe: Recipe) -> tuple[RetunedCopy, Any]:
        """Return the copy of a recipe, and its optimizer's values before any step."""
        copy = RetunedCopy(self._classifier, recipe, self._jit_compile)
        return copy, values(copy.optimizer.variables)

    def _said(self, images: Images) -> Chances:
        """Return (n, classes) chances that the network itself gives."""
        look, at_once = GradCam(self._classifier, None), self._options.judged_at_once
        starts = range(0, len(images), at_once)
        asked = ((None, images[start : start + at_once], 0) for start in starts)
        scores = np.concatenate([seen.scores for _, seen in look.each(asked)])
        soft = ops.softmax(logits(self._classifier, ops.convert_to_tensor(scores)))
        return np.asarray(ops.convert_to_numpy(soft), np.float32)

    def _sure(self, aims: Aims) -> Chances:
        return np.eye(self._classifier.classes, dtype=np.float32)[aims]


def together(found: Sequence[TrialRun], missing: str) -> Retuned:
    """Return what the trials of one retuning come to.

    Args:
        found: At least one.
        missing: Why there are fewer than were asked for.
    """
    trials = tuple(one.trial for one in found)
    asr, control, accuracy = (
        tuple(np.mean([getattr(one, line) for one in found], axis=0).tolist())
        for line in ("asr", "control", "clean_accuracy")
    )
    return Retuned(
        asr=asr[-1],
        control=control[-1],
        clean_accuracy=accuracy[-1],
        excess=excess_of(trials),
        trials=trials,
        course=RetuningCourse(asr, control, accuracy),
        missing=missing,
    )


def _shares(epochs: list[Hits]) -> list[float]:
    return [float(hits.mean()) for hits in epochs]
