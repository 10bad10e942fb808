"""Which signature of a SavedModel serves."""

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
