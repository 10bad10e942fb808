"""Which signature of a SavedModel serves, and which of its outputs is audited."""

from collections.abc import Mapping
from typing import Any

from auditor.errors import InputError
from auditor.text import printable


def chosen(signatures: dict[str, Any], shown: str) -> tuple[str, Any]:
    """Return the signature that serves: by its name, or because there is no other.

    Args:
        signatures: Name → signature.
        shown: What the user calls the model, already printable.

    Raises:
        InputError: There is none, or one of several would have to be chosen.
    """
    if "serving_default" in signatures:
        return "serving_default", signatures["serving_default"]
    if len(signatures) == 1:
        return next(iter(signatures.items()))
    names = ", ".join(printable(name, 60) for name in sorted(signatures)[:10]) or "none at all"
    raise InputError(
        f"{shown}: no signature 'serving_default' (there is: {names}); save the model with "
        "model.export(...), or tf.saved_model.save(..., signatures=...)"
    )


def has(outputs: Any, wanted: str | None) -> bool:
    """Whether `named` finds an output."""
    try:
        named(outputs, wanted)
    except LookupError:
        return False
    return True


def named(outputs: Any, wanted: str | None) -> Any:
    """Return one of a function's outputs.

    Args:
        outputs: One, or name → output, or a list, which a signature calls output_0, output_1, ….
        wanted: Its name; None for the only one.

    Raises:
        LookupError: There is none of that name, or several where no name is given.
    """
    import tensorflow as tf

    flat = tf.nest.flatten(outputs)
    if len(flat) == 1:
        return flat[0]
    if isinstance(outputs, Mapping):
        return outputs[wanted]
    names = {f"output_{place}": output for place, output in enumerate(flat)}
    return names[wanted or ""]
