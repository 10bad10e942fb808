"""`bdaudit demo`: a small BadNet is trained, scanned, repaired, and certified before and after."""

from pathlib import Path

import click

from auditor.cli import outputs
from auditor.cli.progress import Display, HideBar, say
from auditor.cli.requests import command_line
from auditor.cli.summaries import show
from auditor.errors import UsageError
from auditor.monitor.terminal import Terminal
from auditor.report.formats import ready
from auditor.runs import demo
from auditor.runs.repair import repair
from auditor.runs.scan import scan
from auditor.text import printable

_SCANNED = ("certificate.html", "certificate.pdf", "audit.json")
_REPAIRED = ("repaired.html", "repaired.pdf", "repaired.json")


@click.command()
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, readable=False),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for the models, their images and the certificates.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("-q", "--quiet", is_flag=True, help="No summary, no progress.")
@click.option("--no-progress", is_flag=True, help="No progress.")
def command(folder: Path, force: bool, quiet: bool, no_progress: bool) -> int:
    """Train a small BadNet on handwritten digits, scan it, repair it, and write the certificates.

    Takes a minute or two and needs no download. Exits 0 when everything ran, although the model
    fails its scan: it is meant to.
    """
    written = [folder / name for name in (*demo.MADE, *_SCANNED, demo.REPAIRED, *_REPAIRED)]
    ready("pdf")
    _make_folder(folder)
    outputs.check_outputs(written, ["keras", "npz", "html", "pdf", "json"], [], force=force)
    watched = not (quiet or no_progress)
    _scan(folder, watched=watched, quiet=quiet)
    _repair(folder, watched=watched, quiet=quiet, force=force)
    if not quiet:
        click.echo(_what_to_look_at(folder))
    return 0


def _scan(folder: Path, *, watched: bool, quiet: bool) -> None:
    with Display(show=watched) as display:
        demo.make(folder, progress=display, notify=say)
        certificate = scan(demo.scan_request(folder, command_line()), progress=display, notify=say)
        outputs.write(outputs.rendered(certificate, [folder / name for name in _SCANNED]))
    if not quiet:
        show(certificate)
        click.echo()


def _repair(folder: Path, *, watched: bool, quiet: bool, force: bool) -> None:
    with Display(show=watched) as display:
        certificate, contents = repair(
            demo.repair_request(folder, command_line()),
            force=force,
            progress=display,
            notify=say,
            observers=[HideBar(display), Terminal()] if watched else [],
        )
    rendered = outputs.rendered(certificate, [folder / name for name in _REPAIRED])
    outputs.write({**contents, **rendered})
    if not quiet:
        show(certificate)


def _what_to_look_at(folder: Path) -> str:
    where = printable(str(folder))
    return f"""
Open {where}/certificate.html in a browser (certificate.pdf is the same for paper) and look at
  1. the first line and its three figures: the trigger decides what the network answers;
  2. the heatmaps: without the trigger they lie on the digit, with it in the corner;
  3. the distribution: two humps that hardly touch are a backdoor's signature.
Then open {where}/repaired.html, the same model after the repair, and look at
  1. before → after of every figure; accuracy under the trigger tells forgetting from scattering;
  2. the film strip: from epoch to epoch the heat leaves the corner;
  3. the trigger's neighbours: moved, faded, recoloured.
The same by hand, on your own model and images:
  bdaudit scan {where}/model.keras --trigger square4 --data {where}/test.npz -o mine.html
  bdaudit repair {where}/model.keras --trigger square4 --data {where}/clean.npz \\
      --eval-data {where}/test.npz --learning-rate 1e-3 \\
      --output mine.keras -o mine-repaired.html"""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{printable(str(folder))}: {error.strerror}; choose --output") from error
