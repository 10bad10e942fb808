"""The flags that say how a model is repaired; each is a field of `RepairOptions`, but --device.

What is not given is as the method has it.
"""

from typing import Any

import click

from auditor.cli.flags.common import batch_size as clean_batch
from auditor.cli.flags.common import device
from auditor.cli.flags.kinds import Decorator, Number, NumberPair, option, stack
from auditor.figures.policy import Limits
from auditor.repair import DEFAULT, REPAIRS, readers
from auditor.repair.family import FAMILIES
from auditor.repair.options import RepairOptions


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ":".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _own(name: str, kind: Any, metavar: str | None, what: str) -> Decorator:
    """Return the option for a field whose default is the method's."""
    owners = readers(name)
    lead = f"{owners[0]}: " if len(owners) == 1 and owners[0] != DEFAULT else ""
    defaults = _defaults(name)
    settings = {"metavar": metavar} if metavar else {}
    return option(
        "--" + name.replace("_", "-"),
        type=kind,
        help=f"{lead}{what} Default: {defaults}.",
        **settings,
    )


def _defaults(name: str) -> str:
    """Return a field's default in words: the methods' where they differ."""
    methods = readers(name) or list(REPAIRS)
    by_value: dict[str, list[str]] = {}
    for method in methods:
        value = getattr(RepairOptions.of(method), name)
        by_value.setdefault(_shown(value), []).append(method)
    if len(by_value) == 1:
        return next(iter(by_value))
    return ", ".join(f"{value} ({', '.join(names)})" for value, names in by_value.items())


images = stack(
    option(
        "--clean-budget",
        type=Number(0),
        metavar="FRACTION|N",
        help="Clean images the repair may use, those that judge it included: a fraction of --data "
        "up to 1, or a number. Default: all.",
    ),
    option(
        "--validation",
        type=click.IntRange(2),
        metavar="N",
        help="How many of them only judge the epochs. Default: a fifth, at most 2000.",
    ),
    option(
        "--mirror",
        is_flag=True,
        help="Mirror images left to right at random while training: for photographs, not for "
        "digits, text or road signs.",
    ),
)
"""Which clean images are used, and how they are shown."""

place = stack(
    device("Outside the sandbox every GPU takes part in the training; inside, one."),
    option("--mixed-precision", is_flag=True, help="Train in bfloat16; weights stay float32."),
)
"""Where it is computed, and how exactly."""

batch_size = clean_batch(
    RepairOptions.batch_size,
    "Clean images a step, of all devices together; many methods add as many stamped ones.",
)
"""How many clean images a step."""


def max_accuracy_drop(more: str = "") -> Decorator:
    """The option that says how much accuracy a repair may cost."""
    return option(
        "--max-accuracy-drop",
        type=Number(0, 1),
        default=RepairOptions.max_accuracy_drop,
        metavar="FRACTION",
        help=f"Highest fall in clean accuracy; its upper bound is judged. {more}".rstrip(),
    )


def max_neighbour_asr(default: float | None) -> Decorator:
    """The option that says what a repair may leave of the trigger's neighbours."""
    own = Limits.max_neighbour_asr
    return option(
        "--max-neighbour-asr",
        type=Number(0, 1),
        default=default,
        metavar="FRACTION",
        help="Highest share of images that any of the trigger's neighbours leads to the target "
        "after a repair, beyond what noise at its place, or nothing, does; its upper bound is "
        "judged." + ("" if default else f" Default: {own}, where the audit knows what noise does."),
    )


KEPT = "An epoch that the validation images show to be beyond it is not kept."


