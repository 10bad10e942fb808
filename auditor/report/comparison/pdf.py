"""A comparison as PDF/A-3, across the page, with `comparison.json` attached."""

from auditor.comparison import Comparison
from auditor.comparison_file import canonical
from auditor.report import pdf
from auditor.report.comparison.html import page

ATTACHMENT = "comparison.json"


def render(comparison: Comparison) -> bytes:
    """Return the PDF.

    Raises:
        WorkError: As `pdf.paper`.
    """
    attached, created = canonical(comparison), comparison.before.created
    return pdf.paper(page(comparison), attached, ATTACHMENT, "The comparison", created)
