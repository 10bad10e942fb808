"""What a repair did: frozen values, standard library and numpy only.

Field names are those of `audit.json` and of a run directory's `metrics.jsonl`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from auditor.figures.facts import Engine
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.figures.values import (
    MOST_EPOCHS,
    Amount,
    Class,
    ClassNames,
    Count,
    PhaseName,
    Seconds,
    Sha256,
)
from auditor.files.constraints import Array, Length, stated

BEFORE, UNLEARNING, RECOVERY, TEACHING = "before", "unlearning", "recovery", "teaching"
"""Phases of a history: epoch 0 is the model as it came; epochs of teaching train a teacher, whose
weights are not what is handed back."""


_WATCHED = Length(64, of="watched images")


@dataclass(frozen=True)
class Watched:
    """The held-out images whose heatmaps are drawn every epoch.

    Attributes:
        names: One an image, as its source names it.
        labels: Its class.
        stamped: (k, h, w, 3) uint8 RGB, with the trigger.
        outline: (h, w) uint8, 1 where the trigger changes pixels.
    """

    names: Annotated[tuple[str, ...], _WATCHED]
    labels: Annotated[tuple[Class, ...], _WATCHED]
    stamped: Annotated[NDArray[np.uint8], Array("uint8", (None, None, None, 3))]
    outline: Annotated[NDArray[np.uint8], Array("uint8", (None, None), high=1)]

    def __post_init__(self) -> None:
        """Refuse what does not belong together.

        Raises:
            ValueError: Not one name, label and picture an image, or the outline has another size.
        """
        if not len(self.stamped) == len(self.names) == len(self.labels):
            raise ValueError("the watched images do not agree in number")
        if self.stamped.shape[1:3] != self.outline.shape:
            raise ValueError("the outline of the watched images is not of their size")


@dataclass(frozen=True)
class Epoch:
    """One epoch of a repair, judged on the validation images, which are never trained on.

    Attributes:
        epoch: Its number, counted through all phases; 0 is the model as it came.
        phase: `before`, or the phase of the method: `unlearning`, `recovery`.
        step: Optimizer steps done by its end.
        images: Batches, clean and stamped, that the training has seen by then.
        alpha: α of this epoch: how much the stamped images weigh; None where that is not moved.
        loss: Mean training loss of the epoch; None for epoch 0.
        clean_accuracy: Of the validation images.
        asr: Of the stamped ones whose class is not the target.
        robust_accuracy: Of the same.
        clean_target_rate: Of the same, unstamped.
        tar: Median Trigger Attention Ratio of the stamped ones; None where undefined.
        tar_density: Median attention density of the same; None where undefined.
        target_loss: Mean cross-entropy of the stamped ones with the target class as the answer:
            what the ascent raises, and the first figure to move.
        heat: (k, gh, gw) float32 Grad-CAM of the watched images; (k, 0, 0) without a layer.
        predicted: Class predicted for each watched image.
        watched_tar: TAR of each watched image; None where undefined.
        training_seconds: Spent in training steps, this epoch.
        monitoring_seconds: Spent on the watched images' heatmaps, TAR and pictures.
        evaluation_seconds: Spent on the rates of the validation images.
        note: What the early diagnosis said after this epoch; empty mostly.
    """

    epoch: Count
    phase: PhaseName
    step: Count
    images: Count
    alpha: float | None
    loss: float | None
    clean_accuracy: Rate | Skipped
    asr: Rate | Skipped
    robust_accuracy: Rate | Skipped
    clean_target_rate: Rate | Skipped
    tar: Amount | None
    tar_density: Amount | None
    target_loss: float
    heat: Annotated[NDArray[np.float32], Array("float32", (None, None, None), 1_024)]
    predicted: Annotated[tuple[Class, ...], _WATCHED]
    watched_tar: Annotated[tuple[Amount | None, ...], _WATCHED]
    training_seconds: Seconds
    monitoring_seconds: Seconds
    evaluation_seconds: Seconds
    note: str = stated("")

    def __post_init__(self) -> None:
        """Refuse heatmaps, classes and ratios of different images.

        Raises:
            ValueError: They are not as many.
        """
        if not len(self.heat) == len(self.predicted) == len(self.watched_tar):
            raise ValueError("an epoch's watched images do not agree in number")


@dataclass(frozen=True)
class RepairData:
    """Which clean images a repair used.

    Attributes:
        source: As the user gave it.
        sha256: Of the images used, as in `DataFacts`.
        available: Images in the source.
        training: Images trained on.
        validation: Images that only chose the kept epoch.
        overlap: Evaluation images whose pixels are also among the images used.
    """

    source: str
    sha256: Sha256
    available: Count
    training: Count
    validation: Count
    overlap: Count


@dataclass(frozen=True)
class RepairResult:
    """What a repair did, and which epoch's weights it kept.

    Attributes:
        method: Name of the method.
        parameters: Every option that shaped it.
        data: The images it used.
        watched: The images whose heatmaps stand in `history`.
        history: Every epoch, epoch 0 first.
        kept: The epoch whose weights were kept; None when none was worth keeping.
        reason: Why that one, or why none; a sentence.
        notes: What a reader must know: a stall, an early stop, a checkpoint fallen back on.
        seconds: Of the repair, all of it.
        monitoring_seconds: Of the heatmaps, their TAR and pictures.
        evaluation_seconds: Of judging the validation images.
        engine: What it ran on.
    """

    method: str
    parameters: dict[str, str | int | float | bool | None]
    data: RepairData
    watched: Watched
    history: Annotated[tuple[Epoch, ...], Length(MOST_EPOCHS, 1, "epochs")]
    kept: Count | None
    reason: str
    notes: tuple[str, ...]
    seconds: Seconds
    monitoring_seconds: Seconds
    evaluation_seconds: Seconds
    engine: Engine


@dataclass(frozen=True)
class Plan:
    """What a repair is about to do, told to those who watch it before the first epoch.

    Attributes:
        model: The model file's name.
        method: Name of the method.
        trigger: Name of the trigger.
        target: Where the trigger leads.
        class_names: One a class.
        phases: Each phase's name and number of epochs, in order.
        steps_per_epoch: Optimizer steps an epoch.
        batch_size: Clean images a step; unlearning adds as many stamped ones.
        training: Images trained on.
        validation: Images that judge each epoch.
        max_asr: Limit on ASR.
        max_tar: Limit on TAR.
        max_accuracy_drop: Highest fall in accuracy, a fraction.
        watched: The images whose heatmaps are drawn.
    """

    model: str
    method: str
    trigger: str
    target: Target
    class_names: ClassNames
    phases: Annotated[tuple[tuple[PhaseName, Count], ...], Length(20, of="phases")]
    steps_per_epoch: Count
    batch_size: Count
    training: Count
    validation: Count
    max_asr: float
    max_tar: float
    max_accuracy_drop: float
    watched: Watched

    @property
    def epochs(self) -> int:
        """Epochs of all phases together, epoch 0 not among them."""
        return sum(epochs for _, epochs in self.phases)

    @property
    def steps(self) -> int:
        """Optimizer steps of all phases together."""
        return self.epochs * self.steps_per_epoch

    def as_it_went(self, history: Sequence[Epoch]) -> "Plan":
        """Return the plan with the phases that have ended cut to the epochs that they had."""
        had = Counter(epoch.phase for epoch in history)
        names = [name for name, _ in self.phases]
        running = names.index(history[-1].phase) if history and history[-1].phase in names else 0
        phases = (
            (name, had[name] if number < running else epochs)
            for number, (name, epochs) in enumerate(self.phases)
        )
        return replace(self, phases=tuple(phases))


@dataclass(frozen=True)
class Step:
    """How far the training is.

    Attributes:
        phase: The phase's name.
        epoch: The epoch that is running, counted through all phases.
        done: Steps done in all.
        images: Batches seen in all.
    """

    phase: str
    epoch: Count
    done: Count
    images: Count
