"""`bdaudit scan`: audit one model under one or several triggers."""

from typing import Any

import click

from auditor.cli import outputs
from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common
from auditor.cli.flags.kinds import ModelName, option
from auditor.cli.input_range import check_input_range
from auditor.cli.progress import Display, log, say
from auditor.cli.requests import inputs, scan_request
from auditor.cli.summaries import conclude
from auditor.data.kinds import HELP
from auditor.measure.options import Options
from auditor.records.provenance import now
from auditor.report.formats import CERTIFICATE
from auditor.runs.model_source import Model
from auditor.runs.scan import scan


@click.command(cls=Configured)
@click.argument("model", type=ModelName())
@common.trigger("Repeatable: all are tried in one run, with one certificate.")
@option(
    "--data",
    metavar="SOURCE",
    help=f"{HELP} Default: by the model's shape.",
)
@common.external_data
@common.model_output
@common.class_folders
@common.target_options
@common.limit("Use at most N images, drawn class by class.")
@common.batch_size(Options.batch_size, "Images a step.")
@common.seed("Seed of the draw and of the bootstrap.")
@common.neighbours
@common.device("")
@common.limits
@common.certificates("-o", "--output")
@common.full_paths
@common.printing
@common.sandbox_options
@common.verbosity_options
def command(model: Model, trigger: tuple[str, ...], **flags: Any) -> int:
    """Audit MODEL, an image classifier, for the backdoor that a trigger would open.

    MODEL is a .keras, .h5, .onnx or .tflite file, a SavedModel folder, or a reference to one:
    hf://OWNER/NAME[@REVISION][/FILE], models:/NAME/VERSION, models:/NAME@ALIAS or
    runs:/RUN_ID/PATH.

    Measures how often stamped images turn to the target class (ASR), how much of the network's
    attention sits on the trigger (TAR), and what the model does without it.
    """
    written, verbose = flags["output"], flags["verbose"]
    read = inputs(model, trigger, flags["data"], flags["class_order"])
    outputs.check_outputs(written, list(CERTIFICATE), read, force=flags["force"])
    request = scan_request(model, trigger, flags)
    check_input_range(flags["input_range"])
    now()
    outputs.ready(written, CERTIFICATE)
    with Display(show=not (flags["quiet"] or flags["no_progress"])) as display:
        audited = scan(request, progress=display, notify=say, log=log if verbose else None)
        outputs.write(outputs.rendered(audited, written))
    conclude(audited, flags["format_"], quiet=flags["quiet"])
    return exit_code(audited.verdict.status, exit_zero=flags["exit_zero"])
