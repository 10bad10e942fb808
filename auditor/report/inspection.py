"""A model file that was looked at, as a terminal shows it."""

from collections import Counter
from collections.abc import Iterator

from auditor.models.inspect.ports import Port, Ports
from auditor.records.model_file import ModelFile
from auditor.text import printable

_FORMATS = {
    "keras": "a Keras archive",
    "h5": "a Keras model in HDF5",
    "onnx": "an ONNX graph",
    "savedmodel": "a TensorFlow SavedModel",
    "tflite": "a TFLite model",
}

_SHOWN = 30
_KINDS = 12
_NAMED = 6


def lines(file: ModelFile, *, all_layers: bool) -> Iterator[str]:
    """Give what was found, line by line.

    Args:
        file: The file.
        all_layers: Whether every layer is listed.
    """
    found, most = file.inspection, None if all_layers else _SHOWN
    what = _FORMATS.get(found.format, printable(found.format, 20))
    by = f", written by {printable(found.written_by, 80)}" if found.written_by else ""
    yield f"{printable(file.path)}: {what}{by}"
    if file.origin:
        yield f"pinned    {printable(file.origin.facts, 1000)}"
    yield f"sha256    {file.sha256}"
    yield f"size      {file.bytes:,} bytes; {found.stored:,} numbers in weights"
    yield from _ports(file.ports)
    yield from _heatmaps(file, most)
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
    if found.notes:
        yield f"notes     {len(found.notes)}: nothing is refused for them"
    for note in found.notes:
        yield f"          {printable(note.place)}: {printable(note.reason, 500)}"
    if not found.findings:
        yield "findings  none: nothing in it that is not known to be harmless"
        return
    yield f"findings  {len(found.findings)}: it is not loaded"
    for finding in found.findings:
        yield f"          {printable(finding.place)}: {printable(finding.reason, 500)}"


def _ports(ports: Ports) -> Iterator[str]:
    """Give what goes in and comes out."""
    for what, found in (("input", ports.inputs), ("output", ports.outputs)):
        for port in found[:_KINDS]:
            classes = f": {ports.classes} classes" if what == "output" and ports.classes else ""
            yield f"{what:10}{_port(port)}{classes}"


def _heatmaps(file: ModelFile, most: int | None) -> Iterator[str]:
    """Give the names for `--layer`, the last one first: it is the default."""
    spatial, found = file.ports.spatial, file.heatmaps
    if found is None:
        if file.inspection.findings:
            return
        last = ", ".join(printable(name, 60) for name in reversed(spatial[-_NAMED:]))
        more = f" and {len(spatial) - _NAMED} more before" if len(spatial) > _NAMED else ""
        ask = "--layers loads it, confined, and lists" + (" all" if last else " the names")
        yield f"--layer   {last}{more}; {ask}" if last else f"--layer   {ask}"
        return
    if not found:
        yield "--layer   none: no layer has rows and columns to read a heatmap at"
    width = max((len(printable(layer.kind, 40)) for layer in found[::-1][:most]), default=0)
    for place, layer in enumerate(found[::-1][:most]):
        shape = "×".join(map(str, (*layer.grid, layer.channels)))
        name = printable(layer.name, 80) + (" (default)" if place == 0 else "")
        also = f", node {printable(layer.node, 80)}" if layer.node not in ("", layer.name) else ""
        start = "" if place else "--layer"
        yield f"{start:10}{printable(layer.kind, 40):{width}}  {shape:11}  {name}{also}"
    if most is not None and len(found) > most:
        yield f"          … and {len(found) - most} more before; -v lists them all"


def _port(port: Port) -> str:
    name, shape = port
    sizes = "×".join("?" if size < 0 else str(size) for size in shape)
    return printable(name, 80) + (f" ({sizes})" if sizes else "")
