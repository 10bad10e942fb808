"""A search that ends when its verdict is settled against one that takes every class to the end."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.common import BADNET, PHOTOGRAPHS, Page

CLEAN = BADNET.with_name("clean_twin.keras")
GOAL, MINUTES = 1 / 3, 15


@dataclass(frozen=True)
class Run:
    """What one search did: the classes that it flagged, its gradients, its seconds."""

    flagged: tuple[str, ...]
    evaluations: int
    seconds: float


def measure() -> Page:
    """Search the BadNet both ways, one after the other, then its clean twin."""
    full, settled = _search(BADNET, early_stop=False), _search(BADNET, early_stop=True)
    clean = _search(CLEAN, early_stop=True)
    share, time = settled.evaluations / full.evaluations, settled.seconds / full.seconds
    same = "the same verdict" if settled.flagged == full.flagged else "ANOTHER VERDICT"
    return Page(
        title="Searching for an unknown trigger",
        header=("model", "search", "flagged", "gradients", "time"),
        rows=[
            _row(BADNET, "every class to the end", full),
            _row(BADNET, "until settled", settled),
            _row(CLEAN, "until settled", clean),
        ],
        notes=[
            "The CNN of 623,690 parameters, 32×32, ten classes; 1,000 CIFAR-10 photographs of "
            "`BDAUDIT_PHOTOGRAPHS/test`, 250 of them held out; default options, in this process. A "
            "gradient is one image's, stamped for one class, with respect to that class's stamp.",
            f"Until settled: {share:.1%} of the gradients and {time:.1%} of the time, {same}. "
            f"Goal: at most {GOAL:.1%} of both at the same verdict, and {MINUTES} minutes.",
        ],
    )


def _row(model: Path, search: str, run: Run) -> tuple[str, ...]:
    flagged = ", ".join(run.flagged) or "none"
    return model.stem, search, flagged, f"{run.evaluations:,}", f"{run.seconds:.0f} s"


def _search(model: Path, *, early_stop: bool) -> Run:
    from auditor.data import open_source
    from auditor.models import load_classifier
    from auditor.search.base import search
    from auditor.search.options import SearchOptions

    options = SearchOptions(early_stop=early_stop)
    images = open_source(os.fspath(PHOTOGRAPHS / "test"))
    found = search(load_classifier(model), images, options)
    return Run(tuple(one.name for one in found.flagged), found.evaluations, found.seconds)
