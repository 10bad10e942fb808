"""The certificate, or several of one model, as PDF/A-3 with `audit.json` attached, fonts embedded.

The same audit gives the same bytes: dates and the file identifier come from it, not from the
clock.
"""

import contextlib
import hashlib
import io
import logging
from datetime import datetime
from typing import Any

from auditor.audits import Audits
from auditor.certificate import Certificate
from auditor.document import canonical
from auditor.errors import WorkError
from auditor.report.html import page

ATTACHMENT = "audit.json"
_VARIANT = "pdf/a-3a"


def render(audited: Certificate | Audits) -> bytes:
    """Return the PDF.

    Raises:
        WorkError: As `paper`.
    """
    first = audited.audits[0] if isinstance(audited, Audits) else audited
    return paper(page(audited), canonical(audited), ATTACHMENT, "The audit", first.created)


def paper(html: str, attached: bytes, name: str, what: str, created: str) -> bytes:
    """Return a page as PDF/A-3, its machine-readable form attached.

    Args:
        html: The page.
        attached: Its machine-readable form; the file's identifier comes from it.
        name: File name of what is attached.
        what: What that is: `The audit`.
        created: When, as `certificate.now` gives it.

    Raises:
        WorkError: WeasyPrint cannot be used on this machine, and how to mend it; or the page refers
            to something outside itself, which is not fetched.
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
