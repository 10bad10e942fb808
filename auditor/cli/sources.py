"""Which data an audit uses: what the user named, or what the model's shape calls for."""

from pathlib import Path
from typing import Any

import click

from auditor import supervisor
from auditor.cli.progress import Progress
from auditor.data import is_builtin
from auditor.errors import UsageError, WorkError
from auditor.measure.regions import CENTER, COMPLEMENT
from auditor.text import printable

_BY_SHAPE = {(32, 32, 3, 10): "cifar10", (32, 32, 3, 100): "cifar100"}
"""Height, width, channels and classes that only one of the `keras.datasets` has."""


def resolve(data: str | None, job: dict[str, Any], folder: Path, tell: Progress) -> tuple[str, str]:
    """Return the source's name for the record, and the absolute path that the worker reads.

    Args:
        data: `--data`; None to go by the model's shape.
        job: Names the model: `model`, `name` and `input_range`.
        folder: The scratch folder; a built-in data set is downloaded into it.
        tell: Told how far it is.

    Raises:
        UsageError: No data was named and the model's shape does not settle it.
        AuditorError: The model or the download failed.
    """
    if data is None:
        data = _by_shape(job, folder, tell)
        click.echo(f"bdaudit: no --data given; by the model's shape: {data}", err=True)
    if is_builtin(data):
        fetched = supervisor.run({"kind": "fetch", "data": data}, folder, tell)
        path = Path(str(fetched.get("path"))).resolve()
        if path.parent != folder:
            raise WorkError("the download went astray")
        return data, str(path)
    return data, str(Path(data).absolute())


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


def _by_shape(job: dict[str, Any], folder: Path, tell: Progress) -> str:
    facts = supervisor.run({**job, "kind": "describe"}, folder, tell)
    known = (*facts.get("input_shape", ()), facts.get("classes"))
    if known not in _BY_SHAPE:
        raise UsageError(
            f"{printable(job['name'])}: {'×'.join(map(str, known[:-1]))} with {known[-1]} classes "
            "does not settle which data to use; give --data FOLDER, FILE.npz or a "
            "keras.datasets name"
        )
    return _BY_SHAPE[known]
