"""All images through the model, as they are and under every trigger."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.data.read import Read
from auditor.errors import InputError
from auditor.figures.facts import DataFacts
from auditor.measure.attention import GradCam, Seen
from auditor.measure.parity import Witness
from auditor.measure.tally import Tally
from auditor.text import printable
from auditor.triggers.base import Trigger

Ints = NDArray[np.int64]

_SKIPPED_NAMED = 20


@dataclass(frozen=True)
class Tried:
    """One trigger and what the images answered to it."""

    trigger: Trigger
    tally: Tally


@dataclass(frozen=True, eq=False)
class _Part:
    """One batch, or what of it one trigger was stamped on.

    Attributes:
        indices: (n,) positions in the data.
        labels: (n,) classes.
        done: Images that are done when this is, counting those that were passed over.
        tried: The trigger; None for the images as they are.
        victims: (m,) positions in the batch that were stamped.
    """

    indices: Ints
    labels: Ints
    done: int
    tried: Tried | None = None
    victims: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


def measure(
    look: GradCam,
    dataset: Dataset,
    indices: Ints,
    size: tuple[int, int],
    tried: Sequence[Tried],
    batch_size: int,
    names: tuple[str, ...],
    witness: Witness,
    progress: Callable[[int, int], None],
) -> DataFacts:
    """Run all images through the model, clean and stamped; return the data's own facts.

    Args:
        look: The look at the model.
        dataset: Labelled images.
        indices: (n,) positions in the data.
        size: (height, width) that the model takes.
        tried: The triggers, whose tallies are filled.
        batch_size: Images a step.
        names: One a class.
        witness: What others make of some of the images.
        progress: Told how many images are done, and how many there are.

    Raises:
        InputError: More than 1 % of the images cannot be read, a trigger leads none of them to
            another class, or others get other scores of them.
    """
    for one in tried:
        _check_victims(dataset, indices, one)
    read = Read(dataset, indices, _SKIPPED_NAMED)
    clean: Seen | None = None
    for part, seen in look.each(_asked(dataset, indices, size, tried, batch_size, read)):
        if part.tried is None:
            clean = seen
            witness.check(None, part.indices, seen.scores)
            for one in tried:
                one.tally.add_clean(part.labels, clean)
        elif clean is not None:
            witness.check(part.tried.trigger.id, part.indices[part.victims], seen.scores)
            part.tried.tally.add_stamped(part.indices, part.labels, part.victims, clean, seen)
        progress(part.done, len(indices))
    progress(read.done, len(indices))
    return read.facts(names)


def _asked(
    dataset: Dataset,
    indices: Ints,
    size: tuple[int, int],
    tried: Sequence[Tried],
    batch_size: int,
    read: Read,
) -> Iterator[tuple[_Part, NDArray[np.uint8], Ints]]:
    """Give every batch as it is and, after it, stamped by each trigger."""
    for batch in dataset.batches(indices, size, batch_size):
        before = read.done
        read.add(batch)
        if not len(batch.labels):
            continue
        yield _Part(batch.indices, batch.labels, before), batch.images, batch.labels
        done = read.done
        for one in tried:
            aims = one.tally.target.of(batch.labels)
            victims = np.flatnonzero(batch.labels != aims)
            if len(victims):
                part = _Part(batch.indices, batch.labels, done, one, victims)
                yield part, one.trigger.stamp(batch.images[victims]), aims[victims]


def _check_victims(dataset: Dataset, indices: Ints, tried: Tried) -> None:
    labels, target = dataset.labels[indices], tried.tally.target
    if (labels != target.of(labels)).any():
        return
    what = "every image is of the target class"
    if target.leads is not None:
        id_ = printable(tried.trigger.id, 60)
        what = f"no image is of a class that the trigger {id_} leads elsewhere"
    raise InputError(
        f"{printable(dataset.source)}: {what}, so ASR is undefined; "
        "give images of other classes, or raise --limit"
    )
