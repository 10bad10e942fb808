"""Where a model came from that was named by a reference: what names the same bytes for good."""

from dataclasses import dataclass
from typing import Annotated, Final

from auditor.files.constraints import Matches

SCHEMES: Final = ("hf://", "models:/", "runs:/")
"""What every reference begins with, and no path of a record."""

UNCHECKED: Final = "as the cache has it, not checked with the hub"


def is_reference(path: str) -> bool:
    """Whether a record names a model by a reference, not by a path."""
    return path.startswith(SCHEMES)


Commit = Annotated[str, Matches("|[0-9a-f]{40}", "a commit in hexadecimal, or empty")]


@dataclass(frozen=True)
class Origin:
    """A reference, and what it stood for.

    Attributes:
        reference: As the user wrote it.
        pinned: The reference that names the same for good, with the commit or the version.
        commit: The commit on Hugging Face, which a branch or tag was at; empty for others.
        version: The version in MLflow's registry, which an alias or stage stood for; empty for
            others.
        run: The MLflow run that made it; empty where none is known.
        path: Where in an MLflow model the file or folder is that was audited; empty for others.
        unchecked: Whether it is as a cache on this machine has it: the hub was not asked, or has no
            digest of it.
    """

    reference: str
    pinned: str
    commit: Commit = ""
    version: str = ""
    run: str = ""
    path: str = ""
    unchecked: bool = False

    @property
    def facts(self) -> str:
        """What the reference stood for, in a phrase."""
        run = f", of run {self.run}" if self.run and self.run not in self.pinned else ""
        path = f", its {self.path}" if self.path and not self.pinned.endswith(self.path) else ""
        return f"{self.pinned}{path}{run}{f', {UNCHECKED}' if self.unchecked else ''}"
