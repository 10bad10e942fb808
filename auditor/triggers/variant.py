"""A trigger of a trigger file under another name: with another target, or for some classes only."""

from dataclasses import dataclass, replace

from auditor.triggers.base import Trigger
from auditor.triggers.target import AllToAll, ClassMap


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What an entry with `use` can say; `target` and `source` are those of `Trigger`.

    Attributes:
        id: Its name.
        use: The trigger that it stamps: the id of one above it, or a built-in name.
    """

    id: str
    use: str
    target: int | str | AllToAll | ClassMap | None = None
    source: tuple[int | str, ...] = ()

    def of(self, trigger: Trigger) -> Trigger:
        """Return `trigger` under this name, with the target and source that are given here."""
        return replace(
            trigger,
            id=self.id,
            target=trigger.target if self.target is None else self.target,
            source=self.source or trigger.source,
        )
