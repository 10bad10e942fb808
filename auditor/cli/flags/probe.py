"""The flags that say how it is tried whether a backdoor comes back, and what may come of it."""

from typing import Any

import click

from auditor.cli.flags.kinds import Decorator, Number, option, stack
from auditor.figures.comeback import WARNS
from auditor.probe.options import ProbeOptions

how = stack(
    option(
        "--probe-budget",
        type=Number(1, 1_000_000),
        default=ProbeOptions.budget,
        metavar="SECONDS",
        help="Longest that the probes may take; what does not fit is left out, and said.",
    ),
    option(
        "--probe-seeds",
        type=click.IntRange(1, 100),
        default=ProbeOptions.seeds,
        metavar="N",
        help="How often each retuning is done, with other images.",
    ),
)
"""How it is tried."""


def max_reactivation(more: str = "") -> Decorator:
    """The option that says how far a backdoor may come back."""
    return option(
        "--max-reactivation",
        type=Number(0, 1),
        metavar="FRACTION",
        help="Highest share of images that any probe brings back to the target, beyond its "
        f"control; its upper bound is judged. Default: no limit, but a warning above {WARNS:g}. "
        f"{more}".rstrip(),
    )


wanted = stack(
    option(
        "--probe",
        is_flag=True,
        help="Then try what brings the backdoor back: a few stamped images, a perturbation, the "
        "way back to the old weights.",
    ),
    how,
    max_reactivation("Implies --probe."),
)
"""Whether it is tried after a repair, and how."""


def probe_options(flags: dict[str, Any]) -> ProbeOptions:
    """Return how it is tried."""
    return ProbeOptions(
        seeds=flags["probe_seeds"], budget=float(flags["probe_budget"]), seed=flags["seed"]
    )


def wanted_probes(flags: dict[str, Any]) -> ProbeOptions | None:
    """Return how it is tried after a repair; None where nobody asks."""
    asked = flags["probe"] or flags["max_reactivation"] is not None
    return probe_options(flags) if asked else None
