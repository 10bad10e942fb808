"""`bdaudit demo`: a small BadNet is trained, scanned, repaired, and certified before and after."""

from pathlib import Path

import click

from auditor.cli import files, summary
from auditor.cli.progress import progress, say
from auditor.cli.repair_flags import NEIGHBOUR_IMAGES
from auditor.cli.repair_run import repair
from auditor.cli.repair_wanted import Repair
from auditor.cli.scan import scan
from auditor.errors import UsageError, WorkError
from auditor.measure.audit import Options
from auditor.policy import Limits
from auditor.repair.options import RepairOptions
from auditor.report import FORMATS, ready, render
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable
from auditor.triggers import spec

_MADE = ("model.keras", "clean.npz", "test.npz")
_SCANNED = ("certificate.html", "certificate.pdf", "audit.json")
_REPAIRED = ("repaired.html", "repaired.pdf", "repaired.json")
_MODEL, _RUN = "repaired.keras", "repaired.run"


@click.command()
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path),
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
    outputs = [folder / name for name in (*_MADE, *_SCANNED, _MODEL, *_REPAIRED)]
    ready("pdf")
    _make_folder(folder)
    files.check_outputs(outputs, ["keras", "npz", "html", "pdf", "json"], [], force=force)
    show = not (quiet or no_progress)
    _scan(folder, show=show, quiet=quiet)
    _repair(folder, show=show, quiet=quiet, force=force)
    if not quiet:
        click.echo(_what_to_look_at(folder))
    return 0


def _scan(folder: Path, *, show: bool, quiet: bool) -> None:
    from auditor.demo import TRIGGER

    with progress(show=show) as tell:
        with Supervisor(Guard(), say) as workers:
            room = workers.room()
            workers.run({"kind": "demo", "device": "auto"}, room, tell)
            files.write({folder / name: _read(room / name) for name in _MADE})
        model, data = folder / "model.keras", str(folder / "test.npz")
        certificate = scan(
            model, [spec.load(TRIGGER)], Options(), Limits(), tell, data=data, guard=Guard()
        )
        written = {
            folder / name: render(certificate, files.format_of(Path(name), FORMATS))
            for name in _SCANNED
        }
        files.write(written)
    if not quiet:
        summary.show(certificate)
        click.echo()


def _repair(folder: Path, *, show: bool, quiet: bool, force: bool) -> None:
    from auditor.demo import REPAIR_RATE, TRIGGER

    wanted = Repair(
        model=folder / "model.keras",
        output=folder / _MODEL,
        run_dir=folder / _RUN,
        trigger=spec.load(TRIGGER),
        data=str(folder / "clean.npz"),
        evaluation=str(folder / "test.npz"),
        input_range="0..1",
        device="auto",
        how=Options(neighbours=NEIGHBOUR_IMAGES),
        options=RepairOptions.of(learning_rate=REPAIR_RATE),
        limits=Limits(),
    )
    certificate, contents = repair(wanted, resume=False, force=force, show=show, verbose=False)
    rendered = {
        folder / name: render(certificate, files.format_of(Path(name), FORMATS))
        for name in _REPAIRED
    }
    files.write({**contents, **rendered})
    if not quiet:
        summary.show(certificate)


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkError(f"the training left no {path.name}") from error
