"""`MLmodel`, the file that says what is in an MLflow model's folder: read as data, never run."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor.errors import InputError
from auditor.files.regular_file import read_regular
from auditor.files.strict_yaml import NoYaml, compose, value_of
from auditor.references.base import is_safe
from auditor.text import printable

NAME: Final = "MLmodel"

_MOST_BYTES: Final = 1 << 20
_KERAS, _TENSORFLOW, _ONNX = "keras", "tensorflow", "onnx"
_FLAVORS: Final = (_KERAS, _ONNX, _TENSORFLOW)
_PYTHON: Final = "python_function"
_DATA, _FOLDER = "data", "saved_model_dir"
_DO: Final = (
    "log the model again with one flavor, or export it to ONNX and use mlflow.onnx.log_model"
)


@dataclass(frozen=True)
class ModelPlace:
    """Where in its folder a model is.

    Attributes:
        path: As all its flavors say.
        is_stem: Whether flavors load what begins so, `path.keras`, `path/model.keras` and the like.
    """

    path: str
    is_stem: bool

    def check(self, chosen: str, names: Collection[str], shown: str) -> None:
        """Refuse a choice where MLflow might load another file.

        Args:
            chosen: What is taken, in the model's folder.
            names: All the files of that folder.
            shown: The reference, safe to show.

        Raises:
            InputError: It might.
        """
        twice = f"{self.path}/{self.path}"
        if any(name == twice or name.startswith(f"{twice}/") for name in names):
            raise InputError(  # some versions add the one path to the other
                f"{shown}: {printable(self.path, 80)} is there twice, one in the other; {_DO}"
            )
        if not self.is_stem:
            return
        is_folder = any(name.startswith(f"{self.path}/") for name in names)
        stem = f"{self.path}/model" if is_folder else self.path
        loaded = [
            path
            for path in (stem, f"{stem}.keras", f"{stem}.h5")
            if path in names or any(name.startswith(f"{path}/") for name in names)
        ]
        if loaded and loaded != [chosen]:
            raise InputError(
                f"{shown}: MLflow loads {printable(' or '.join(loaded), 200)}, where "
                f"{printable(chosen, 100)} would be audited; {_DO}"
            )


def place(file: Path, shown: str) -> ModelPlace:
    """Return where in its folder the model is that an `MLmodel` describes.

    Args:
        file: The `MLmodel`.
        shown: The reference, safe to show.

    Raises:
        InputError: It cannot be read, has no flavor that can be audited, or several that lead to
            different models.
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
    there = {name: fields for name in _FLAVORS if isinstance(fields := flavors.get(name), dict)}
    found = {name: _of_flavor(name, fields, flavors, shown) for name, fields in there.items()}
    if found:
        kept = {name for name, fields in there.items() if _is_keras(name, fields, flavors)}
        _check_python(flavors.get(_PYTHON), found, kept, shown)
        if len(set(found.values())) > 1:
            said = ", ".join(f"{name} to {printable(path, 80)}" for name, path in found.items())
            raise InputError(
                f"{shown}: {NAME}: its flavors lead to different models: {said}; {_DO}"
            )
        return ModelPlace(next(iter(found.values())), bool(kept))
    named = ", ".join(printable(str(name), 40) for name in [*flavors][:10]) or "none"
    raise InputError(
        f"{shown}: of the flavors that can be audited ({', '.join(_FLAVORS)}) this MLflow model "
        f"has none, but {named}; export it to ONNX and log it with mlflow.onnx.log_model"
    )


def _of_flavor(flavor: str, fields: dict[str, Any], flavors: dict[str, Any], shown: str) -> str:
    """Return where a flavor has its model, as MLflow reads it."""
    is_folder = flavor == _TENSORFLOW and not _is_keras(flavor, fields, flavors)
    keys = (_FOLDER, _DATA) if is_folder else (_DATA, _FOLDER)
    where = next((fields[key] for key in keys if fields.get(key)), None)
    if not isinstance(where, str) or not is_safe(where):
        raise InputError(
            f"{shown}: {NAME} does not say where in its folder the {flavor} model is: "
            f"{printable(repr(where), 80)}"
        )
    return where


def _is_keras(flavor: str, fields: dict[str, Any], flavors: dict[str, Any]) -> bool:
    """Whether a flavor loads a Keras model, and adds to its path what such a file ends in."""
    if flavor != _TENSORFLOW:
        return flavor == _KERAS
    return (fields.get("model_type") or (_KERAS if _KERAS in flavors else "")) == _KERAS


def _check_python(fields: Any, found: dict[str, str], kept: set[str], shown: str) -> None:
    """Refuse a `python_function`, which is what serves a model, that is of another one."""
    if not isinstance(fields, dict):
        return
    loader = str(fields.get("loader_module"))
    flavor = loader.removeprefix("mlflow.")
    if flavor not in found or loader != f"mlflow.{flavor}":
        raise InputError(
            f"{shown}: {NAME}: python_function is loaded by {printable(loader, 60)}, which is "
            f"none of its flavors that can be audited ({', '.join(found)}); {_DO}"
        )
    asks_its_flavor = flavor == _KERAS or (flavor == _TENSORFLOW and flavor not in kept)
    data = fields.get(_DATA, found[flavor] if asks_its_flavor else "the whole folder")
    if data != found[flavor]:
        raise InputError(
            f"{shown}: {NAME}: its flavors lead to different models: {flavor} to "
            f"{printable(found[flavor], 80)}, python_function to {printable(str(data), 80)}; {_DO}"
        )
