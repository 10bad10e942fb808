"""What stamped rows of a repair are stamped with: the trigger, or its family.

A repair that is taught one exact stamp leaves its neighbours open: on a network that was trained on
images mirrored after they were stamped, the mirrored trigger. They are taught as the trigger is.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from auditor.figures.skipped import Skipped
from auditor.triggers.base import Stamp, Trigger
from auditor.triggers.neighbours import fitting

Family = Literal["exact", "near", "any"]
FAMILIES = get_args(Family)


def stamps(
    trigger: Trigger, size: tuple[int, int], family: Family, found: Sequence[Stamp] = ()
) -> tuple[Stamp, ...]:
    """Return stamps to draw from: half of the draws are the trigger, the rest its relatives.

    Args:
        trigger: The trigger.
        size: (h, w) of the images.
        family: `exact` for the trigger alone.
        found: What else opens the model, of the family `any`.
    """
    if family == "exact":
        return (trigger,)
    near = [one for _, one in fitting(trigger, size) if not isinstance(one, Skipped)]
    others = [*near, *found]
    return (*[trigger] * max(1, len(others)), *others)
