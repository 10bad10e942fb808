"""`MLmodel`, the file that says what is in an MLflow model's folder: read as data, never run."""

from pathlib import Path
from typing import Any, Final

from auditor.errors import InputError
from auditor.files.regular_file import read_regular
from auditor.files.strict_yaml import NoYaml, compose, value_of
from auditor.references.base import is_safe
from auditor.text import printable

NAME: Final = "MLmodel"

_MOST_BYTES: Final = 1 << 20
_KEYS: Final = {
    "keras": ("data",),
    "onnx": ("data",),
    "tensorflow": ("data", "saved_model_dir"),
}
"""Flavor → the keys that may say where in the folder its model is."""


def place(file: Path, shown: str) -> str:
    """Return where in its folder the model is that an `MLmodel` describes.

    Args:
        file: The `MLmodel`.
        shown: The reference, safe to show.

    Raises:
        InputError: It cannot be read, or has no flavor that can be audited.
    """
    try:
        root = compose(read_regular(file, _MOST_BYTES).decode("utf-8"))
        document: Any = value_of(root) if root else None
    except NoYaml as error:
        raise InputError(f"{shown}: {NAME}, line {error.line}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{shown}: {NAME} cannot be read as YAML") from error
    flavors = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavors, dict):
        raise InputError(f"{shown}: {NAME} says nothing of flavors: is it an MLflow model?")
    for flavor, keys in _KEYS.items():
        fields = flavors.get(flavor)
        if not isinstance(fields, dict):
            continue
        where = next((fields[key] for key in keys if fields.get(key)), None)
        if not isinstance(where, str) or not is_safe(where):
            raise InputError(
                f"{shown}: {NAME} does not say where in its folder the {flavor} model is: "
                f"{printable(repr(where), 80)}"
            )
        return where
    named = ", ".join(printable(str(name), 40) for name in [*flavors][:10]) or "none"
    raise InputError(
        f"{shown}: of the flavors that can be audited ({', '.join(_KEYS)}) this MLflow model has "
        f"none, but {named}; export it to ONNX and log it with mlflow.onnx.log_model"
    )
