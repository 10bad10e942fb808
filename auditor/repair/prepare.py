"""What a repair needs before its first step: images, validation, phases, the anchor's weights.

All of it follows from the task and the options, so a resumed repair prepares the same.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, check_labels, stratified
from auditor.data.overlap import overlap
from auditor.errors import InputError, UsageError
from auditor.figures.target import Target
from auditor.files.codec import no_array, to_json
from auditor.measure.preflight import settled
from auditor.measure.progress import Progress, silent
from auditor.measure.regions import CENTER, regions
from auditor.models.classifier import Classifier
from auditor.repair import REPAIRS, clean, fisher, reads
from auditor.repair.batches import Batches, smoothed
from auditor.repair.budget import budgeted
from auditor.repair.clean import CleanImages
from auditor.repair.family import stamps
from auditor.repair.objective import Weights
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.place import Place
from auditor.repair.result import Plan, RepairData
from auditor.repair.validation import Validation
from auditor.search.places import PlacedPatch
from auditor.text import printable
from auditor.triggers.base import Stamp, Trigger


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be repaired, and how it is judged.

    Attributes:
        classifier: The backdoored model; its weights are changed in place.
        data: Clean images to repair with.
        trigger: The trigger to forget.
        target: Where it leads.
        name: The model's name, for those who watch.
        evaluation: Images that the repair will be certified on; looked at only to count the ones
            that are also among the repair's.
        layer: Name of the layer that heatmaps are read at; None for the last spatial one.
        object_region: As in `measure.options.Options`.
        max_asr: Limit on ASR, for those who watch.
        max_tar: Limit on TAR, for those who watch.
    """

    classifier: Classifier
    data: Dataset
    trigger: Trigger
    target: Target
    name: str = "model"
    evaluation: Dataset | None = None
    layer: str | None = None
    object_region: str = CENTER
    max_asr: float = 0.10
    max_tar: float = 1.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Everything about a repair that its training does not change.

    Attributes:
        task: What is to be repaired.
        options: How.
        place: The device.
        phases: The method's.
        images: The clean images.
        facts: Which they are.
        validation: What every epoch is judged by.
        weighing: What the anchor weighs each weight by; None for all alike.
        found: What else opens the model, of the family `any`.
        room: Folder where what `begin` does can be kept while it goes on; None for none.
        progress: Told how far `begin` is.
        stop: Whether someone asks to stop.
    """

    task: Task
    options: RepairOptions
    place: Place
    phases: tuple[Phase, ...]
    images: CleanImages
    facts: RepairData
    validation: Validation
    weighing: Weights | None
    found: tuple[PlacedPatch, ...] = ()
    room: Path | None = None
    progress: Progress = silent
    stop: Callable[[], bool] = lambda: False

    @property
    def steps(self) -> int:
        """Optimizer steps an epoch."""
        one_pass = -(-len(self.images.training) // self.options.batch_size)
        return max(self.options.least_steps, one_pass)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a checkpoint to be gone on from."""
        chosen = {"data": self.facts.sha256, "target": to_json(self.task.target, no_array)}
        return {**chosen, "method": self.options.method, **_flat(self.options)}

    def parameters(self) -> dict[str, str | int | float | bool | None]:
        """Return every option, and what it came to."""
        used = self.facts.training + self.facts.validation
        came_to = {"clean_budget": used, "validation": self.facts.validation}
        return {**_flat(self.options), **came_to, "steps_per_epoch": self.steps}

    def plan(self) -> Plan:
        """Return what those who watch are told first."""
        task, options, facts = self.task, self.options, self.facts
        return Plan(
            model=task.name,
            method=options.method,
            trigger=task.trigger.id,
            target=task.target,
            class_names=task.data.class_names or tuple(map(str, range(task.classifier.classes))),
            phases=tuple((phase.name, phase.epochs) for phase in self.phases),
            steps_per_epoch=self.steps * self.phases[0].shown,
            batch_size=options.batch_size,
            training=facts.training,
            validation=facts.validation,
            max_asr=task.max_asr,
            max_tar=task.max_tar,
            max_accuracy_drop=options.max_accuracy_drop,
            watched=self.validation.watched,
        )

    def rows(self, phase: Phase, carried: Weights) -> Batches:
        """Return what a phase trains on.

        Args:
            phase: The phase.
            carried: What its `begin` returned.
        """
        return Batches(
            images=self.images.images,
            labels=self.images.labels,
            among=self.images.training,
            stamps=phase.stamps(carried) if phase.stamps else self._stamps(),
            target=self.task.target,
            batch_size=self.options.batch_size,
            steps=self.steps * phase.shown,
            beside=phase.beside,
            mirror=self.options.mirror,
            seed=self.options.seed,
            shown=phase.shown,
            shift=self.options.shift,
            chances=self._chances(),
        )

    def _stamps(self) -> tuple[Stamp, ...]:
        size, family = self.task.classifier.size, self.options.family
        return stamps(self.task.trigger, size, family, self.found)

    def _chances(self) -> NDArray[np.float32] | None:
        share, classes = self.options.label_smoothing, self.task.classifier.classes
        return smoothed(classes, share) if share else None


