"""What the steps found, as one Markdown table, written anew after each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEADER = ("step", "backend", "result", "seconds", "÷ bare", "goal", "")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        step: What was done.
        backend: The Keras backend that did it.
        result: What came of it; why it failed, where it did.
        seconds: What the goal is about; of the whole step unless `step` says otherwise.
        ratio: How many times as long as the bare computation it took.
        goal: What it should reach.
        reached: Whether it did; None where that is not judged.
    """

    step: str
    backend: str
    result: str
    seconds: float | None = None
    ratio: float | None = None
    goal: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the text of its cells."""
        number = "" if self.seconds is None else f"{self.seconds:.3g}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        reached = {True: "reached", False: "**missed**", None: ""}[self.reached]
        cells = (self.step, self.backend, self.result, number, ratio, self.goal, reached)
        return tuple(" ".join(cell.replace("|", "\\|").split()) for cell in cells)


@dataclass(frozen=True)
class Table:
    """The page that is kept.

    Attributes:
        path: Where it is.
        facts: What it was found with, a line each.
        rows: What was found so far.
    """

    path: Path
    facts: Sequence[str]
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Write it down, and print it."""
        self.rows.append(row)
        facts = "\n".join(f"- {fact}" for fact in self.facts)
        lines = [HEADER, ("---",) * len(HEADER), *(row.cells() for row in self.rows)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        self.path.write_text(f"# On one GPU\n\n{facts}\n\n{table}\n", "utf-8")
        print(" · ".join(cell for cell in row.cells() if cell), flush=True)
