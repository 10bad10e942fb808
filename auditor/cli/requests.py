"""From the flags of a command to what a use case is asked for."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditor.cli.flags.common import guard
from auditor.cli.flags.probe import probe_options, wanted_probes
from auditor.data import place
from auditor.errors import UsageError
from auditor.figures.excess import NEIGHBOUR_IMAGES
from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.repair import readers, reads
from auditor.repair.options import RepairOptions
from auditor.runs import sources
from auditor.runs.model_source import Model
from auditor.runs.probe_request import ProbeRequest
from auditor.runs.repair_request import RepairRequest
from auditor.runs.scan import ScanRequest
from auditor.runs.search import SearchRequest
from auditor.search.options import SearchOptions
from auditor.triggers import spec
from auditor.triggers.base import Trigger


def command_line() -> str:
    """Return the command line, as a shell takes it."""
    return shlex.join(["bdaudit", *sys.argv[1:]])


def inputs(model: Model, triggers: Sequence[str], *data: str | None) -> list[Path]:
    """Return the files that a command reads, which it must never write over."""
    files = (spec_.partition("#")[0] for spec_ in triggers)
    given = [model] if isinstance(model, Path) else []
    sources = [place(source)[0] for source in data if source]
    return [*given, *(Path(file) for file in files if file), *sources]


def _reading(flags: dict[str, Any]) -> dict[str, Any]:
    """Return what every request says of how model and images are read and kept."""
    return {
        "class_order": sources.class_order(flags["class_order"]),
        "exif": flags["exif"],
        "input_range": flags["input_range"],
        "model_output": flags["model_output"],
        "device": flags["device"],
        "guard": guard(flags),
        "external_data": flags["allow_external_data"],
        "command": command_line(),
        "full_paths": flags["full_paths"],
    }


def scan_request(model: Model, triggers: Sequence[str], flags: dict[str, Any]) -> ScanRequest:
    """Return what `bdaudit scan` asks for."""
    return ScanRequest(
        model=model,
        triggers=tuple(spec.load_each(triggers)),
        data=flags["data"],
        options=_options(flags, flags["batch_size"], flags["neighbours"]),
        limits=Limits(
            max_asr=flags["max_asr"], max_tar=flags["max_tar"], min_accuracy=flags["min_accuracy"]
        ),
        **_reading(flags),
    )


def probe_request(
    before: Model,
    model: Model,
    trigger: Trigger,
    data: tuple[str | None, str | None],
    flags: dict[str, Any],
) -> ProbeRequest:
    """Return what `bdaudit probe` asks for.

    Args:
        before: The model before the repair.
        model: The repaired one.
        trigger: The trigger that it has forgotten.
        data: Images to tune with, and to judge by.
        flags: How it is measured, tried, judged and kept.
    """
    return ProbeRequest(
        before=before,
        model=model,
        trigger=trigger,
        data=data[0],
        evaluation=data[1],
        audit=_options(flags, flags["batch_size"], flags["neighbours"]),
        probes=probe_options(flags),
        limits=Limits(
            max_asr=flags["max_asr"],
            max_tar=flags["max_tar"],
            min_accuracy=flags["min_accuracy"],
            max_reactivation=flags["max_reactivation"],
        ),
        **_reading(flags),
    )


def _options(flags: dict[str, Any], batch_size: int, neighbours: int) -> Options:
    """Return how an audit is done."""
    return Options(
        target=flags["target"],
        layer=flags["layer"],
        object_region=sources.absolute_region(flags["object_region"]),
        limit=flags["limit"],
        batch_size=batch_size,
        seed=flags["seed"],
        neighbours=neighbours,
    )


def repair_request(
    model: Model,
    trigger: Trigger,
    data: tuple[str | None, str | None],
    output: Path,
    run_dir: Path,
    options: RepairOptions,
    flags: dict[str, Any],
) -> RepairRequest:
    """Return what `bdaudit repair` and `bdaudit compare` ask for.

    Args:
        model: The model file, or a reference.
        trigger: The trigger to forget.
        data: Images to repair with, and to judge by.
        output: The repaired file to write.
        run_dir: Folder of the run.
        options: How it is repaired.
        flags: How it is measured, judged and kept.
    """
    return RepairRequest(
        model=model,
        output=output,
        run_dir=run_dir,
        trigger=trigger,
        data=data[0],
        evaluation=data[1],
        audit=_options(flags, 2 * flags["batch_size"], NEIGHBOUR_IMAGES),
        options=options,
        limits=Limits(
            max_asr=flags["max_asr"],
            max_tar=flags["max_tar"],
            min_accuracy=flags["min_accuracy"],
            max_accuracy_drop=flags["max_accuracy_drop"],
            max_neighbour_asr=flags["max_neighbour_asr"],
            max_reactivation=flags["max_reactivation"],
        ),
        probes=wanted_probes(flags),
        **_reading(flags),
    )


def repair_options(flags: dict[str, Any]) -> RepairOptions:
    """Return how a model is to be repaired: what the flags say; the rest as the method has it.

    Raises:
        UsageError: A flag that means nothing to the method.
    """
    method = flags["method"]
    fields = set(RepairOptions.__dataclass_fields__) - {"method"}
    given = {n: v for n, v in flags.items() if n in fields and v is not None}
    for name in given:
        if not reads(method, name):
            flag, owners = name.replace("_", "-"), ", ".join(readers(name))
            raise UsageError(f"--{flag}: means nothing to --method {method}; it is for {owners}")
    return RepairOptions.of(method, **given)


def one_trigger(specs: Sequence[str], use: str = "forgotten") -> Trigger:
    """Return the one trigger that there is to be.

    Args:
        specs: As they were given.
        use: What is done to it, in words.

    Raises:
        UsageError: There are several, or the spec names none.
        InputError: Its file cannot be read.
    """
    if len(specs) > 1:
        raise UsageError(
            f"--trigger is given {len(specs)} times, but one trigger is {use} at a time; "
            "for several stamped together, give one of type compose"
        )
    return spec.load(specs[0])


def search_request(
    model: Model,
    output: Path,
    run_dir: Path,
    data: str | None,
    options: SearchOptions,
    flags: dict[str, Any],
) -> SearchRequest:
    """Return what `bdaudit search`, and `bdaudit repair --trigger search`, ask for.

    Args:
        model: The model file, or a reference.
        output: The trigger file to write.
        run_dir: Folder for checkpoints.
        data: Clean images.
        options: How it is searched.
        flags: How the model is read and kept.
    """
    return SearchRequest(
        model=model,
        output=output,
        run_dir=run_dir,
        data=data,
        options=options,
        **_reading(flags),
    )
