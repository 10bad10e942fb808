"""`bdaudit triggers`: what there is, and what one does to images."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from auditor import handoff
from auditor.cli import files, sources
from auditor.cli.progress import progress
from auditor.errors import WorkError
from auditor.report.pictures import amplification, difference, enlarged, png
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable
from auditor.triggers import TRIGGERS, spec

_GAP = 6


@click.group()
def command() -> None:
    """List the triggers, show what one does to images, print their files' schema."""


@command.command(name="list")
def list_() -> None:
    """List the built-in triggers and the types that a trigger file can hold."""
    click.echo("Built in:")
    for name, what in spec.BUILTIN.items():
        click.echo(f"  {name:10} {what}")
    click.echo("Types for a .yaml or .json trigger file:")
    for name, kind in TRIGGERS.items():
        what = (kind.__doc__ or "").splitlines()[0]
        click.echo(f"  {name:10} {what}")


@command.command()
def schema() -> None:
    """Print the JSON Schema of trigger files, for editors that check as one types."""
    from auditor.triggers.schema import schema as made

    click.echo(json.dumps(made(), indent=2))


@command.command()
@click.argument("spec_", metavar="SPEC")
@click.option("--data", required=True, metavar="SOURCE", help="Images to stamp.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Picture to write: image, stamped, difference, mask; a row an image.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    metavar="N",
    help="How many images.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of their choice.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def show(spec_: str, data: str, output: Path, count: int, seed: int, force: bool) -> None:
    """Draw what the trigger SPEC does to images of SOURCE, at the first one's size.

    Side by side: the image, the stamped image, their difference ×5 on gray (×50 where no value
    changes by more than 2), the changed pixels.
    """
    files.check_outputs([output], ["png"], [Path(data)], force=force)
    trigger = spec.load(spec_)
    with Supervisor(Guard()) as workers, progress(show=True) as tell:
        _, path = sources.resolve(data, {}, workers, tell)
        job = {"kind": "show", "data": path, **spec.job([trigger])}
        room = workers.room()
        facts = workers.run({**job, "count": count, "seed": seed}, room, tell)
        arrays = handoff.read_arrays(room)
        if set(arrays) != {"images", "stamped", "mask"}:
            raise WorkError("the worker left other pictures than it should")
        times = amplification(arrays["images"][0], arrays["stamped"][0])
        files.write({output: png(sheet(**arrays, times=times))})
    click.echo(f"{printable(trigger.id)}: {printable(str(facts.get('summary')))}")
    click.echo(f"sha256 {printable(str(facts.get('sha256')))}")
    click.echo(f"{printable(str(output))}: image, stamped, difference ×{times}, mask")


def sheet(
    images: NDArray[np.uint8], stamped: NDArray[np.uint8], mask: NDArray[np.bool_], times: int
) -> NDArray[np.uint8]:
    """Return one picture: a row for each image; image, stamped, difference, mask.

    Args:
        images: (n, h, w, 3) uint8.
        stamped: The same, stamped.
        mask: (h, w), the pixels that the trigger may change.
        times: How often the difference is amplified.
    """
    white = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    rows = [
        _beside([enlarged(p) for p in (image, after, difference(image, after, times), white)], 1)
        for image, after in zip(images, stamped, strict=True)
    ]
    return _beside(rows, 0)


def _beside(pictures: list[NDArray[Any]], axis: int) -> NDArray[Any]:
    gap = list(pictures[0].shape)
    gap[axis] = _GAP
    parts = [part for p in pictures for part in (p, np.full(gap, 255, np.uint8))][:-1]
    return np.concatenate(parts, axis=axis)
