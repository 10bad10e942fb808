"""Repairs: a backdoored model trained until the trigger opens nothing, and it still does its work.

To add a method, write `repair/x.py` with `phases(options) -> tuple[Phase, ...]` and add its entry
here. Everything else is shared: data, `fit`, watching, choice, checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Method:
    """A way to repair.

    Attributes:
        summary: What it is, in a phrase, with its source.
        defaults: Fields of `RepairOptions` that it sets otherwise than `RepairOptions` itself.
        own: Fields of `RepairOptions` that mean nothing to methods which do not list them too.
    """

    summary: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    own: tuple[str, ...] = ()


_BENCH = {
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "schedule": "cosine",
    "weight_decay": 5e-4,
    "anchor_weight": 0.0,
    "epochs": 20,
    "recovery_epochs": 0,
}
"""As BackdoorBench (Wu et al. 2022) and Zhu et al. 2023 fine-tune, but for 20 epochs, not 100."""

_ASCENT = (
    "alpha",
    "on_stall",
    "patience",
    "stall_change",
    "stall_epochs",
    "stall_steps",
    "unlearned_below",
)

REPAIRS = {
    "balanced": Method(
        "its own clean answers and features, taught on stamped images (this tool's own)",
        {
            "epochs": 6,
            "recovery_epochs": 6,
            "learning_rate": 6e-4,
            "schedule": "cosine",
            "anchor_weight": 0.0,
            "shift": 0.125,
        },
        own=("family", "feature_weight", "label_share", "recovery_epochs", "way_back"),
    ),
    "unlearn": Method(
        "gradient ascent on the trigger, then recovery (arXiv:2511.21291)",
        own=("family", "recovery_epochs", *_ASCENT),
    ),
    "relabel": Method(
        "stamped images shown with their own labels (as Wang et al. 2019, with the true trigger)",
        {"epochs": 8, "recovery_epochs": 2, "learning_rate": 1e-4, "anchor_weight": 0.0},
        own=("family", "recovery_epochs"),
    ),
    "finetune": Method("training on clean images alone", _BENCH),
    "fineprune": Method(
        "idle channels pruned, then fine-tuning (Liu et al. 2018)", _BENCH, ("prune_allowance",)
    ),
    "cleanse": Method(
        "a found trigger shown with true labels, the given one unknown to it (Wang et al. 2019)",
        {"epochs": 8, "learning_rate": 1e-4, "anchor_weight": 0.0},
    ),
    "nad": Method(
        "attention distilled from a fine-tuned teacher (Li et al. 2021)",
        {
            **_BENCH,
            "learning_rate": 0.01,
            "schedule": "steps",
            "weight_decay": 1e-4,
            "epochs": 10,
        },
        own=("attention_weight", "teacher_epochs"),
    ),
    "ftsam": Method(
        "fine-tuning with sharpness-aware minimisation (Zhu et al. 2023)",
        {**_BENCH, "label_smoothing": 0.1},
        own=("rho",),
    ),
}
"""Method → what it is; each is `repair/NAME.py`."""

DEFAULT = "balanced"
"""The method that is used where none is named."""


def reads(method: str, name: str) -> bool:
    """Whether a field of `RepairOptions` means anything to a method."""
    owners = readers(name)
    return not owners or method in owners


def readers(name: str) -> list[str]:
    """Return the methods that alone read a field of `RepairOptions`; none where all do."""
    return [method for method, known in REPAIRS.items() if name in known.own]
