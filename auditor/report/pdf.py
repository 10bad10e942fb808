"""A record's page as PDF/A-3, fonts embedded, with the record's JSON attached.

The same record gives the same bytes: dates and the file identifier come from it, not from the
clock.
"""

import contextlib
import hashlib
import io
import logging
from datetime import datetime
from typing import Any

from auditor.errors import WorkError
from auditor.records.audits import Audits
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.records.search_report import SearchReport
from auditor.report.certificate import html as certificate
from auditor.report.comparison import html as comparison
from auditor.report.search import html as search

_VARIANT = "pdf/a-3a"


def render(record: Certificate | Audits | Comparison | SearchReport) -> bytes:
    """Return the PDF of a record.

    Raises:
        WorkError: WeasyPrint cannot be used on this machine, and how to mend it; or the page refers
            to something outside itself, which is not fetched.
    """
    attached = canonical(record)
    if isinstance(record, Comparison):
        page, created = comparison.page(record), record.before.created
        return _pdf(page, attached, "comparison.json", "The comparison", created)
    if isinstance(record, SearchReport):
        return _pdf(search.page(record), attached, "search.json", "The search", record.created)
    first = record.audits[0] if isinstance(record, Audits) else record
    return _pdf(certificate.page(record), attached, "audit.json", "The audit", first.created)


def _pdf(html: str, attached: bytes, name: str, what: str, created: str) -> bytes:
    """Return a page as PDF/A-3, its machine-readable form attached.

    Args:
        html: The page.
        attached: Its machine-readable form; the file's identifier comes from it.
        name: File name of what is attached.
        what: What that is: `The audit`.
        created: When, as `provenance.now` gives it.
    """
    weasyprint = _weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    written = datetime.fromisoformat(created)
    attachment = weasyprint.Attachment(
        file_obj=io.BytesIO(attached),
        name=name,
        description=f"{what}, for machines",
        relationship="Source",
        created=written,
        modified=written,
    )
    fetcher = weasyprint.urls.URLFetcher(
        allowed_protocols={"data"}, allow_redirects=False, fail_on_errors=True
    )
    try:
        document = weasyprint.HTML(string=html, url_fetcher=fetcher)
        pdf: bytes = document.write_pdf(
            attachments=[attachment],
            pdf_variant=_VARIANT,
            pdf_identifier=hashlib.sha256(attached).digest()[:16],
            optimize_images=False,
        )
    except weasyprint.urls.FatalURLFetchingError as error:  # which is no Exception
        raise WorkError(f"the certificate refers to something outside itself: {error}") from error
    return pdf


def ready() -> None:
    """See that WeasyPrint can be used, before an audit's work is done.

    Raises:
        WorkError: It cannot; says how to mend it.
    """
    _weasyprint()


def load() -> Any:
    """Import WeasyPrint, without the banner that it prints where Pango is missing."""
    with contextlib.redirect_stdout(io.StringIO()):
        import weasyprint
    return weasyprint


def _weasyprint() -> Any:
    try:
        return load()
    except OSError as error:
        raise WorkError(
            "WeasyPrint finds no Pango, so no PDF can be made; mend it with: apt-get install "
            "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        ) from error
