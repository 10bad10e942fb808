"""How a repair is done: every option, its default, and what it means."""

from dataclasses import dataclass
from typing import Any, Literal, Self

from auditor.repair import DEFAULT, REPAIRS
from auditor.repair.family import Family

OnStall = Literal["stop", "escalate", "continue"]
Schedule = Literal["constant", "cosine", "steps"]


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """Options of a repair; the defaults are those of arXiv:2511.21291 where it gives them.

    Other methods have others: `RepairOptions.of("finetune")` has that method's.

    The learning rate does not depend on the amount of data, nor on the device: the batch size is
    that of all devices together. What changes with the data is the number of passes: an epoch is
    one pass over the training images, or as many as make `least_steps` optimizer steps, so that
    little data still moves the weights.

    Attributes:
        method: One of `REPAIRS`.
        epochs: Epochs of the method's main phase, 1 or more.
        recovery_epochs: Epochs of recovery on clean images, 0 or more.
        teacher_epochs: `nad`: epochs that its teacher is fine-tuned for.
        optimizer: `adam`, or `sgd` with a momentum of 0.9 and gradients of a length of at most 1.
        learning_rate: Its learning rate, in every phase.
        schedule: How the rate goes on within a phase: `constant`, `cosine` down to 0, or `steps`,
            ten times less after every fifth of the phase.
        weight_decay: Of the optimizer.
        label_smoothing: Share of every label that is spread over all classes.
        alpha: Weight of the ascent in the first and in the last epoch of unlearning.
        unlearned_below: Probability of the target at which a stamped image counts as unlearned and
            leaves the ascent, which the paper leaves without end; 0 for that. At 1 % the trigger is
            forgotten; far below, the network learns to shun the class, clean images of it too.
        clean_weight: λ, the weight of the clean images' cross-entropy.
        anchor: What the penalty weighs each weight by: `plain` (all alike) or `fisher` (its
            diagonal Fisher information, scaled to a mean of 1).
        anchor_weight: β, the weight of the penalty.
        attention_weight: `nad`: weight of the attention's distance to the teacher's.
        label_share: `balanced`: how much of what is taught are the labels, the rest being what the
            model itself says of the clean image.
        feature_weight: `balanced`: γ, weight of the features' distance between an image and its
            stamped twin.
        way_back: `balanced`: ρ, where stamped images are looked at, a share of the way back to the
            weights that the model came with; 0 for where it stands.
        family: What images are stamped with: `exact`, the trigger alone; `near`, its neighbours as
            well, one time in two; or `any`, also patches that open the model from other places.
        prune_allowance: `fineprune`: fall in accuracy that pruning may cost, a fraction.
        rho: `ftsam`: radius of the ball that the sharpest point is sought in.
        batch_size: Clean images a step; unlearning adds as many stamped ones.
        clean_budget: How many clean images may be used, validation included: a fraction of those
            there are (at most 1), or a number (above 1); None for all.
        validation: How many of them only judge the epochs; None for a fifth, at most 2,000.
        mirror: Mirror images left to right at random: more variety for photographs, nonsense for
            digits, text and road signs.
        shift: Shift half of the images, at random, by up to this share of their height and width.
        least_steps: Fewest optimizer steps an epoch.
        patience: Epochs without a better one after which unlearning ends early.
        on_stall: What to do when the early diagnosis finds that nothing moves.
        stall_epochs: The first and the last epoch that the diagnosis looks at.
        stall_steps: It gives no verdict before this many optimizer steps.
        stall_change: Relative change of ASR, TAR or of the stamped images' loss that counts as
            having moved.
        max_accuracy_drop: Highest fall in accuracy that a kept epoch may have, a fraction.
        watched: How many held-out images' heatmaps are drawn each epoch.
        mixed_precision: Compute in bfloat16; weights stay float32.
        seed: Of every choice and shuffle.
    """

    method: str = "unlearn"
    epochs: int = 15
    recovery_epochs: int = 3
    teacher_epochs: int = 10
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 3e-5
    schedule: Schedule = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    alpha: tuple[float, float] = (0.05, 0.20)
    unlearned_below: float = 0.01
    clean_weight: float = 1.0
    anchor: Literal["plain", "fisher"] = "plain"
    anchor_weight: float = 1e-4
    attention_weight: float = 1000.0
    label_share: float = 0.2
    feature_weight: float = 5.0
    way_back: float = 0.5
    family: Family = "near"
    prune_allowance: float = 0.04
    rho: float = 2.0
    batch_size: int = 128
    clean_budget: float | None = None
    validation: int | None = None
    mirror: bool = False
    shift: float = 0.0
    least_steps: int = 20
    patience: int = 4
    on_stall: OnStall = "stop"
    stall_epochs: tuple[int, int] = (5, 7)
    stall_steps: int = 140
    stall_change: float = 0.05
    max_accuracy_drop: float = 0.02
    watched: int = 5
    mixed_precision: bool = False
    seed: int = 0

    @classmethod
    def of(cls, method: str = DEFAULT, **given: Any) -> Self:
        """Return a method's own defaults, but for what is given.

        Args:
            method: One of `REPAIRS`; another name has the defaults of `unlearn`.
            given: Fields to set otherwise.
        """
        own = REPAIRS[method].defaults if method in REPAIRS else {}
        return cls(method=method, **{**own, **given})
