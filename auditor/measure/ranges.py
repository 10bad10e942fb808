"""Which input range fits a model that answers badly: the usual ones tried, RGB and BGR.

Few images tell hopeless ranges apart, all of them only what is left. The network is compiled once:
it is given numbers that were prepared outside of it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, stratified
from auditor.figures.metrics import percent
from auditor.measure.answers import Answers, Ints, Right, best_of, in_each_order
from auditor.measure.attention import compiled
from auditor.models.classifier import Classifier
from auditor.models.devices import gpus_in_use
from auditor.models.input_range import SHORT, InputRange

_FIRST = 48
"""Images that all ranges are tried with."""

_LEFT = 4
"""Ranges that are tried with the other images, too."""

_CHANCE = 0.05

_USUAL = frozenset({"0..1", "0..255", "-1..1", SHORT["torch"], SHORT["caffe"]})
_CONVINCING = 0.5
"""How much of the way from guessing to all right any other range has to lead: of so many, one does
better than a poor network's own by luck."""

_CONSTANTS = {
    "0..1": ("0..1",),
    "0..255": ("0..255",),
    "-1..1": ("-1..1",),
    "ImageNet's means and stds": (SHORT["torch"],),
    "caffe's means": ("mean=123.68,116.779,103.939,std=1,max=255",),
    "CIFAR-10's": (
        "mean=0.4914,0.4822,0.4465,std=0.2470,0.2435,0.2616",
        "mean=0.4914,0.4822,0.4465,std=0.2023,0.1994,0.2010",
    ),
    "CIFAR-100's": ("mean=0.5071,0.4865,0.4409,std=0.2673,0.2564,0.2762",),
    "MNIST's": ("mean=0.1307,std=0.3081",),
}
"""Whose they are → ranges, for RGB."""


@dataclass(frozen=True)
class Fit:
    """The range that fits best of those tried.

    Attributes:
        input_range: It.
        right: How often the model is right with it.
        as_well: Others with which chance explains the difference, and how often with those.
        more: How many there may be besides, which were tried with the first images only.
        tried: What was tried, in words.
    """

    input_range: InputRange
    right: Right
    as_well: tuple[tuple[InputRange, Right], ...]
    more: int
    tried: str

    @property
    def is_convincing(self) -> bool:
        """Whether it is so good that the network was trained with it, or with one like it."""
        alike = {self.input_range.name, *(one.name for one, _ in self.as_well)}
        return self.right.is_useful if alike & _USUAL else self.right.reaches(_CONVINCING)

    @property
    def said(self) -> str:
        """What to tell people of it, after "accuracy is"."""
        others = [f"{one.short} ({percent(right.share)})" for one, right in self.as_well]
        others += [f"{self.more} more on {_FIRST} images"] if self.more else []
        alike = f"; about as well: {' and '.join(others)}" if others else ""
        return (
            f"{percent(self.right.share)} with {self.input_range.short}, which fits best of those "
            f"tried ({self.tried}){alike}"
        )


def fitting(
    classifier: Classifier,
    dataset: Dataset,
    drawn: Ints,
    batch_size: int,
    seed: int,
    least: float = 0.0,
) -> Fit | None:
    """Try the usual input ranges.

    Args:
        classifier: The model; its own range is not tried again.
        dataset: Labelled images.
        drawn: Positions of those to try with.
        batch_size: Images a step.
        seed: Chooses those that all ranges are tried with.
        least: The accuracy, of each class on average, that is of interest.

    Returns:
        The best; None where no image could be read, or the first show that none is as good as that.
    """
    predict = _predictor(classifier)

    def answers(ranges: Iterable[InputRange], at: Ints) -> dict[InputRange, Answers]:
        copies = {one: replace(classifier, input_range=one) for one in ranges}
        labels: list[Ints] = []
        seen: dict[InputRange, list[Ints]] = {one: [] for one in copies}
        for batch in dataset.batches(at, classifier.size, batch_size):
            if len(batch.labels):
                labels.append(batch.labels)
                for one, copy in copies.items():
                    seen[one].append(predict(copy.fed(batch.images)))
        if not labels:
            return {}
        whole = np.concatenate(labels)
        return {one: Answers(whole, np.concatenate(parts)) for one, parts in seen.items()}

    def ranked(found: dict[InputRange, Answers]) -> list[tuple[InputRange, Right]]:
        rights = [(one, best_of(in_each_order(dataset, each))[0]) for one, each in found.items()]
        return sorted(rights, key=lambda pair: -pair[1].each.value)  # the earlier of equal ones

    candidates, words = _candidates(classifier)
    early = stratified(dataset.labels[drawn], _FIRST, seed)
    first = answers(candidates, drawn[early])
    if not first:
        return None
    begun = ranked(first)
    if max(right.each.high for _, right in begun) < least:
        return None
    left = [one for one, _ in begun[:_LEFT]]
    rest = answers(left, np.delete(drawn, early))
    (chosen, right), *others = ranked({one: _joined(first[one], rest.get(one)) for one in left})
    alike = tuple((one, each) for one, each in others if _is_chance(right.hits, each.hits))
    led = dict(begun)[chosen].hits
    more = sum(_is_chance(led, each.hits) for _, each in begun[_LEFT:])
    return Fit(chosen, right, alike, more, words)


def _candidates(classifier: Classifier) -> tuple[list[InputRange], str]:
    """Return the ranges to try, RGB first, and what they are in words."""
    orders = (False, True) if classifier.channels == 3 else (False,)
    found, names = [], []
    for bgr in orders:
        for whose, bases in _CONSTANTS.items():
            ranges = [InputRange.parse(_reversed(base) if bgr else base) for base in bases]
            fits = [one for one in ranges if not one.problem(classifier.channels)]
            found += [one for one in fits if one.numbers != classifier.input_range.numbers]
            names += [whose] if fits and not bgr else []
    words = f"{', '.join(names[:-1])} and {names[-1]}"
    return found, words + (", each in RGB and in BGR" if len(orders) > 1 else "")


def _reversed(base: str) -> str:
    """Return a range of RGB as the one of BGR."""
    turned = re.sub(r"=([^,]+),([\d.]+),([\d.]+)", r"=\3,\2,\1", base)
    return f"bgr:{turned}"


def _predictor(classifier: Classifier) -> Callable[[NDArray[np.float32]], Ints]:
    """Return what gives the classes of numbers as the model takes them, in its own shape."""
    run = None
    if classifier.graph_file and not gpus_in_use():
        from auditor.models.onnx.runtime import fast_scores

        run = fast_scores(classifier)
    run = run or compiled(_Inside(classifier))
    return lambda prepared: run(prepared).argmax(axis=1)


@dataclass(frozen=True)
class _Inside:
    """A classifier from the numbers on that its model takes: a `Network`."""

    classifier: Classifier

    @property
    def model(self) -> Any:
        return self.classifier.model

    @property
    def takes(self) -> tuple[tuple[int | None, ...], str]:
        return (None, *self.classifier.door.own), "float32"

    def scores(self, prepared: Any) -> Any:
        return self.classifier.scores_of(prepared)


def _joined(first: Answers, rest: Answers | None) -> Answers:
    if rest is None:
        return first
    return Answers(
        np.concatenate([first.labels, rest.labels]),
        np.concatenate([first.predicted, rest.predicted]),
    )


def _is_chance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Whether chance explains which of two is right on the same images (exact sign test)."""
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    count, fewer = gained + lost, min(gained, lost)
    return bool(2 * sum(comb(count, k) for k in range(fewer + 1)) > _CHANCE * 2**count)
