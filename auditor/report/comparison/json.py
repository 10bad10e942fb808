"""`comparison.json`."""

from auditor.comparison import Comparison
from auditor.comparison_file import canonical


def render(comparison: Comparison) -> bytes:
    """Return the comparison as JSON; its audits are valid under the shipped schema."""
    return canonical(comparison)
