"""Which model a command is about: a path, or a reference that is fetched; copied in and hashed."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from auditor import references
from auditor.errors import AuditorError, InputError, WorkError
from auditor.files.codec import from_json, no_array
from auditor.files.intake import ModelCopy
from auditor.files.origin import UNCHECKED, Origin
from auditor.measure.progress import Progress, silent
from auditor.references import Reference
from auditor.references.base import BROUGHT, is_safe
from auditor.runs import Notify, ignore, run_json
from auditor.text import printable
from auditor.worker.supervisor import Supervisor

Model = Path | Reference


def take_in(
    model: Model,
    workers: Supervisor,
    *,
    external_data: bool,
    progress: Progress = silent,
    notify: Notify = ignore,
    resumed: Path | None = None,
) -> ModelCopy:
    """Copy a model to where workers can read it, after fetching it where a reference names it.

    Args:
        model: The path, or the reference.
        workers: Keeps the workers; one of them fetches.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        progress: Told how much has come.
        notify: Told what a reference stands for that may stand for something else tomorrow.
        resumed: The folder of the run that is gone on with: the same commit or version is fetched.

    Raises:
        InputError: It cannot be fetched, or not be copied; as `Supervisor.copy`.
        WorkError: The package that fetches it is not installed.
    """
    if isinstance(model, Path):
        return workers.copy(model, external_data=external_data)
    shown = printable(str(model))
    if find_spec(model.PACKAGE) is None:
        raise WorkError(
            f"{shown}: {model.PACKAGE}, which fetches it, is not installed: "
            f"pip install '{model.EXTRA}'"
        )
    wanted = _as_then(model, resumed) if resumed and model.moves else model
    scratch = workers.scratch()
    job = {
        "kind": "bring",
        "reference": wanted.text,
        "variables": wanted.VARIABLES,
        "settings": wanted.SETTINGS,
        "beside": external_data,
        "here": str(Path.cwd()),
    }
    found = workers.run(job, scratch, progress)
    name, origin = _checked(found, model)
    if origin.pinned != model.text:
        notify(f"{shown}: is {printable(origin.facts, 1000)}")
    if found.get("offline"):
        notify(f"{shown}: {UNCHECKED}: {printable(str(found['offline']))}")
    path = scratch / BROUGHT / name
    try:
        taken = workers.copy(path, follow=False, external_data=external_data)
    except AuditorError as error:  # which names the place that it was put in
        raise type(error)(str(error).replace(str(path), shown)) from error
    return replace(taken, origin=origin)


def _checked(found: dict[str, Any], model: Reference) -> tuple[str, Origin]:
    """Return what a download has left, and of what; each field checked."""
    try:
        name = found["name"]
        fields = {k: v for k, v in found.items() if k not in ("name", "offline")}
        origin = from_json(Origin, {"reference": model.text, **fields}, no_array)
    except (InputError, KeyError, TypeError) as error:
        raise WorkError("the download left something else than a model") from error
    if not (isinstance(name, str) and is_safe(name) and "/" not in name):
        raise WorkError("the download left a model under a name that is none")
    return name, origin


def _as_then(model: Reference, run: Path) -> Reference:
    """Return what a reference stood for when a run was started; as it is where that is unknown."""
    try:
        pinned = references.parse(str(run_json.read(run).identity.get("pinned")))
    except (OSError, AuditorError):
        return model
    return pinned if pinned and model.same_but_pinned(pinned) else model
