"""The flags that say how a model is repaired; each is a field of `RepairOptions`, but --device."""

from typing import Any

import click

from auditor.cli.options import Number, option, stack
from auditor.repair import REPAIRS
from auditor.repair.options import RepairOptions


class Pair(click.ParamType[tuple[Any, ...]]):
    """Two numbers with a colon between them, `0.05:0.20`."""

    name = "pair"

    def __init__(self, number: click.ParamType[Any], *, rising: bool = False) -> None:
        self.number, self.rising = number, rising

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Refuse what is not two numbers of the right kind."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(":")
        if len(parts) != 2:
            self.fail(f"{value!r} is not two numbers with a colon, such as 0.05:0.20.", param, ctx)
        pair = tuple(self.number.convert(part, param, ctx) for part in parts)
        if self.rising and pair[0] > pair[1]:
            self.fail(f"{value!r} goes backwards.", param, ctx)
        return pair


def _pair(value: tuple[Any, Any]) -> str:
    return f"{value[0]}:{value[1]}"


flags = stack(
    option(
        "--method",
        type=click.Choice(list(REPAIRS)),
        default=RepairOptions.method,
        help="How it is repaired: " + "; ".join(f"{k}, {v}" for k, v in REPAIRS.items()) + ".",
    ),
    option(
        "--epochs",
        type=click.IntRange(1, 10_000),
        default=RepairOptions.epochs,
        metavar="N",
        help="Epochs of unlearning.",
    ),
    option(
        "--recovery-epochs",
        type=click.IntRange(0, 10_000),
        default=RepairOptions.recovery_epochs,
        metavar="N",
        help="Epochs of recovery on clean images.",
    ),
    option(
        "--learning-rate",
        type=Number(1e-12, 1),
        default=RepairOptions.learning_rate,
        metavar="RATE",
        help="Of Adam; the same whatever the data and device.",
    ),
    option(
        "--alpha",
        type=Pair(Number(0, 1_000)),
        default=_pair(RepairOptions.alpha),
        metavar="FIRST:LAST",
        help="Weight of the ascent on the trigger, from the first to the last epoch.",
    ),
    option(
        "--unlearned-below",
        type=Number(0, 1),
        default=RepairOptions.unlearned_below,
        metavar="CHANCE",
        help="A stamped image leaves the ascent when the model gives the target less than this "
        "chance; 0 for never. Far lower, the target class itself is shunned.",
    ),
    option(
        "--clean-weight",
        type=Number(0, 1_000_000),
        default=RepairOptions.clean_weight,
        metavar="WEIGHT",
        help="Weight of the clean images' cross-entropy.",
    ),
    option(
        "--anchor",
        type=click.Choice(["plain", "fisher"]),
        default=RepairOptions.anchor,
        help="What holds each weight to where it began: all alike, or by its Fisher information.",
    ),
    option(
        "--anchor-weight",
        type=Number(0, 1_000_000),
        default=RepairOptions.anchor_weight,
        metavar="WEIGHT",
        help="How strongly.",
    ),
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
    option(
        "--least-steps",
        type=click.IntRange(1, 1_000_000),
        default=RepairOptions.least_steps,
        metavar="N",
        help="Fewest training steps an epoch; little data is passed over several times.",
    ),
    option(
        "--patience",
        type=click.IntRange(1, 10_000),
        default=RepairOptions.patience,
        metavar="N",
        help="End unlearning once the trigger is forgotten and N epochs bring nothing better.",
    ),
    option(
        "--on-stall",
        type=click.Choice(["stop", "escalate", "continue"]),
        default=RepairOptions.on_stall,
        help="When nothing moves by the end of --stall-epochs: stop and say so, double alpha, or "
        "go on.",
    ),
    option(
        "--stall-epochs",
        type=Pair(click.IntRange(1, 10_000), rising=True),
        default=_pair(RepairOptions.stall_epochs),
        metavar="FIRST:LAST",
        help="Epochs that the early diagnosis looks at.",
    ),
    option(
        "--stall-steps",
        type=click.IntRange(1),
        default=RepairOptions.stall_steps,
        metavar="N",
        help="It gives no verdict before N steps.",
    ),
    option(
        "--stall-change",
        type=Number(0, 1),
        default=RepairOptions.stall_change,
        metavar="FRACTION",
        help="Relative change of ASR, TAR or loss that counts as movement.",
    ),
    option(
        "--watched",
        type=click.IntRange(1, 16),
        default=RepairOptions.watched,
        metavar="N",
        help="Held-out images whose heatmaps are drawn every epoch.",
    ),
    option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        default="auto",
        help="Where to train; every GPU there is takes part.",
    ),
    option("--mixed-precision", is_flag=True, help="Train in bfloat16; weights stay float32."),
)
"""How a model is repaired."""
