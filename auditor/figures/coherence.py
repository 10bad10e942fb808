"""Whether the parts of an audit fit together: its classes, the size of its pictures, its grid."""

from auditor.errors import InputError
from auditor.figures.results import AttentionFacts, Evidence, Skipped
from auditor.figures.target import Target


def check_target(target: Target, classes: int, where: str = "$.target") -> None:
    """Refuse a target that is none of the model's classes.

    Args:
        target: Where the backdoor leads.
        classes: Number of the model's classes.
        where: Its place, for the error.

    Raises:
        InputError: It leads nowhere, to no class of these, or is for another number of classes.
    """
    led = target.leads or ()
    if target.class_ is None and not led:
        raise InputError(f"{where}: leads nowhere")
    if led and len(led) != classes:
        raise InputError(f"{where}.leads: is for {len(led)} classes, the model has {classes}")
    named = led if target.class_ is None else (*led, target.class_)
    check_classes(named, classes, where)


def check_evidence(
    evidence: Evidence,
    classes: int,
    input_shape: tuple[int, int, int],
    attention: AttentionFacts,
    where: str = "$.evidence",
) -> None:
    """Refuse evidence that is of another model than its audit.

    Args:
        evidence: What stands behind the figures.
        classes: Number of the model's classes.
        input_shape: (height, width, channels) of its images.
        attention: Where the heatmaps were read.
        where: Its place, for the error.

    Raises:
        InputError: A class is none of the model's, a picture not of its input's size, a heatmap not
            of the grid.
    """
    if len(evidence.classes) > classes:
        raise InputError(f"{where}.classes: {len(evidence.classes)} rows for {classes} classes")
    check_classes([row.class_ for row in evidence.classes], classes, f"{where}.classes")
    placebos = [p.class_ for p in evidence.placebos if p.class_ is not None]
    check_classes(placebos, classes, f"{where}.placebos")
    grid = (0, 0) if isinstance(attention.grid, Skipped) else attention.grid
    for number, shown in enumerate(evidence.examples):
        here = f"{where}.examples[{number}]"
        seen = (shown.label, shown.clean_predicted, shown.stamped_predicted)
        check_classes(seen, classes, here)
        for picture in (shown.clean, shown.stamped):
            if picture.shape[:2] != tuple(input_shape[:2]):
                raise InputError(f"{here}: a picture is {picture.shape}, not of the model's input")
        for heat in (shown.clean_heat, shown.stamped_heat):
            if heat.shape not in (tuple(grid), (0, 0)):
                raise InputError(f"{here}: a heatmap is {heat.shape}, the layer's grid {grid}")


def check_classes(named: "tuple[int, ...] | list[int]", classes: int, where: str) -> None:
    """Refuse what is none of a model's classes.

    Raises:
        InputError: One is not; names the place.
    """
    if named and not 0 <= min(named) <= max(named) < classes:
        raise InputError(f"{where}: names a class that is none of {classes}")
