"""The report of a search as PDF/A-3 with `search.json` attached, fonts embedded."""

from auditor.report.pdf import paper
from auditor.report.search import json
from auditor.report.search.html import page
from auditor.search_report import SearchReport

ATTACHMENT = "search.json"


def render(report: SearchReport) -> bytes:
    """Return the PDF.

    Raises:
        WorkError: As `pdf.paper`.
    """
    return paper(page(report), json.render(report), ATTACHMENT, "The search", report.created)
