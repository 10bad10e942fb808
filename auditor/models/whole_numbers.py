"""Models whose input is of whole numbers: they take bytes as they are, 0 to 255."""

from typing import Any

from auditor.errors import UsageError
from auditor.models.input_range import InputRange
from auditor.text import printable

_BYTES = "0..255"
_UNASKED = "0..1"
"""What stands where nobody gave a range; of whole numbers it would leave 0 and 1 alone."""


def of_whole_numbers(model: Any, given: InputRange) -> InputRange:
    """Return the range in which a model takes images: of whole numbers, 0..255.

    Args:
        model: A Keras model; it may be one that has a graph.
        given: As asked for.

    Raises:
        UsageError: Another range was asked for, and the model takes whole numbers.
    """
    inputs = getattr(model, "inputs", None) or ()
    whole = next((t.dtype for t in inputs if "int" in t.dtype and t.dtype != "int8"), "")
    graphs = (layer for layer in model.layers if hasattr(layer, "weight_values"))
    if not whole:
        whole = next((graph.graph.takes for graph in graphs if not graph.takes_floats), "")
    if not whole or given.numbers[:2] == InputRange.parse(_BYTES).numbers[:2]:
        return given  # in either order of colours
    if given.name != _UNASKED:
        raise UsageError(
            f"--input-range {printable(given.name, 80)}: the model's input is of whole numbers "
            f"({whole}), which are 0..255; leave the option out, or give bgr:0..255 where it takes "
            "blue, green and red"
        )
    return InputRange.parse(_BYTES)
