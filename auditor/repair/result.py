"""What a repair did: frozen values, standard library and numpy only.

Field names are those of `audit.json` and of a run directory's `metrics.jsonl`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.figures.results import Engine, Rate, Skipped
from auditor.figures.target import Target

BEFORE, UNLEARNING, RECOVERY, TEACHING = "before", "unlearning", "recovery", "teaching"
"""Phases of a history: epoch 0 is the model as it came; epochs of teaching train a teacher, whose
weights are not what is handed back."""


@dataclass(frozen=True)
class Watched:
    """The held-out images whose heatmaps are drawn every epoch.

    Attributes:
        names: One an image, as its source names it.
        labels: Its class.
        stamped: (k, h, w, 3) uint8 RGB, with the trigger.
        outline: (h, w) uint8, 1 where the trigger changes pixels.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    stamped: NDArray[np.uint8]
    outline: NDArray[np.uint8]


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

    epoch: int
    phase: str
    step: int
    images: int
    alpha: float | None
    loss: float | None
    clean_accuracy: Rate | Skipped
    asr: Rate | Skipped
    robust_accuracy: Rate | Skipped
    clean_target_rate: Rate | Skipped
    tar: float | None
    tar_density: float | None
    target_loss: float
    heat: NDArray[np.float32]
    predicted: tuple[int, ...]
    watched_tar: tuple[float | None, ...]
    training_seconds: float
    monitoring_seconds: float
    evaluation_seconds: float
    note: str = ""


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
    sha256: str
    available: int
    training: int
    validation: int
    overlap: int


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
    history: tuple[Epoch, ...]
    kept: int | None
    reason: str
    notes: tuple[str, ...]
    seconds: float
    monitoring_seconds: float
    evaluation_seconds: float
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
    class_names: tuple[str, ...]
    phases: tuple[tuple[str, int], ...]
    steps_per_epoch: int
    batch_size: int
    training: int
    validation: int
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
    epoch: int
    done: int
    images: int
