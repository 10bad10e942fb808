"""What stands in place of a figure that was not measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skipped:
    """Stands in place of a figure that was not measured.

    Attributes:
        skipped: The reason, a sentence for a person.
    """

    skipped: str
