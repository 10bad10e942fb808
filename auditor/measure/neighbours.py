"""How often the trigger's neighbours turn images to the target class."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.figures.metrics import wilson
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.many_stamps import looks
from auditor.measure.tally import broken_images, broken_scores
from auditor.models.classifier import Classifier
from auditor.triggers.base import Images, Stamp, Trigger
from auditor.triggers.controls import Noise
from auditor.triggers.neighbours import Placed, fitting
from auditor.triggers.placebos import placebos

PHASE = "trying the trigger's neighbours"

_Hits = NDArray[np.bool_]


def try_neighbours(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    target: Target,
    indices: NDArray[np.int64],
    batch_size: int,
    progress: Callable[[str, int, int], None],
) -> tuple[Neighbour, ...]:
    """Measure ASR of every neighbour, and of what it is held against, on the same images.

    Args:
        classifier: The model.
        dataset: Labelled images.
        trigger: The trigger whose neighbours are tried.
        target: Where the backdoor leads; images that it leads nowhere are passed over.
        indices: (n,) positions in the data.
        batch_size: Images a step.
        progress: Told how many stamped images are done, of all neighbours together.
    """
    found = fitting(trigger, classifier.size)
    tried = {name: one for name, one in found if not isinstance(one, Skipped)}
    controls = {name: _controls(trigger, name, one) for name, one in tried.items()}
    stamps: dict[str, Stamp] = dict(tried)
    for held in controls.values():
        stamps.update(held)
    labels = dataset.labels[indices]
    victims = indices[labels != target.of(labels)]
    led: dict[str, list[_Hits]] = {name: [np.zeros(0, np.bool_)] for name in stamps}
    broken = dict.fromkeys(stamps, 0)
    tell = partial(progress, PHASE)
    for name, truth, seen in looks(classifier, dataset, victims, stamps, batch_size, tell):
        led[name].append(seen.predicted == target.of(truth))
        broken[name] += int(broken_scores(seen).sum())
    hits = {name: np.concatenate(parts) for name, parts in led.items()}

    def measured(name: str) -> Neighbour:
        if broken[name]:
            return _skipped(name, broken_images(broken[name]))
        return _against(name, hits[name], [hits[c] for c in controls[name] if not broken[c]])

    return tuple(
        _skipped(name, one) if isinstance(one, Skipped) else measured(name) for name, one in found
    )


@dataclass(frozen=True)
class _Nothing:
    """No stamp."""

    def stamp(self, images: Images) -> Images:
        return images


def _controls(trigger: Trigger, name: str, neighbour: Placed) -> dict[str, Stamp]:
    """Return what a neighbour is held against: nothing, and what means nothing in its place."""
    if of_trigger := placebos(trigger):
        return {"control: nothing": _Nothing(), **{f"control: {n}": p for n, p in of_trigger}}
    return {"control: nothing": _Nothing(), f"control: noise, {name}": Noise(neighbour)}


def _against(name: str, hits: _Hits, controls: Iterable[_Hits]) -> Neighbour:
    """Return what a neighbour does, and what the strongest of its controls does."""
    control = max(controls, key=lambda each: int(each.sum()), default=np.zeros_like(hits))
    return Neighbour(
        name=name,
        asr=_rate(hits),
        control=_rate(control),
        alone=int((hits & ~control).sum()),
        control_alone=int((control & ~hits).sum()),
    )


def _skipped(name: str, why: Skipped) -> Neighbour:
    return Neighbour(name, why, why)


def _rate(hits: _Hits) -> Rate | Skipped:
    return wilson(int(hits.sum()), len(hits))
