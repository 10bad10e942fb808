"""`bdaudit repair`: make a model forget a trigger, watched live, certified before and after."""

import sys
from pathlib import Path
from typing import Any

import click

from auditor.certificate import now
from auditor.cli import files, options, repair_flags, sources, summary
from auditor.cli.scan import EXIT, format_of
from auditor.errors import UsageError, WorkError
from auditor.measure.audit import Options
from auditor.models.form import check_form
from auditor.models.input_range import InputRange
from auditor.policy import Limits
from auditor.repair.options import RepairOptions
from auditor.report import FORMATS, ready, render
from auditor.triggers import spec
from auditor.triggers.base import Trigger

MODEL_SUFFIXES = ("keras", "h5", "onnx")
GRAPH_SUFFIXES = (".onnx", ".tflite")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.trigger("A repair takes one.")
@options.option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images to repair with, as for scan; a keras.datasets name means its "
    "training images. Default: by the model's shape.",
)
@options.option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images to certify the repair on. Default: the test images of a keras.datasets "
    "name, else what --clean-budget leaves of --data (half of it unless given).",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="REPAIRED",
    help="Repaired model to write: .keras, .h5 or .onnx. An ONNX graph, a SavedModel and a .tflite "
    "model are handed back as .onnx.",
)
@options.certificates("-o", "--certificate")
@options.external_data
@options.looking
@repair_flags.flags
@options.limit("Certify on at most N evaluation images, drawn class by class.")
@options.batch_size(
    RepairOptions.batch_size,
    "Clean images a step, of all devices together; unlearning adds as many stamped ones.",
)
@options.seed("Seed of every draw, split and shuffle.")
@options.limits
@options.option(
    "--max-accuracy-drop",
    type=options.Number(0, 1),
    default=RepairOptions.max_accuracy_drop,
    metavar="FRACTION",
    help="Highest fall in clean accuracy; its upper bound is judged. An epoch that the validation "
    "images show to be beyond it is not kept.",
)
@options.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the run: figures, heatmaps, run.html, checkpoints. "
    "Default: REPAIRED with the suffix .run.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --run-dir.")
@options.printing
@options.guarding
@options.talking
def command(model: Path, trigger: tuple[str, ...], output: Path, resume: bool, **flags: Any) -> int:
    """Repair MODEL: make it forget a trigger, and prove what that did.

    Measures the model, trains it with the method of --method while every epoch's figures and
    heatmaps can be watched, keeps the best epoch, and measures the file handed back. A repair that
    does not help hands back nothing and exits 1. MODEL is never written to.
    """
    from auditor.cli.repair_run import NEIGHBOUR_IMAGES, Repair, repair  # `scan` reads the flags

    data = sources.for_repair(flags["data"], flags["eval_data"])
    inputs = [model, *(Path(p) for p in (*(t.partition("#")[0] for t in trigger), *data) if p)]
    files.check_outputs([output], MODEL_SUFFIXES, inputs, force=flags["force"])
    if model.is_dir() or model.suffix.lower() in GRAPH_SUFFIXES:
        check_form("graph", output.suffix.lower())
    files.check_outputs(flags["certificate"], list(FORMATS), inputs, force=flags["force"])
    for path in flags["certificate"]:
        ready(format_of(path))
    now()
    InputRange.parse(flags["input_range"])
    wanted = Repair(
        model=model,
        output=output,
        run_dir=flags["run_dir"] or output.with_suffix(".run"),
        trigger=_one(trigger),
        data=data[0],
        evaluation=data[1],
        input_range=flags["input_range"],
        device=flags["device"],
        external_data=flags["allow_external_data"],
        how=Options(
            target=flags["target"],
            layer=flags["layer"],
            object_region=sources.absolute_region(flags["object_region"]),
            limit=flags["limit"],
            batch_size=2 * flags["batch_size"],
            seed=flags["seed"],
            neighbours=NEIGHBOUR_IMAGES,
        ),
        options=_options(flags),
        guard=options.guard(flags),
        limits=Limits(
            max_asr=flags["max_asr"],
            max_tar=flags["max_tar"],
            min_accuracy=flags["min_accuracy"],
            max_accuracy_drop=flags["max_accuracy_drop"],
        ),
    )
    certificate, contents = repair(
        wanted,
        resume=resume,
        force=flags["force"],
        show=not (flags["quiet"] or flags["no_progress"]),
        verbose=flags["verbose"],
    )
    rendered = {path: render(certificate, format_of(path)) for path in flags["certificate"]}
    _write(contents, rendered)
    if flags["format_"]:
        sys.stdout.buffer.write(render(certificate, flags["format_"]))
    elif not flags["quiet"]:
        summary.show(certificate)
    return 0 if flags["exit_zero"] else EXIT[certificate.verdict.status]


def _one(specs: tuple[str, ...]) -> Trigger:
    """Return the one trigger to unlearn."""
    if len(specs) > 1:
        raise UsageError(
            f"--trigger is given {len(specs)} times, but a repair unlearns one trigger; "
            "for several stamped together, give one of type compose"
        )
    return spec.load(specs[0])


def _write(contents: dict[Path, bytes], rendered: dict[Path, bytes]) -> None:
    try:
        files.write({**contents, **rendered})
    except WorkError as error:
        if not contents:
            raise
        raise WorkError(f"{error}; mend that, then finish with --resume") from error


def _options(flags: dict[str, Any]) -> RepairOptions:
    """Return the repair's options; those that have flags bear their names."""
    names = set(RepairOptions.__dataclass_fields__) & set(flags)
    return RepairOptions(**{name: flags[name] for name in names})
