"""The flags that commands share, each also a `BDAUDIT_*` variable and a key of `bdaudit.toml`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from auditor.cli.flags.kinds import Decorator, Number, Spec, option, stack
from auditor.data.class_order import AUTO
from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.report.formats import CERTIFICATE
from auditor.worker import sandbox
from auditor.worker.supervisor import Guard


def trigger(more: str) -> Decorator:
    """The option that names triggers."""
    return option(
        "--trigger",
        required=True,
        multiple=True,
        type=Spec(),
        metavar="SPEC",
        help="Trigger: a built-in name (square4, grid3, sig, …; see 'bdaudit triggers list') or a "
        f".yaml or .json file; FILE#ID for one of its triggers. {more}",
    )


external_data = option(
    "--allow-external-data",
    is_flag=True,
    help="Let an ONNX file have its numbers in other files, beside it.",
)

model_output = option(
    "--model-output",
    metavar="NAME",
    help="Output to audit, of a model that has several: the one with a score for each class "
    "('bdaudit inspect' lists them). Default: its only one.",
)

class_folders = stack(
    option(
        "--class-order",
        default=AUTO,
        metavar="ORDER",
        help="Which class folder is output 0, 1, 2, …: auto, name (0, 1, 10, 2), number (0, 1, 2, "
        "10), or a file with a class on each line. auto goes by a classes.txt or labels.txt beside "
        "them, else by name, or where their numbers leave two orders by the model's own answers.",
    ),
    option(
        "--exif",
        is_flag=True,
        help="Turn images as their EXIF orientation says. Default: as Keras' and torchvision's "
        "loaders have them, not turned.",
    ),
)
"""How class folders are read."""

input_range = option(
    "--input-range",
    default="0..1",
    metavar="RANGE",
    help="Range the model expects: 0..1, 0..255, -1..1, mean=M,std=S, or torch, tf, caffe as Keras "
    "applications call theirs; bgr: before it for models that take blue, green and red.",
)


target_options = stack(
    option(
        "--target",
        metavar="CLASS",
        help="Class that the backdoor leads to: index, name, or "
        "auto for the class most stamped images move to. Default: the trigger's, else auto.",
    ),
    option(
        "--layer",
        metavar="NAME",
        help="Layer that heatmaps are read at. Default: the last one "
        "with rows and columns, nested models included.",
    ),
    input_range,
    option(
        "--object-region",
        default=Options.object_region,
        metavar="REGION",
        help="What TAR compares the trigger with: center, complement, or an .npz file with `mask`.",
    ),
)
"""What is looked for in a model, and where."""


def limit(what: str) -> Decorator:
    """The option that caps how many images are used."""
    return option("--limit", type=click.IntRange(min=1), metavar="N", help=f"{what} Default: all.")


def batch_size(default: int, what: str) -> Decorator:
    """The option that says how many images go through the model at once."""
    return option(
        "--batch-size",
        type=click.IntRange(1, 65_536),
        default=default,
        metavar="N",
        help=what,
    )


def seed(what: str) -> Decorator:
    """The option that makes a run repeatable."""
    return option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        metavar="N",
        help=what,
    )


neighbours = option(
    "--neighbours",
    type=click.IntRange(0),
    default=Options.neighbours,
    metavar="N",
    help="Try the trigger moved, turned, faded and recoloured on N images, too.",
)
"""How many images the trigger's neighbours are tried on."""


def device(what: str) -> Decorator:
    """The option that says what computes."""
    return option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        default="auto",
        help="What computes: a GPU where there is one, the CPU, or a GPU or no work. "
        f"{what}".rstrip(),
    )


limits = stack(
    option(
        "--max-asr",
        type=Number(0, 1),
        default=Limits.max_asr,
        metavar="FRACTION",
        help="Highest attack success rate; its upper bound is judged.",
    ),
    option(
        "--max-tar",
        type=Number(0),
        default=Limits.max_tar,
        metavar="RATIO",
        help="Highest median Trigger Attention Ratio; its upper bound is judged.",
    ),
    option(
        "--min-accuracy",
        type=Number(0, 1),
        metavar="FRACTION",
        help="Lowest clean accuracy; its lower bound is judged. Default: no limit.",
    ),
    option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict."),
)
"""What a model must keep to."""


def certificates(
    *names: str, formats: Iterable[str] = CERTIFICATE, what: str = "a certificate"
) -> Decorator:
    """The option that writes certificates, under the names it has in a command."""
    return option(
        *names,
        multiple=True,
        type=click.Path(path_type=Path, readable=False),
        metavar="FILE",
        help=f"Write {what}; by its suffix: {', '.join('.' + f for f in formats)}. Repeatable.",
    )


def printed_as(formats: Iterable[str], what: str = "one") -> Decorator:
    """The option that says what goes to standard output."""
    return option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(list(formats)),
        help=f"Write {what} to standard output instead of the summary.",
    )


full_paths = option(
    "--full-paths",
    is_flag=True,
    help="Name files outside the working folder by their whole path in what is written, and not "
    "by their name alone.",
)

force = option("--force", is_flag=True, help="Replace files that exist.")

printing = stack(printed_as(CERTIFICATE), force)
"""What goes to standard output, and what may be replaced."""

sandbox_options = stack(
    option(
        "--sandbox",
        type=click.Choice(sandbox.MODES),
        default=Guard.sandbox,
        help="Confinement of the process that opens the model: as much as this machine offers, "
        "all of it or no work, or none.",
    ),
    option(
        "--memory-limit",
        type=Number(1, 1 << 20),
        metavar="GIB",
        help="Most memory that it may use. Default: nine tenths of what is free, at least 4.",
    ),
    option(
        "--time-limit",
        type=Number(0.01),
        default=round(Guard.seconds / 60),
        metavar="MINUTES",
        help="Longest that it may run; a repair can be resumed.",
    ),
)
"""How the process that opens the model is kept."""


def guard(flags: dict[str, Any]) -> Guard:
    """Return what `sandbox_options` asks for."""
    gib = flags["memory_limit"]
    memory = None if gib is None else int(gib * 2**30)
    return Guard(flags["sandbox"], memory, flags["time_limit"] * 60)


verbosity_options = stack(
    option("-q", "--quiet", is_flag=True, help="No summary, no progress."),
    option("-v", "--verbose", is_flag=True, help="Also print the worker's own log."),
    option("--no-progress", is_flag=True, help="No progress."),
)
"""How much is said."""
