"""`audit`: from a classifier, images and a trigger to every figure of `audit.json`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, check_labels, sample
from auditor.errors import UsageError
from auditor.figures.facts import DataFacts
from auditor.figures.metrics import Regions
from auditor.figures.results import (
    AuditResult,
    AuditResults,
    Evidence,
    Measurement,
    Neighbour,
    Placebo,
)
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.figures.values import MOST_PICTURE_BYTES
from auditor.measure.attention import GradCam
from auditor.measure.every_image import Tried, measure
from auditor.measure.examples import examples
from auditor.measure.layer import Chosen, choose_layer
from auditor.measure.neighbours import try_neighbours
from auditor.measure.options import Options
from auditor.measure.parity import check_parity
from auditor.measure.placebos import IMAGES as PLACEBO_IMAGES
from auditor.measure.placebos import needed, strongest, try_placebos
from auditor.measure.preflight import settled
from auditor.measure.progress import Progress, silent
from auditor.measure.provenance import attention_facts, engine, model_facts, trigger_facts
from auditor.measure.regions import NO_LAYER, regions
from auditor.measure.tally import Tally
from auditor.measure.target import choose_targets
from auditor.models.classifier import Classifier, SpatialLayer
from auditor.triggers.base import Trigger

SHOWN = 6
_FEWER = 3
"""A third of what could be handed over is shown, unless that is less than one image a trigger:
records are to be sent around."""


def audit(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    options: Options | None = None,
    *,
    progress: Progress = silent,
) -> AuditResult:
    """Measure ASR, accuracy and attention of one model under one trigger.

    Args:
        classifier: The suspected model.
        dataset: Labelled images it has not been trained on.
        trigger: The trigger that its backdoor may answer to.
        options: How.
        progress: Told how far it is.

    Raises:
        UsageError: A class, layer, region or image that does not exist; a trigger that does not
            fit; an input range that the model evidently does not expect.
        InputError: Images that cannot be used: unreadable, of one class, none that the trigger
            leads to another class. A graph that others compute otherwise.
    """
    return audit_all(classifier, dataset, [trigger], options, progress=progress).audits[0]


def audit_all(
    classifier: Classifier,
    dataset: Dataset,
    triggers: Sequence[Trigger],
    options: Options | None = None,
    *,
    progress: Progress = silent,
) -> AuditResults:
    """Measure one model under several triggers: the clean images go through it only once.

    The arguments and errors are those of `audit`; each result is what `audit` would give alone.
    """
    options = options or Options()
    check_labels(dataset, classifier.classes, "the model")
    _check_shown(options.shown, len(dataset))
    for trigger in triggers:
        trigger.mask(classifier.size)
    fits = _fitting(len(triggers), classifier.size)
    layer = classifier.spatial_layer(options.layer)
    _regions(triggers, options, classifier, layer)  # what cannot be is said before anything runs
    progress("checking the input range", 0, 0)
    look = GradCam(classifier, layer, frozen=True)
    dataset = settled(classifier, dataset, options.batch_size, options.seed, look)
    drawn = sample(dataset, options.limit, options.seed)
    chosen = Chosen(layer, look)
    if options.layer is None:
        chosen = choose_layer(classifier, chosen, dataset, drawn, triggers, options.seed)
    layer, look = chosen.layer, chosen.look
    no_attention = None if layer else Skipped(NO_LAYER)
    compared = _regions(triggers, options, classifier, layer)
    witness = check_parity(classifier, look, dataset, drawn, triggers, options.seed)
    names = dataset.class_names or tuple(map(str, range(classifier.classes)))
    targets = choose_targets(
        options.target,
        classifier,
        dataset,
        triggers,
        names,
        options.batch_size,
        options.seed,
        options.limit,
    )
    tried = [
        Tried(trigger, Tally(target, compared_, no_attention))
        for trigger, target, compared_ in zip(triggers, targets, compared, strict=True)
    ]
    tell = partial(progress, "measuring")
    size, at_once = classifier.size, options.batch_size
    data = measure(look, dataset, drawn, size, tried, at_once, names, witness, tell)
    return AuditResults(
        tuple(
            _result(classifier, chosen, dataset, one, options, data, fits, progress)
            for one in tried
        )
    )


def _result(
    classifier: Classifier,
    chosen: Chosen,
    dataset: Dataset,
    tried: Tried,
    options: Options,
    data: DataFacts,
    fits: int,
    progress: Progress,
) -> AuditResult:
    """Return all that was found of one trigger, with images to show."""
    trigger, tally = tried.trigger, tried.tally
    target, compared = tally.target, tally.regions
    shown, rule = _shown(options, tally, fits)
    measured, placebos = _against_placebos(classifier, dataset, tried, options, progress)
    return AuditResult(
        model=model_facts(classifier),
        data=data,
        trigger=trigger_facts(trigger, classifier),
        target=target,
        attention=attention_facts(
            classifier, chosen.layer, options.object_region, chosen.instead_of
        ),
        measurement=measured,
        evidence=Evidence(
            classes=tally.class_rows(data.class_names),
            histogram=tally.histogram(),
            examples=examples(classifier, chosen.look, dataset, trigger, target, compared, shown),
            examples_rule=rule,
            placebos=placebos,
            neighbours=_neighbours(classifier, dataset, trigger, options, target, progress),
        ),
        engine=engine(classifier),
        correct=tally.correct(),
        shown=tuple(shown.tolist()),
    )


def _against_placebos(
    classifier: Classifier, dataset: Dataset, tried: Tried, options: Options, progress: Progress
) -> tuple[Measurement, tuple[Placebo, ...]]:
    """Return every figure, and what placebos do where the trigger does anything."""
    measured = tried.tally.measurement(options.seed)
    if (reason := needed(tried.trigger, measured)) is not None:
        return replace(measured, placebo_rate=reason), ()
    count = min(PLACEBO_IMAGES, options.limit or PLACEBO_IMAGES)
    drawn = sample(dataset, count, options.seed)
    found = try_placebos(
        classifier,
        dataset,
        tried.trigger,
        tried.tally.target,
        drawn,
        options.batch_size,
        progress,
    )
    return replace(measured, placebo_rate=strongest(found)), found


def _regions(
    triggers: Sequence[Trigger],
    options: Options,
    classifier: Classifier,
    layer: SpatialLayer | None,
) -> list[Regions | Skipped]:
    grid = layer.grid if layer else None
    return [regions(t, options.object_region, classifier.size, grid) for t in triggers]


def _check_shown(shown: tuple[int, ...] | None, images: int) -> None:
    if shown and not 0 <= min(shown) <= max(shown) < images:
        raise UsageError(
            f"images to show must be from 0 to {images - 1}, found {list(shown)!s:.60}"
        )


def _fitting(triggers: int, size: tuple[int, int]) -> int:
    """Return how many images of each trigger can be shown, so that all of them can be handed over.

    Raises:
        UsageError: Not even one.
    """
    height, width = size
    fits = MOST_PICTURE_BYTES // (2 * 3 * height * width)  # clean and stamped, RGB
    if triggers > fits:
        raise UsageError(
            f"--trigger: {triggers} at once; with images of {height}×{width} at most {fits} can be "
            "shown together; scan with some of them at a time"
        )
    return max(1, min(SHOWN, fits // _FEWER // triggers))


def _shown(options: Options, tally: Tally, fits: int) -> tuple[NDArray[np.int64], str]:
    """Return which images to show, and the rule in words."""
    if options.shown is None:
        return tally.spread(fits)
    return np.asarray(options.shown, np.int64), "These images were named before the audit."


def _neighbours(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    options: Options,
    target: Target,
    progress: Progress,
) -> tuple[Neighbour, ...]:
    if not options.neighbours:
        return ()
    count = min(options.neighbours, options.limit or options.neighbours)
    drawn = sample(dataset, count, options.seed)
    return try_neighbours(classifier, dataset, trigger, target, drawn, options.batch_size, progress)
