"""The trigger's neighbours held against their controls, against each other, and against ASR."""

from collections.abc import Sequence

from auditor.errors import InputError
from auditor.figures.metrics import hits
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.untried import BROKEN, IMPOSSIBLE, NO_IMAGE


def check_neighbours(neighbours: Sequence[Neighbour], asr: Rate | Skipped, where: str) -> None:
    """Refuse neighbours that no audit tries.

    Args:
        neighbours: All that were tried.
        asr: Of the trigger itself; neighbours are tried on a sample of its images.
        where: Their JSON path.

    Raises:
        InputError: One contradicts itself or the others; names the place.
    """
    if len({near.name for near in neighbours}) < len(neighbours):
        raise InputError(f"{where}: two are of one name")
    images: set[int] = set()
    for number, near in enumerate(neighbours):
        _check_neighbour(near, f"{where}[{number}]")
        if isinstance(near.asr, Rate):
            images.add(near.asr.n)
        elif near.asr.skipped == NO_IMAGE:
            images.add(0)
    if len(images) > 1:
        raise InputError(f"{where}: are not all of the same images")
    if isinstance(asr, Rate) and max(images, default=0) > asr.n:
        raise InputError(f"{where}: are of {max(images)} images, asr of {asr.n}")


def _check_neighbour(near: Neighbour, where: str) -> None:
    """Hold a neighbour against its control, and a reason against those that there are."""
    asr, control = near.asr, near.control
    if isinstance(asr, Skipped) or isinstance(control, Skipped):
        if asr != control or near.alone or near.control_alone:
            raise InputError(f"{where}: is measured in part")
        reason = asr.skipped if isinstance(asr, Skipped) else ""
        if reason not in (*IMPOSSIBLE, NO_IMAGE) and not reason.startswith(BROKEN):
            raise InputError(f"{where}: was left out, for no reason that leaves one out")
        return
    check_pair(asr, control, near.alone, near.control_alone, where)


def check_pair(asr: Rate, control: Rate, alone: int, control_alone: int, where: str) -> None:
    """Hold a rate against its control: they differ on the images that only one leads.

    Raises:
        InputError: They are not of the same images, or differ by more or less; names the place.
    """
    both = hits(asr) - alone
    if not 0 <= both == hits(control) - control_alone:
        raise InputError(f"{where}: asr and control are not as far apart as what each leads alone")
    if asr.n != control.n or both + alone + control_alone > asr.n:
        raise InputError(f"{where}: asr and control are not of the same images")
