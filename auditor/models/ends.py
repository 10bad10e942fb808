"""Where a model begins and ends: at its one input, and at the output that is audited."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.errors import InputError, UsageError
from auditor.text import printable

OPTION = "--model-output"
_SHOWN = 12

Shape = Sequence[int | None] | None


@dataclass(frozen=True)
class End:
    """An input or output.

    Attributes:
        name: As the file has it.
        shape: Its sizes, None or -1 for one that is open; None where the file does not say.
    """

    name: str
    shape: Shape

    def __str__(self) -> str:
        """Name and shape, printable: `logits (n, 10)`."""
        if self.shape is None:
            return printable(self.name, 60)
        sizes = ["?" if size in (None, -1) else str(size) for size in self.shape]
        inside = ", ".join(["n" if sizes[:1] == ["?"] else each for each in sizes[:1]] + sizes[1:])
        return f"{printable(self.name, 60)} ({inside})"


@dataclass(frozen=True)
class TypedEnd(End):
    """An input or output whose type is known.

    Attributes:
        type: Of its numbers: `float32`.
    """

    type: str


def check_inputs(inputs: Sequence[End]) -> None:
    """Refuse a model that takes something beside images.

    Raises:
        InputError: There is not one input; names them all. Without the file's name.
    """
    if len(inputs) != 1:
        raise InputError(
            f"not an image classifier: {len(inputs)} inputs{_listed(inputs)}; expected one, of "
            "images: save or export the model with the others built in"
        )


def chosen_output(outputs: Sequence[End], wanted: str | None) -> int:
    """Return which output is audited.

    Args:
        outputs: Of the model, in their order.
        wanted: The name that was asked for; None for the only one.

    Raises:
        InputError: There are several, or none, and no name was given. Without the file's name.
        UsageError: There is none of that name, or there are several.
    """
    if wanted is None:
        if len(outputs) == 1:
            return 0
        how = f"; say which has a score for each class: {OPTION} NAME" if outputs else ""
        raise InputError(f"{len(outputs)} outputs{_listed(outputs)}{how}")
    places = [place for place, output in enumerate(outputs) if output.name == wanted]
    if len(places) == 1:
        return places[0]
    what = f"{len(places)} outputs have this name" if places else "no output has this name"
    raise UsageError(f"{OPTION} {printable(wanted, 60)}: {what}; the model has{_listed(outputs)}")


def _listed(ends: Sequence[End]) -> str:
    shown = ", ".join(map(str, ends[:_SHOWN]))
    more = f" and {len(ends) - _SHOWN} more" if len(ends) > _SHOWN else ""
    return f": {shown}{more}" if ends else ""
