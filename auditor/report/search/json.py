"""The report of a search as canonical JSON."""

from auditor.codec import to_json
from auditor.document import dumped, pack
from auditor.search_report import SearchReport


def render(report: SearchReport) -> bytes:
    """Return JSON bytes: ASCII, two spaces, fields in order; masks as float32 in base64."""
    return dumped(to_json(report, pack))
