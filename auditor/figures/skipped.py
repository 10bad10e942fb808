"""What stands in place of a figure that was not measured."""

from dataclasses import dataclass
from typing import Annotated

from auditor.files.constraints import Matches

Reason = Annotated[str, Matches(r"(?s).*\S.*", "a reason")]
"""A text that says something: an empty one would be taken for nothing missing."""


@dataclass(frozen=True)
class Skipped:
    """Stands in place of a figure that was not measured.

    Attributes:
        skipped: The reason, a sentence for a person.
    """

    skipped: Reason
