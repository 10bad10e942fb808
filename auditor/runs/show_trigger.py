"""What a trigger does to a few images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import WorkError
from auditor.measure.progress import Progress, silent
from auditor.runs import Notify, ignore, sources
from auditor.triggers import build
from auditor.triggers.base import Trigger
from auditor.worker import exchange
from auditor.worker.supervisor import Guard, Supervisor


@dataclass(frozen=True, eq=False)
class Shown:
    """A few images under a trigger.

    Attributes:
        images: (n, h, w, 3) uint8 RGB.
        stamped: The same, stamped.
        mask: (h, w), the pixels that the trigger may change.
        summary: What the trigger is, in a phrase.
        sha256: Of its specification.
    """

    images: NDArray[np.uint8]
    stamped: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    summary: str
    sha256: str


def show_trigger(
    trigger: Trigger,
    data: str,
    *,
    count: int = 4,
    seed: int = 0,
    progress: Progress = silent,
    notify: Notify = ignore,
) -> Shown:
    """Stamp a few images of a source, at the first one's size.

    Args:
        trigger: The trigger.
        data: Where the images are.
        count: How many.
        seed: Of their choice.
        progress: Told how far it is.
        notify: Told what the user must know.

    Raises:
        AuditorError: The images cannot be read, or the trigger does not fit.
    """
    with Supervisor(Guard(), notify) as workers:
        _, path = sources.resolve(data, {}, workers, progress, notify)
        scratch = workers.scratch()
        job: dict[str, Any] = {"kind": "show", "data": path, **build.job([trigger])}
        facts = workers.run({**job, "count": count, "seed": seed}, scratch, progress)
        arrays = exchange.read_arrays(scratch)
    if set(arrays) != {"images", "stamped", "mask"}:
        raise WorkError("the worker left other pictures than it should")
    return Shown(**arrays, summary=str(facts.get("summary")), sha256=str(facts.get("sha256")))