flags = stack(
    option(
        "--method",
        type=click.Choice(list(REPAIRS)),
        default=DEFAULT,
        help="How it is repaired; the README has a table. Each has its own defaults.",
    ),
    _own("epochs", click.IntRange(1, 10_000), "N", "Epochs of the method's main phase."),
    _own("recovery_epochs", click.IntRange(0, 10_000), "N", "Epochs of recovery on clean images."),
    _own("teacher_epochs", click.IntRange(1, 10_000), "N", "Epochs that train the teacher."),
    _own("optimizer", click.Choice(["adam", "sgd"]), None, "What moves the weights."),
    _own(
        "learning_rate",
        Number(1e-12, 1),
        "RATE",
        "Its rate; the same whatever the data and device.",
    ),
    _own(
        "schedule",
        click.Choice(["constant", "cosine", "steps"]),
        None,
        "How the rate goes on within a phase: as it is, down to 0, or in five steps.",
    ),
    _own("weight_decay", Number(0, 1), "SHARE", "Of the optimizer."),
    _own("label_smoothing", Number(0, 1), "SHARE", "Of every label, spread over all classes."),
    _own(
        "alpha",
        NumberPair(Number(0, 1_000)),
        "FIRST:LAST",
        "Weight of the ascent on the trigger, from the first to the last epoch.",
    ),
    _own(
        "unlearned_below",
        Number(0, 1),
        "CHANCE",
        "A stamped image leaves the ascent when the model gives the target less than this chance; "
        "0 for never. Far lower, the target class itself is shunned.",
    ),
    _own(
        "clean_weight", Number(0, 1_000_000), "WEIGHT", "Weight of the clean images' cross-entropy."
    ),
    _own(
        "anchor",
        click.Choice(["plain", "fisher"]),
        None,
        "What holds each weight to where it began: all alike, or by its Fisher information.",
    ),
    _own("anchor_weight", Number(0, 1_000_000), "WEIGHT", "How strongly."),
    _own(
        "attention_weight",
        Number(0, 1e9),
        "WEIGHT",
        "How strongly attention is held to the teacher's.",
    ),
    _own(
        "label_share",
        Number(0, 1),
        "SHARE",
        "How much of what is taught are the labels; the rest is what the model says itself.",
    ),
    _own(
        "feature_weight",
        Number(0, 1e9),
        "WEIGHT",
        "How strongly a stamped image's features are held to its clean twin's.",
    ),
    _own(
        "way_back",
        Number(0, 0.9),
        "SHARE",
        "Look at stamped images this share of the way back to the weights that the model came "
        "with, so that it is not easily brought back.",
    ),
    _own(
        "family",
        click.Choice(FAMILIES),
        None,
        "What images are stamped with: the trigger alone; moved, turned, faded and recoloured as "
        "well, one time in two; or also patches found to lead to its target from other places.",
    ),
    _own("prune_allowance", Number(0, 1), "FRACTION", "Fall in accuracy that pruning may cost."),
    _own("rho", Number(0, 1_000), "RADIUS", "How far the sharpest point is sought."),
    images,
    _own(
        "shift",
        Number(0, 0.5),
        "SHARE",
        "Shift half of the images, at random, by up to this share of their height and width.",
    ),
    _own(
        "least_steps",
        click.IntRange(1, 1_000_000),
        "N",
        "Fewest training steps an epoch; little data is passed over several times.",
    ),
    _own(
        "patience",
        click.IntRange(1, 10_000),
        "N",
        "End unlearning once the trigger is forgotten and N epochs bring nothing better.",
    ),
    _own(
        "on_stall",
        click.Choice(["stop", "escalate", "continue"]),
        None,
        "When nothing moves by the end of --stall-epochs: stop and say so, double alpha, or go on.",
    ),
    _own(
        "stall_epochs",
        NumberPair(click.IntRange(1, 10_000), rising=True),
        "FIRST:LAST",
        "Epochs that the early diagnosis looks at.",
    ),
    _own("stall_steps", click.IntRange(1), "N", "It gives no verdict before N steps."),
    _own(
        "stall_change",
        Number(0, 1),
        "FRACTION",
        "Relative change of ASR, TAR or loss that counts as movement.",
    ),
    _own(
        "watched",
        click.IntRange(1, 16),
        "N",
        "Held-out images whose heatmaps are drawn every epoch.",
    ),
    place,
)
"""How a model is repaired."""
