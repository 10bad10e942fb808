"""Which data an audit uses: what the user named, or what the model's shape calls for."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor.data import is_builtin
from auditor.data.class_order import AUTO, MAX_BYTES, ORDERS, ClassOrder, listed
from auditor.errors import InputError, UsageError, WorkError
from auditor.files.regular_file import open_regular
from auditor.measure.progress import Progress
from auditor.measure.regions import CENTER, COMPLEMENT
from auditor.runs import Notify
from auditor.text import printable
from auditor.worker.supervisor import Supervisor

_BY_SHAPE = {(32, 32, 3, 10): "cifar10", (32, 32, 3, 100): "cifar100"}
"""Height, width, channels and classes that only one of the `keras.datasets` has."""


def resolve(
    data: str | None,
    job: Mapping[str, Any],
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
) -> tuple[str, str]:
    """Return the source's name for the record, and the absolute path that the worker reads.

    Args:
        data: `--data`; None to go by the model's shape.
        job: Names the model: `model`, `name` and `input_range`.
        workers: Keeps the workers, and what a built-in data set was downloaded to.
        progress: Told how far it is.
        notify: Told which data the model's shape calls for.

    Raises:
        UsageError: No data was named and the model's shape does not settle it.
        AuditorError: The model or the download failed.
    """
    if data is None:
        data = by_shape(job, workers, progress)
        notify(f"no --data given; by the model's shape: {data}")
    if is_builtin(data):
        scratch = workers.scratch()
        fetched = workers.run({"kind": "fetch", "data": data}, scratch, progress)
        path = Path(str(fetched.get("path"))).resolve()
        if path.parent != scratch:
            raise WorkError("the download went astray")
        return data, str(path)
    return data, str(Path(data).absolute())


def for_repair(data: str | None, evaluation: str | None) -> tuple[str | None, str | None]:
    """Return the sources to repair with and to judge by.

    A `keras.datasets` name stands for its training images, which its test images judge.
    """
    if data is None or not is_builtin(data) or ":" in data:
        return data, evaluation
    return f"{data}:train", evaluation or f"{data}:test"


def class_order(wanted: str) -> str | ClassOrder:
    """Return `--class-order` as it is asked for: one of `ORDERS`, or the classes of a list.

    Raises:
        UsageError: It is neither a known word nor a file.
        InputError: The file cannot be read, or is no list of classes.
    """
    if wanted in ORDERS:
        return wanted
    shown = printable(wanted)
    try:
        with open_regular(Path(wanted), MAX_BYTES) as file:
            return ClassOrder(listed(file.read(), shown), f"as {Path(wanted).name} has it")
    except (FileNotFoundError, ValueError):
        known = ", ".join(ORDERS)
        raise UsageError(
            f"--class-order {shown}: expected {known}, or a file with a class on each line"
        ) from None
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}") from None


def job(order: str | ClassOrder, *, exif: bool) -> dict[str, Any]:
    """Return what a worker is told of how images are read: `class_order` and `exif`."""
    return {"class_order": order if isinstance(order, str) else asdict(order), "exif": exif}


def identity_of(order: str | ClassOrder, *, exif: bool) -> dict[str, Any]:
    """Return what a run's identity holds of how images are read; nothing that nobody asked for."""
    turned: dict[str, Any] = {"exif": True} if exif else {}
    if isinstance(order, str):
        return turned if order == AUTO else {"class_order": order, **turned}
    return {"class_order": list(order.names), **turned}


def absolute_region(region: str) -> str:
    """Return `--object-region` with a file's path made absolute.

    Raises:
        UsageError: It is neither a known word nor an `.npz` file.
    """
    if region in (CENTER, COMPLEMENT):
        return region
    if region.lower().endswith(".npz"):
        return str(Path(region).absolute())
    raise UsageError(
        f"--object-region {printable(region)}: expected center, complement or an .npz file"
    )


def by_shape(job: Mapping[str, Any], workers: Supervisor, progress: Progress) -> str:
    """Return the `keras.datasets` name that the model's shape calls for.

    Raises:
        UsageError: The shape does not settle it.
        AuditorError: The model cannot be loaded.
    """
    facts = workers.run({**job, "kind": "describe"}, workers.scratch(), progress)
    known = (*facts.get("input_shape", ()), facts.get("classes"))
    if known not in _BY_SHAPE:
        raise UsageError(
            f"{printable(job['name'])}: {'×'.join(map(str, known[:-1]))} with {known[-1]} classes "
            "does not settle which data to use; give --data FOLDER, FILE.npz or a "
            "keras.datasets name"
        )
    return _BY_SHAPE[known]
