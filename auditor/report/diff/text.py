"""Two audits held beside each other, on a terminal: what became of the model, in one line."""

from rich.console import Group
from rich.text import Text

from auditor.records.diff import Diff
from auditor.report.diff.words import finding


def summary(diff: Diff, width: int) -> Group:
    """Return what a terminal of so many columns shows of them."""
    return Group(Text(finding(diff)))
