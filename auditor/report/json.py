"""`audit.json`."""

from auditor.certificate import Certificate
from auditor.document import canonical


def render(certificate: Certificate) -> bytes:
    """Return the certificate as JSON, valid under the shipped schema."""
    return canonical(certificate)
