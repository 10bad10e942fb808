"""How often the trigger's neighbours turn images to the target class."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.figures.metrics import wilson
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.attention import Seen
from auditor.measure.many_stamps import Ints, looks
from auditor.measure.tally import broken_images, broken_scores
from auditor.models.classifier import Classifier
from auditor.models.weights import weights_seed
from auditor.triggers.base import Images, Stamp, Trigger
from auditor.triggers.controls import Noise
from auditor.triggers.neighbours import Placed, fitting
from auditor.triggers.placebos import placebos

PHASE = "trying the trigger's neighbours"
AGAIN = "trying more noise in their places"

DRAWS = 4
"""Noises that a neighbour is held against, at most."""

_Hits = NDArray[np.bool_]
_NOTHING = "nothing"


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

    One noise may by chance lead fewer images to the target than most do. So where a neighbour leads
    further than the first, three more are drawn, and the one that leads most images there counts.
    A neighbour costs two looks at every image, or five. Of a trigger over the whole image, what
    counts is the most that a placebo leads to any one class, as where the trigger itself is judged.

    Args:
        classifier: The model.
        dataset: Labelled images.
        trigger: The trigger whose neighbours are tried.
        target: Where the backdoor leads; images that it leads nowhere are passed over.
        indices: (n,) positions in the data.
        batch_size: Images a step.
        progress: Told how many stamped images are done, of all neighbours together; then the same
            of further noises, where there are any.
    """
    labels = dataset.labels[indices]
    victims = indices[labels != target.of(labels)]

    def look(stamps: Mapping[str, Stamp], phase: str) -> dict[str, _Hits | Skipped]:
        tell = partial(progress, phase)
        seen = looks(classifier, dataset, victims, stamps, batch_size, tell)
        return _hits(seen, stamps, target, fragile)

    found = fitting(trigger, classifier.size)
    tried = {name: one for name, one in found if not isinstance(one, Skipped)}
    of_trigger = dict(placebos(trigger))
    common: dict[str, Stamp] = {_NOTHING: _Nothing()}
    fragile = {f"placebo, {name}": placebo for name, placebo in of_trigger.items()}
    common |= fragile
    weights = weights_seed(classifier.model)
    drawn = partial(_noises, weights)
    controls = {name: {} if of_trigger else drawn(name, one, 0, 1) for name, one in tried.items()}
    hits = look({**tried, **common, **_together(controls)}, PHASE)

    def measured(name: str) -> Neighbour:
        held = [hits[each] for each in (*common, *controls[name])]
        return _against(name, hits[name], held)

    def leads_further(name: str) -> bool:
        found = measured(name)
        return found.alone > found.control_alone

    further = {
        name: drawn(name, one, 1, DRAWS)
        for name, one in tried.items()
        if controls[name] and leads_further(name)
    }
    if further:
        hits |= look(_together(further), AGAIN)
        for name, noises in further.items():
            controls[name] |= noises
    return tuple(
        _skipped(name, one) if isinstance(one, Skipped) else measured(name) for name, one in found
    )


@dataclass(frozen=True)
class _Nothing:
    """No stamp."""

    def stamp(self, images: Images) -> Images:
        return images


def _noises(weights: int, name: str, neighbour: Placed, first: int, end: int) -> dict[str, Stamp]:
    """Return noises in a neighbour's place, from the `first` to before the `end` that there is.

    They follow from the model's weights: of noise known beforehand, a model can be taught to take
    it for the target as it does the neighbour.
    """
    return {f"noise {n}, {name}": Noise(neighbour, (weights, n)) for n in range(first, end)}


def _together(each: Mapping[str, Mapping[str, Stamp]]) -> dict[str, Stamp]:
    return {name: stamp for stamps in each.values() for name, stamp in stamps.items()}


def _hits(
    seen: Iterable[tuple[str, Ints, Seen]],
    stamps: Iterable[str],
    target: Target,
    fragile: Collection[str],
) -> dict[str, _Hits | Skipped]:
    """Return which images each stamp leads to the target; `Skipped` where scores are broken.

    Args:
        seen: Of each stamp, classes of images and what the model makes of them.
        stamps: Names of all.
        target: The target.
        fragile: Names of those that count for the class, whichever it is, that most are led to.
    """
    answered: dict[str, list[tuple[Ints, Ints]]] = {name: [] for name in stamps}
    broken = dict.fromkeys(answered, 0)
    for name, truth, answers in seen:
        answered[name].append((truth, answers.predicted))
        broken[name] += int(broken_scores(answers).sum())

    def led(name: str) -> _Hits:
        none = np.zeros(0, np.int64), np.zeros(0, np.int64)
        truth, predicted = map(np.concatenate, zip(none, *answered[name], strict=True))
        if name not in fragile or target.class_ is None:
            return np.asarray(predicted == target.of(truth))
        wrong = predicted[predicted != truth]
        most = np.bincount(wrong).argmax() if len(wrong) else target.class_
        return np.asarray((predicted == most) & (truth != most))

    return {name: broken_images(broken[name]) if broken[name] else led(name) for name in answered}


def _against(name: str, hits: _Hits | Skipped, controls: Iterable[_Hits | Skipped]) -> Neighbour:
    """Return what a neighbour does, and what the strongest of its controls does."""
    if isinstance(hits, Skipped):
        return _skipped(name, hits)
    whole = (each for each in controls if not isinstance(each, Skipped))
    control = max(whole, key=lambda each: int(each.sum()), default=np.zeros_like(hits))
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
