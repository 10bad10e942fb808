"""`bdaudit probe`: try whether the backdoor of a repaired model comes back."""

from typing import Any

import click

from auditor.cli import outputs
from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common
from auditor.cli.flags import probe as probe_flags
from auditor.cli.flags.kinds import ModelName, option
from auditor.cli.input_range import check_input_range
from auditor.cli.progress import Display, log, say
from auditor.cli.requests import inputs, one_trigger, probe_request
from auditor.cli.summaries import conclude
from auditor.data.kinds import HELP
from auditor.measure.options import Options
from auditor.records.provenance import now
from auditor.report.formats import CERTIFICATE
from auditor.runs import sources
from auditor.runs.model_source import Model
from auditor.runs.probe import probe


@click.command(cls=Configured)
@click.argument("before", type=ModelName())
@click.argument("after", type=ModelName())
@common.trigger("Probes take one.")
@option(
    "--data",
    metavar="SOURCE",
    help=f"{HELP} Half of them tune, the rest judge. A keras.datasets name means its training "
    "images. Default: by the model's shape.",
)
@option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images that judge, so that all of --data may tune. Default: the test images of "
    "a keras.datasets name.",
)
@common.external_data
@common.model_output
@common.class_folders
@common.target_options
@common.limit("Judge on at most N images, drawn class by class.")
@common.batch_size(Options.batch_size, "Images a step of the audit.")
@common.seed("Seed of every draw and shuffle.")
@common.neighbours
@probe_flags.how
@common.device("")
@common.limits
@probe_flags.max_reactivation()
@common.certificates("-o", "--output")
@common.full_paths
@common.printing
@common.sandbox_options
@common.verbosity_options
def command(before: Model, after: Model, trigger: tuple[str, ...], **flags: Any) -> int:
    """Try whether the backdoor of AFTER, a repair of BEFORE, comes back.

    A repair can hide a backdoor instead of removing it. AFTER is audited as by scan; then a copy is
    tuned with 5 and 10 stamped images, the trigger is strengthened by a perturbation, and the way
    back to the weights of BEFORE is walked. Each is held against a control of the same budget.
    Neither file is written to.
    """
    written, verbose = flags["output"], flags["verbose"]
    data = sources.for_repair(flags["data"], flags["eval_data"])
    read = inputs(after, trigger, *data, flags["class_order"]) + inputs(before, ())
    outputs.check_outputs(written, list(CERTIFICATE), read, force=flags["force"])
    request = probe_request(before, after, one_trigger(trigger, "probed"), data, flags)
    check_input_range(flags["input_range"])
    now()
    outputs.ready(written, CERTIFICATE)
    with Display(show=not (flags["quiet"] or flags["no_progress"])) as display:
        certificate = probe(request, progress=display, notify=say, log=log if verbose else None)
        outputs.write(outputs.rendered(certificate, written))
    conclude(certificate, flags["format_"], quiet=flags["quiet"])
    return exit_code(certificate.verdict.status, exit_zero=flags["exit_zero"])
