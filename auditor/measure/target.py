"""The class that each trigger leads to: as given, as the trigger's file has it, or inferred."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.figures.target import Target
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.text import printable
from auditor.triggers.base import Trigger
from auditor.triggers.target import AllToAll, ClassMap, class_index, leads

Chosen = Literal["given", "inferred"]

SAMPLE = 2_000
"""Images that a target is inferred from."""


def choose_targets(
    wanted: str | None,
    classifier: Classifier,
    dataset: Dataset,
    triggers: Sequence[Trigger],
    names: tuple[str, ...],
    batch_size: int,
    seed: int,
    limit: int | None = None,
) -> list[Target]:
    """Return each trigger's target: the one given, or the class most stamped images move to.

    Args:
        wanted: Index or name of a class; `auto` to infer it, None to use the trigger's, else infer.
        classifier: The model.
        dataset: Images.
        triggers: The triggers.
        names: One a class.
        batch_size: Images a step.
        seed: Seed of the sample.
        limit: Use at most this many images; at most `SAMPLE` are used anyway.

    Raises:
        UsageError: No such class, or a rule that leads no class to another.
    """
    chosen = {i: given for i, t in enumerate(triggers) if (given := _given(wanted, t, names))}
    open_ = [i for i in range(len(triggers)) if i not in chosen]
    if open_:
        asked = [triggers[i] for i in open_]
        drawn = sample(dataset, min(SAMPLE, limit or SAMPLE), seed)
        found = _inferred(classifier, dataset, asked, names, batch_size, drawn)
        chosen |= dict(zip(open_, found, strict=True))
    return [chosen[i] for i in range(len(triggers))]


def _given(wanted: str | None, trigger: Trigger, names: tuple[str, ...]) -> Target | None:
    """Return the target that needs no look at the model; None where it must be inferred."""
    who = f"trigger {printable(trigger.id, 60)}"
    if wanted == "auto":
        return None
    if wanted is not None:
        return _one_class(class_index(wanted, names, "--target"), trigger, names, "given")
    if isinstance(trigger.target, AllToAll | ClassMap):
        led = leads(trigger.target, trigger.source, names, who)
        return Target(None, _in_words(trigger), "given", leads=led)
    if trigger.target is None:
        return None
    index = class_index(str(trigger.target), names, f"{who}: target")
    return _one_class(index, trigger, names, "given")


def _one_class(
    index: int, trigger: Trigger, names: tuple[str, ...], chosen: Chosen, images: int = 0
) -> Target:
    led = None
    if trigger.source:
        led = leads(index, trigger.source, names, f"trigger {printable(trigger.id, 60)}")
    return Target(index, names[index], chosen, images, led)


def _in_words(trigger: Trigger) -> str:
    if isinstance(trigger.target, AllToAll):
        k = trigger.target.all_to_all
        return "the next class" if k == 1 else f"the class {k} further on"
    return "the class that the map gives"


def _inferred(
    classifier: Classifier,
    dataset: Dataset,
    triggers: Sequence[Trigger],
    names: tuple[str, ...],
    batch_size: int,
    drawn: NDArray[np.int64],
) -> list[Target]:
    """Return the class that most images of the source classes move to, for each trigger."""
    look = GradCam(classifier, None, frozen=True)
    counts = np.zeros((len(triggers), 2, classifier.classes), np.int64)
    seen = np.zeros(len(triggers), np.int64)
    sources = [_source(trigger, names) for trigger in triggers]

    def asked() -> Iterator[tuple[tuple[int, NDArray[np.int64]], NDArray[np.uint8], int]]:
        """Give every batch as it is, by the number -1, and under each trigger, by its own."""
        for batch in dataset.batches(drawn, classifier.size, batch_size):
            if not len(batch.labels):
                continue
            yield (-1, np.arange(len(batch.labels))), batch.images, 0
            for i, trigger in enumerate(triggers):
                rows = np.flatnonzero(np.isin(batch.labels, sources[i]))
                if len(rows):
                    yield (i, rows), trigger.stamp(batch.images[rows]), 0

    clean = np.zeros(0, np.int64)
    for (i, rows), found in look.each(asked()):
        if i < 0:
            clean = found.predicted
            continue
        stamped = found.predicted
        moved = stamped[stamped != clean[rows]]
        for kind, answers in enumerate((moved, stamped)):
            counts[i, kind] += np.bincount(answers, minlength=classifier.classes)
        seen[i] += len(rows)
    return [
        _one_class(
            int((moved if moved.any() else answers).argmax()), trigger, names, "inferred", int(n)
        )
        for trigger, (moved, answers), n in zip(triggers, counts, seen, strict=True)
    ]


def _source(trigger: Trigger, names: tuple[str, ...]) -> NDArray[np.int64]:
    where = f"trigger {printable(trigger.id, 60)}: source"
    given = [class_index(str(c), names, where) for c in trigger.source]
    return np.asarray(given or range(len(names)), np.int64)
