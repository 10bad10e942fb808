"""The flags of `bdaudit compare` that hold for every repair; each is a field of `RepairOptions`."""

from typing import Any

import click

from auditor.cli.flags import repair
from auditor.cli.flags.kinds import Number, option, stack
from auditor.errors import UsageError
from auditor.repair import REPAIRS
from auditor.repair.options import RepairOptions
from auditor.runs.ablations import ABLATED, ABLATIONS
from auditor.text import printable

flags = stack(
    option(
        "--methods",
        metavar="all|NAME,…",
        help=f"Which: {', '.join(REPAIRS)}. Default: all.",
    ),
    option(
        "--ablate",
        is_flag=True,
        help=f"Instead of methods, {ABLATED} with one part after the other taken away or changed: "
        f"{', '.join(list(ABLATIONS)[1:])}.",
    ),
    option(
        "--epochs",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Epochs of each one's main phase. Default: each method's own.",
    ),
    option(
        "--learning-rate",
        type=Number(1e-12, 1),
        metavar="RATE",
        help="Of each one. Default: each method's own.",
    ),
    repair.images,
    repair.place,
)
"""Which repairs are compared, and what is the same for all of them."""


def ways(flags: dict[str, Any]) -> dict[str, RepairOptions]:
    """Return each repair's name and options, in their order.

    Raises:
        UsageError: An unknown method, one given twice, or methods beside --ablate.
    """
    given = {name: flags[name] for name in RepairOptions.__dataclass_fields__ if name in flags}
    given = {name: value for name, value in given.items() if value is not None}
    if flags["ablate"]:
        if flags["methods"] is not None:
            raise UsageError("--ablate and --methods exclude each other: give one of them")
        return {n: RepairOptions.of(ABLATED, **{**given, **own}) for n, own in ABLATIONS.items()}
    return {name: RepairOptions.of(name, **given) for name in _named(flags["methods"])}


def _named(methods: str | None) -> list[str]:
    if methods in (None, "all"):
        return list(REPAIRS)
    names = [name.strip() for name in methods.split(",")]
    known = ", ".join(REPAIRS)
    for name in names:
        if name not in REPAIRS:
            shown = printable(name, 60)
            raise UsageError(f"--methods: no method {shown!r}; give all, or some of {known}")
        if names.count(name) > 1:
            raise UsageError(f"--methods: {name} is given twice")
    return names
