"""`probe`: from a repaired network and the one before to how far its backdoor comes back.

First each probe once, then the retunings again with other seeds, as long as the budget reaches.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from auditor.errors import InputError
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.measure.progress import Progress, silent
from auditor.models.weights import weights_seed
from auditor.probe.budget import Budget, NoTime
from auditor.probe.controls import unmet
from auditor.probe.images import TooFew, TuningImages, to_judge
from auditor.probe.judge import Broken, Judge, rate
from auditor.probe.options import ProbeOptions
from auditor.probe.path import no_path, walk
from auditor.probe.result import (
    NO_MARGIN,
    AtRest,
    BeforeRepair,
    Reactivation,
    Recipe,
    Retuning,
    Strengthened,
    Strengthening,
    TuningData,
    WeightPath,
    Where,
)
from auditor.probe.retuning import Retuner, TrialRun, recipes, together
from auditor.probe.strengthened import TOLD, around, strengthened
from auditor.probe.task import ProbeTask
from auditor.repair.place import Place, here
from auditor.repair.trainable import trainable
from auditor.text import printable
from auditor.triggers.base import Stamp

__all__ = ["ProbeTask", "probe"]

_T = TypeVar("_T")


def probe(
    task: ProbeTask,
    options: ProbeOptions | None = None,
    *,
    place: Place | None = None,
    progress: Progress = silent,
) -> Reactivation:
    """Try what brings the backdoor of a repaired network back.

    Args:
        task: The networks, the trigger, the images.
        options: How.
        place: The device, as `repair.place.place` gives it; None for whatever Keras uses.
        progress: Told how far it is.

    Raises:
        UsageError: The trigger does not fit into the images.
        InputError: No image can be read.
    """
    options = options or ProbeOptions()
    task.trigger.mask(task.after.size)
    with trainable(task.after.model, mixed_precision=False):
        return _Probes(task, options, place or here(), progress).result()


class _Probes:
    """The probes of one network, each finished or with the reason why it is not."""

    def __init__(
        self, task: ProbeTask, options: ProbeOptions, place: Place, progress: Progress
    ) -> None:
        self._task, self._options, self._place = task, options, place
        size = task.after.size
        retuned = 2 * options.epochs * len(options.stamped) * options.seeds
        self._recipes_tried = len(recipes(task.after.model, options)) - 1
        steps = self._recipes_tried + retuned + 4 * TOLD + options.points
        self._budget = Budget(options.budget, steps, progress)
        judging = to_judge(task.judging, options, size)
        few = min(options.watched, len(judging.labels))
        watching = judging.part(np.arange(few) * len(judging.labels) // few)
        at_once, check = options.judged_at_once, self._budget.check
        self._judged = len(judging.labels)
        self._judge, self._watching, self._judge_before = (
            Judge(network, images, task.target, at_once, check)
            for network, images in (
                (task.after, judging),
                (task.after, watching),
                (task.before, judging),
            )
        )
        self._unmet = partial(unmet, task.trigger, weights_seed(task.after.model))
        if not self._judge.victims:
            raise InputError(
                f"{printable(task.judging.source)}: of {self._judged} images the trigger leads "
                "none to another class; give more, or raise --limit"
            )
        self._tuning = TuningImages(task.tuning, judging, task.target, options, size)

    def result(self) -> Reactivation:
        """Do what the budget has time for."""
        options, budget = self._options, self._budget
        before, start = self._before(), self._start()
        found: dict[int, list[TrialRun]] = {images: [] for images in options.stamped}
        missing: dict[int, str] = {}
        self._retune(0, found, missing)
        image = self._strengthen("image", options.image_strength)
        margin = self._strengthen("margin", options.margin_strength)
        path = self._path()
        for seed in range(1, options.seeds):
            self._retune(seed, found, missing)
        tuned = any(found.values()) or any(
            isinstance(one.outcome, Strengthened) for one in (image, margin)
        )
        return Reactivation(
            before=before,
            tuning=self._used() if tuned else Skipped("no image tuned"),
            judged=self._judged,
            seeds=options.seeds,
            budget=options.budget,
            clean=options.clean,
            retuning=tuple(
                Retuning(k, together(trials, missing.get(k, "")) if trials else Skipped(missing[k]))
                for k, trials in found.items()
            ),
            strengthened=(image, margin),
            path=path,
            seconds=budget.spent,
            start=start,
            recipe=self._recipe,
        )

    def _tried(self, kind: str, steps: int, do: Callable[[Callable[[], None]], _T]) -> _T | Skipped:
        """Return what a probe comes to, or why it could not be done."""
        try:
            with self._budget.work(kind, steps) as step:
                return do(step)
        except (NoTime, TooFew, Broken) as error:
            return Skipped(str(error))

    def _before(self) -> BeforeRepair:
        """Measure the network before the repair: what does not answer cannot come back."""

        def counted(stamp: Stamp | None) -> Rate | Skipped:
            return self._tried("at rest", 0, lambda step: rate(self._judge_before.turned(stamp)))

        return BeforeRepair("", "", counted(self._task.trigger), counted(None))

    def _start(self) -> AtRest | Skipped:
        stamps = self._task.trigger, self._unmet(0)

        def counted(step: Callable[[], None]) -> AtRest:
            return AtRest(*(rate(self._judge.turned(stamp)) for stamp in stamps))

        return self._tried("at rest", 0, counted)

    def _retune(self, seed: int, found: dict[int, list[TrialRun]], missing: dict[int, str]) -> None:
        """Retune once with each number of stamped images, where that has not failed before."""
        target, recipe = self._task.target, self._recipe
        if isinstance(recipe, Skipped):
            missing.update(dict.fromkeys(found, recipe.skipped))
            return

        def trial(images: int, step: Callable[[], None]) -> TrialRun:
            stamped, clean = self._tuning.trial(seed)
            few = stamped.part(np.arange(images))
            return self._retuner.trial(recipe, few, clean, target.of(few.labels), seed, step)

        for images, trials in found.items():
            if images in missing:
                continue
            tried = self._tried("retuning", 2 * self._options.epochs, partial(trial, images))
            if isinstance(tried, Skipped):
                missing[images] = tried.skipped
            else:
                trials.append(tried)

    @cached_property
    def _retuner(self) -> Retuner:
        task, options = self._task, self._options
        jit = self._place.jit_compile
        return Retuner(
            task.after,
            task.trigger,
            self._unmet,
            self._judge,
            self._watching,
            options,
            jit,
            self._budget.check,
        )

    @cached_property
    def _recipe(self) -> Recipe | Skipped:
        def hardest(step: Callable[[], None]) -> Recipe:
            stamped, clean = self._tuning.trial(0)
            aims = self._task.target.of(stamped.labels)
            return self._retuner.hardest(stamped, clean, aims, step)

        return self._tried("recipe", self._recipes_tried, hardest)

    def _strengthen(self, where: Where, strength: int) -> Strengthening:
        mask = self._task.trigger.mask(self._task.after.size)
        if where == "margin" and mask.all():
            return Strengthening(where, strength, Skipped(NO_MARGIN))
        region = around(mask) if where == "margin" else np.ones_like(mask)

        def optimised(step: Callable[[], None]) -> Strengthened:
            task, options = self._task, self._options
            stamped, clean = self._tuning.trial(0)
            images = np.concatenate([stamped.images, clean.images])
            labels = np.concatenate([stamped.labels, clean.labels])
            aims = task.target.of(labels)
            led = aims != labels
            return strengthened(
                task.after,
                task.trigger,
                region,
                strength,
                images[led],
                aims[led],
                self._judge,
                options,
                self._place.jit_compile,
                self._budget.check,
                step,
            )

        return Strengthening(where, strength, self._tried("strengthened", 2 * TOLD, optimised))

    def _path(self) -> WeightPath | Skipped:
        task, points = self._task, self._options.points
        if reason := no_path(task.before, task.after):
            return reason

        def walked(step: Callable[[], None]) -> WeightPath:
            return walk(task.before, task.after, task.trigger, self._judge, points, step)

        return self._tried("path", points, walked)

    def _used(self) -> TuningData:
        """Return which images tuned."""
        tuning, used = self._task.tuning, sorted(self._tuning.used)
        digest = tuning.digest(np.array(used))
        return TuningData(tuning.source, digest, len(tuning), len(used))
