"""`audit.json`."""

from auditor.audits import Audits
from auditor.certificate import Certificate
from auditor.document import canonical


def render(audited: Certificate | Audits) -> bytes:
    """Return one audit, or several, as JSON, valid under the shipped schema."""
    return canonical(audited)
