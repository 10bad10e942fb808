"""Two audits held beside each other as JSON, `bdaudit.history/v1`."""

from auditor.codec import no_array, to_json
from auditor.document import dumped
from auditor.history import History


def render(history: History) -> bytes:
    """Return JSON bytes: ASCII, two spaces, fields in order."""
    return dumped(to_json(history, no_array))
