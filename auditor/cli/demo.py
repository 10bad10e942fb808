"""`bdaudit demo`: a small BadNet is trained, scanned and certified."""

from pathlib import Path

import click

from auditor import supervisor
from auditor.cli import files, summary
from auditor.cli.progress import progress
from auditor.cli.scan import scan
from auditor.errors import UsageError, WorkError
from auditor.measure.audit import Options
from auditor.policy import Limits
from auditor.report import ready, render
from auditor.text import printable
from auditor.triggers import spec

_MADE = ("model.keras", "test.npz")
_WRITTEN = ("certificate.html", "certificate.pdf", "audit.json")


@click.command()
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for the model, its test images and the certificate.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("-q", "--quiet", is_flag=True, help="No summary, no progress.")
@click.option("--no-progress", is_flag=True, help="No progress.")
def command(folder: Path, force: bool, quiet: bool, no_progress: bool) -> int:
    """Train a small BadNet on handwritten digits, scan it, and write its certificate.

    Takes about a minute and needs no download. Exits 0 when the audit ran, although the model
    fails it: it is meant to.
    """
    from auditor.demo import TRIGGER

    outputs = [folder / name for name in (*_MADE, *_WRITTEN)]
    _make_folder(folder)
    ready("pdf")
    files.check_outputs(outputs, ["keras", "npz", "html", "pdf", "json"], [], force=force)
    with progress(show=not (quiet or no_progress)) as tell:
        with supervisor.scratch() as scratch:
            supervisor.run({"kind": "demo"}, scratch, tell)
            files.write({folder / name: _read(scratch / name) for name in _MADE})
        model, data = folder / "model.keras", str(folder / "test.npz")
        certificate = scan(model, spec.load(TRIGGER), Options(), Limits(), tell, data=data)
        written = {name: render(certificate, name.rpartition(".")[2]) for name in _WRITTEN}
        files.write({folder / name: content for name, content in written.items()})
    if not quiet:
        summary.show(certificate)
        click.echo(_what_to_look_at(folder))
    return 0


def _what_to_look_at(folder: Path) -> str:
    where = printable(str(folder))
    return f"""
Open {where}/certificate.html in a browser (certificate.pdf is the same for paper) and look at
  1. the first line and its three figures: the trigger decides what the network answers;
  2. the heatmaps: without the trigger they lie on the digit, with it in the corner;
  3. the distribution: two humps that hardly touch are a backdoor's signature.
The same by hand, on your own model and images:
  bdaudit scan {where}/model.keras --trigger square4 --data {where}/test.npz -o mine.html"""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{printable(str(folder))}: {error.strerror}; choose --output") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkError(f"the training left no {path.name}") from error
