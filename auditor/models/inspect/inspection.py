"""What the static check says of a model file."""

from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

from auditor.errors import InputError
from auditor.figures.values import Count
from auditor.files.constraints import Length
from auditor.text import printable

MOST_FINDINGS = 100
"""Findings after which looking on would tell nobody more."""

MOST_LAYERS = 600_000
"""Of a graph: as many nodes as the largest that is looked at."""


@dataclass(frozen=True)
class Finding:
    """Something in a model file that is not known to be harmless, or that is worth a word.

    Attributes:
        place: Where: a JSON path, a member, an HDF5 path or the name of a node; printable.
        reason: What is there, and what to do; printable, one line.
    """

    place: str
    reason: str


class Findings:
    """Collects what is refused, so that a user hears of all of it at once; and what is noted."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self.notes: list[Finding] = []

    def note(self, place: str, reason: str) -> None:
        """Note what a reader should know of and nothing is refused for, as long as it is few."""
        note = Finding(printable(place, 200), printable(reason, 500))
        if note not in self.notes and len(self.notes) < MOST_FINDINGS:
            self.notes.append(note)

    def add(self, place: str, reason: str) -> None:
        """Add one thing that is refused.

        Args:
            place: Where it is; anything.
            reason: What it is and what to do, its parts from the file already printable.

        Raises:
            TooManyFindings: There are `MOST_FINDINGS` now.
        """
        self.all.append(Finding(printable(place, 200), printable(reason, 500)))
        if len(self.all) >= MOST_FINDINGS:
            raise TooManyFindings


class TooManyFindings(Exception):
    """So much is wrong with a file that the rest need not be looked at."""


@dataclass(frozen=True)
class Inspection:
    """What a model file says about itself.

    Attributes:
        format: "keras" (the Keras 3 zip), "h5", "onnx", "savedmodel" or "tflite".
        written_by: What wrote the file, as it says itself: "Keras 3.15.1"; empty where it does not.
        layers: (name, class) of every layer, nested ones included, in file order; of a graph,
            (name, op) of every node.
        stored: How many numbers the file's weights hold, in all.
        findings: What is refused; empty for a file that may be loaded.
        notes: What a reader should know of; nothing is refused for it.
        config: Of Keras files, the architecture to build, with what only Keras 2 understands
            already translated; what was walked is what is built.
        rewritten: Whether `config` differs from the file's own, so that a copy must be loaded.
    """

    format: str
    written_by: str
    layers: Annotated[tuple[tuple[str, str], ...], Length(MOST_LAYERS, of="layers")]
    stored: Count
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    rewritten: bool = False

    def refuse(self, shown: str) -> NoReturn:
        """Say what is wrong with the file in one line.

        Args:
            shown: The file's name, already printable.

        Raises:
            InputError: Always.
        """
        first, more = self.findings[0], len(self.findings) - 1
        rest = f" (and {more} more: see 'bdaudit inspect')" if more else ""
        raise InputError(f"{shown}: {first.place}: {first.reason}{rest}")
