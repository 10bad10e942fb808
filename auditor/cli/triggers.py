"""`bdaudit triggers`: what there is, and what one does to images."""

import json
from pathlib import Path

import click

from auditor.cli import outputs
from auditor.cli.progress import Display, say
from auditor.data import place
from auditor.report.pictures import amplification, png
from auditor.report.trigger_sheet import sheet
from auditor.runs.show_trigger import show_trigger
from auditor.text import printable
from auditor.triggers import TRIGGERS, spec
from auditor.triggers.builtin import BUILTIN


@click.group()
def command() -> None:
    """List the triggers, show what one does to images, print their files' schema."""


@command.command(name="list")
def list_() -> None:
    """List the built-in triggers and the types that a trigger file can hold."""
    click.echo("Built in:")
    for name, what in BUILTIN.items():
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
    type=click.Path(path_type=Path, readable=False),
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
    trigger = spec.load(spec_)
    outputs.check_outputs([output], ["png"], [place(data)[0], *trigger.files()], force=force)
    with Display(show=True) as display:
        shown = show_trigger(trigger, data, count=count, seed=seed, progress=display, notify=say)
        times = amplification(shown.images[0], shown.stamped[0])
        picture = png(sheet(shown.images, shown.stamped, shown.mask, times))
        outputs.write({output: picture})
    click.echo(f"{printable(trigger.id)}: {printable(shown.summary)}")
    click.echo(f"sha256 {printable(shown.sha256)}")
    click.echo(f"{printable(str(output))}: image, stamped, difference ×{times}, mask")
