"""Several triggers on one image, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from auditor.errors import UsageError
from auditor.triggers.base import Images, Mask, Trigger

MOST_PARTS = 16


@dataclass(frozen=True, kw_only=True)
class Compose(Trigger):
    """Several triggers, each stamped over the ones before.

    Attributes:
        of: The triggers, in this order; only what they stamp counts, not where they lead.
    """

    type: ClassVar[str] = "compose"

    of: tuple[Trigger, ...]

    def __post_init__(self) -> None:
        """Refuse none, and more than anybody stamps: composed ones can be composed again."""
        if not 1 <= len(list(self.parts())) <= MOST_PARTS:
            raise UsageError(
                f"trigger {self.id}: `of` comes to {len(list(self.parts()))} triggers; "
                f"1 to {MOST_PARTS} are allowed"
            )

    def parts(self) -> Iterator[Trigger]:
        """Give every trigger that is stamped, those inside composed ones too."""
        for one in self.of:
            yield from one.parts() if isinstance(one, Compose) else (one,)

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the pixels that any of them may change."""
        masks = np.stack([one.mask(size) for one in self.of])
        return np.asarray(masks.any(axis=0))

    def stamp(self, images: Images) -> Images:
        """Return a copy with all of them stamped."""
        for one in self.of:
            images = one.stamp(images)
        return images

    def summary(self) -> str:
        """Return all of theirs."""
        return ", then ".join(one.summary() for one in self.of)

    def content(self) -> dict[str, Any]:
        """Return their digests."""
        return {"of": [one.sha256() for one in self.of]}

    def files(self) -> Iterator[Path]:
        """Give all of theirs."""
        for one in self.of:
            yield from one.files()