def prepare(task: Task, options: RepairOptions, place: Place, folder: Path) -> Prepared:
    """Read the images and compile what judges them.

    Args:
        task: What is to be repaired.
        options: How.
        place: The device.
        folder: For images that are too many for memory.

    Raises:
        UsageError: Too few images, a trigger that does not fit, an unknown layer or method, a batch
            that the devices cannot share.
        InputError: Images that cannot be used.
    """
    if options.method not in REPAIRS:
        raise UsageError(f"--method {options.method}: known are {', '.join(REPAIRS)}")
    place.check(options.batch_size)
    task = _settled(task, options)
    images, facts = _images(task, options, folder)
    return Prepared(
        task=task,
        options=options,
        place=place,
        phases=import_module(f"auditor.repair.{options.method}").phases(options),
        images=images,
        facts=facts,
        validation=_validation(task, options, images),
        weighing=_importance(task, options, images, place),
    )


def _settled(task: Task, options: RepairOptions) -> Task:
    """Return the task with the classes of its images in the order of the model's outputs."""
    check_labels(task.data, task.classifier.classes, "the model")
    data = settled(task.classifier, task.data, options.batch_size, options.seed)
    evaluation = task.evaluation
    if evaluation is not None and evaluation.orders:
        evaluation = settled(task.classifier, evaluation, options.batch_size, options.seed)
    return replace(task, data=data, evaluation=evaluation)


def _images(task: Task, options: RepairOptions, folder: Path) -> tuple[CleanImages, RepairData]:
    """Read the clean images that may be used, and say which they are."""
    task.trigger.mask(task.classifier.size)
    indices = budgeted(task.data, options.clean_budget, options.seed)
    size = task.classifier.size
    images = clean.read(
        task.data, indices, size, options.validation, task.target, options.seed, folder
    )
    shared = 0
    if task.evaluation is not None:
        _check_names(task.data, task.evaluation)
        every = np.arange(len(task.evaluation))
        shared = overlap(task.data, images.indices, task.evaluation, every, size)
    return images, RepairData(
        source=task.data.source,
        sha256=task.data.digest(images.indices),
        available=len(task.data),
        training=len(images.training),
        validation=len(images.validation),
        overlap=shared,
    )


def _check_names(data: Dataset, evaluation: Dataset) -> None:
    """Refuse the same classes in another order: one of both sources has its labels wrong."""
    ours, theirs = data.class_names or (), evaluation.class_names or ()
    if ours != theirs and sorted(ours) == sorted(theirs):
        one, other = printable(data.source), printable(evaluation.source)
        raise InputError(f"{one}: has its classes in another order than {other}; which is wrong?")


def _validation(task: Task, options: RepairOptions, images: CleanImages) -> Validation:
    layer = task.classifier.spatial_layer(task.layer)
    grid = layer.grid if layer else None
    compared = regions(task.trigger, task.object_region, task.classifier.size, grid)
    return Validation(
        task.classifier,
        layer,
        compared,
        task.trigger,
        task.target,
        np.asarray(images.images[images.validation]),
        images.labels[images.validation],
        tuple(task.data.name_of(int(i)) for i in images.indices[images.validation]),
        options.watched,
        2 * options.batch_size,
    )


def _importance(
    task: Task, options: RepairOptions, images: CleanImages, place: Place
) -> Weights | None:
    """Return the Fisher information of the model as it came, where the anchor asks for it."""
    if options.anchor != "fisher":
        return None
    drawn = stratified(images.labels[images.training], fisher.MOST_IMAGES, options.seed)
    some = images.training[drawn]
    shown, labels = np.asarray(images.images[some]), images.labels[some]
    return fisher.importance(task.classifier, shown, labels, place.jit_compile, max(1, place.gpus))


def _flat(options: RepairOptions) -> dict[str, str | int | float | bool | None]:
    """Return every option that the method reads, as one value each."""
    flat: dict[str, str | int | float | bool | None] = {}
    for name, value in asdict(options).items():
        if name != "method" and reads(options.method, name):
            flat[name] = ":".join(map(str, value)) if isinstance(value, tuple) else value
    return flat
