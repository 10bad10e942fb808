"""Look at a Keras model, a `.keras` archive or an `.h5` file."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from auditor.files.hdf5.nodes import MAGIC as HDF5_MAGIC
from auditor.models.inspect.architecture import check_architecture, layers_of, parse_architecture
from auditor.models.inspect.hdf5 import read_h5_model
from auditor.models.inspect.inspection import Findings, Inspection, TooManyFindings
from auditor.models.inspect.keras_elsewhere import check_elsewhere, compile_configs
from auditor.models.inspect.keras_zip import read_keras_zip
from auditor.models.inspect.modernise import modernise
from auditor.text import printable


def inspect_keras(path: Path, shown: str) -> Inspection:
    """Compare a Keras file with the allowlists and the caps.

    Args:
        path: The file.
        shown: Its name for messages, already printable.

    Raises:
        InputError: It is damaged, or no whole model.
    """
    with path.open("rb") as file:
        kind = "h5" if file.read(len(HDF5_MAGIC)) == HDF5_MAGIC else "keras"
    findings = Findings()
    found: dict[str, Any] = {"written_by": "Keras", "layers": (), "stored": 0}
    with suppress(TooManyFindings):
        _look(path, kind, shown, findings, found)
    found |= {"findings": tuple(findings.all), "notes": tuple(findings.notes)}
    return Inspection(format=kind, **found)


def _look(path: Path, kind: str, shown: str, findings: Findings, found: dict[str, Any]) -> None:
    """Fill in what the file says of itself, as far as one can look."""
    contents = (read_h5_model if kind == "h5" else read_keras_zip)(path, shown, findings)
    version = contents.keras_version or ""
    found |= {"written_by": f"Keras {printable(version, 40)}".strip(), "stored": contents.stored}
    if contents.architecture is None:
        return
    original = parse_architecture(contents.architecture, shown, findings)
    for place, compiled in compile_configs(original):
        check_elsewhere(compiled, place, findings)
    if contents.training is not None:
        compiled = parse_architecture(contents.training, f"{shown}: training_config", findings)
        check_elsewhere(compiled, "training_config", findings)
    # Keras drops this one itself under compile=False; only nested ones ask for a rewritten copy.
    original.pop("compile_config", None)
    config = modernise(original, keras2=kind == "h5" and not version.startswith("3."))
    found |= {"layers": layers_of(config), "config": config, "rewritten": config != original}
    check_architecture(config, contents.stored, findings)


def untranslated(path: Path) -> dict[str, Any] | None:
    """Return the architecture of an inspected `.h5` file as Keras 3 reads it by itself.

    Returns:
        None where it names what is not known to be harmless until it is translated.
    """
    findings = Findings()
    with suppress(TooManyFindings):
        contents = read_h5_model(path, path.name, findings)
        original = parse_architecture(contents.architecture or "{}", path.name, findings)
        original.pop("compile_config", None)
        config = modernise(original, keras2=False)
        check_architecture(config, contents.stored, findings)
    return None if findings.all else config
