"""`bdaudit inspect`: what a model file is and holds, found without loading it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from auditor import handoff
from auditor.cli import options
from auditor.errors import InputError
from auditor.intake import Taken
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Port, Ports
from auditor.supervisor import Supervisor
from auditor.text import printable

FORMATS = {
    "keras": "a Keras archive",
    "h5": "a Keras model in HDF5",
    "onnx": "an ONNX graph",
    "savedmodel": "a TensorFlow SavedModel",
    "tflite": "a TFLite model",
}

_SHOWN = 30
_KINDS = 12
_NAMED = 6


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead: every layer, every finding.",
)
@options.external_data
@options.guarding
@click.option("-v", "--verbose", is_flag=True, help="List every layer.")
def command(model: Path, format_: str | None, verbose: bool, **flags: Any) -> int:
    """Say what the file MODEL is, what it holds, and whether it may be loaded.

    Looks at Keras archives and HDF5 files, ONNX graphs, SavedModels and TFLite files without
    loading them: inputs, outputs, classes, layers, names for --layer. Whatever is not known to be
    harmless is a finding, named with its place; then it exits 3.
    """
    with Supervisor(options.guard(flags)) as workers:
        taken = workers.take(model, external_data=flags["allow_external_data"])
        room = workers.room()
        workers.run({"kind": "inspect", **taken.job()}, room, lambda *_: None)
        found, ports = handoff.load(Inspection, room), handoff.load(Ports, room, "ports")
    if format_:
        click.echo(json.dumps(document(taken, found, ports), indent=2))
    else:
        click.echo("\n".join(_lines(taken, found, ports, _SHOWN if not verbose else None)))
    if found.findings:
        count = len(found.findings)
        plural = "finding" if count == 1 else "findings"
        shown = printable(str(model))
        raise InputError(f"{shown}: refused: {count} {plural}, listed on standard output")
    return 0


def document(taken: Taken, found: Inspection, ports: Ports) -> dict[str, Any]:
    """Return what was found as JSON values."""
    return {
        "schema": "bdaudit.inspection/v1",
        "path": str(taken.path),
        "format": found.format,
        "sha256": taken.sha256,
        "bytes": taken.bytes,
        "written_by": found.written_by,
        "numbers": found.stored,
        "inputs": [{"name": name, "shape": list(shape)} for name, shape in ports.inputs],
        "outputs": [{"name": name, "shape": list(shape)} for name, shape in ports.outputs],
        "classes": ports.classes or None,
        "spatial": list(ports.spatial),
        "layers": [{"name": name, "class": kind} for name, kind in found.layers],
        "findings": [{"place": f.place, "reason": f.reason} for f in found.findings],
    }


def _lines(taken: Taken, found: Inspection, ports: Ports, most: int | None) -> Iterator[str]:
    what = FORMATS.get(found.format, printable(found.format, 20))
    by = f", written by {printable(found.written_by, 80)}" if found.written_by else ""
    yield f"{printable(str(taken.path))}: {what}{by}"
    yield f"sha256    {taken.sha256}"
    yield f"size      {taken.bytes:,} bytes; {found.stored:,} numbers in weights"
    yield from _ports(ports)
    graph = found.format in ("onnx", "savedmodel", "tflite")
    kinds = Counter(kind for _, kind in found.layers).most_common()
    named = ", ".join(f"{printable(kind, 40)} × {n}" for kind, n in kinds[:_KINDS])
    more = f" and {len(kinds) - _KINDS} kinds more" if len(kinds) > _KINDS else ""
    yield f"{'nodes' if graph else 'layers':10}{len(found.layers)}: {named}{more}"
    width = max((len(printable(kind, 40)) for _, kind in found.layers[:most]), default=0)
    for name, kind in found.layers[:most]:
        yield f"          {printable(kind, 40):{width}}  {printable(name, 80)}"
    if most is not None and len(found.layers) > most:
        yield f"          … and {len(found.layers) - most} more; -v lists them all"
    if not found.findings:
        yield "findings  none: nothing in it that is not known to be harmless"
        return
    yield f"findings  {len(found.findings)}: it is not loaded"
    for finding in found.findings:
        yield f"          {printable(finding.place)}: {printable(finding.reason, 500)}"


def _ports(ports: Ports) -> Iterator[str]:
    """Give what goes in and comes out, and the names for `--layer`, the last one first."""
    for what, found in (("input", ports.inputs), ("output", ports.outputs)):
        for port in found[:_KINDS]:
            classes = f": {ports.classes} classes" if what == "output" and ports.classes else ""
            yield f"{what:10}{_port(port)}{classes}"
    if ports.spatial:
        last = [printable(name, 60) for name in reversed(ports.spatial[-_NAMED:])]
        more = len(ports.spatial) - len(last)
        rest = f" and {more} more before" if more else ""
        yield f"--layer   {', '.join(last)}{rest}"


def _port(port: Port) -> str:
    name, shape = port
    sizes = "×".join("?" if size < 0 else str(size) for size in shape)
    return printable(name, 80) + (f" ({sizes})" if sizes else "")
