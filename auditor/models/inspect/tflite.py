"""Look at a TFLite file: every operator, tensor and buffer of it."""

import contextlib
import math
import mmap
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import InputError
from auditor.models.inspect import tflite_ops
from auditor.models.inspect.flatbuffer import Buffer, Damaged, Table
from auditor.models.inspect.inspection import Findings, Inspection, TooManyFindings
from auditor.models.inspect.tflite_ports import crossed
from auditor.text import printable

_MAX_BYTES = 2**31 - 1
_MAX_NUMBERS = 2**31
_MAX_RANK = 8
_SLACK_BYTES = 2**20
_VERSION = 3
_DO = "save the model as .keras, or export it to ONNX, from what the TFLite file was made of"
_FLOAT = "convert the model again without quantization (no converter.optimizations), or " + _DO
_RUNTIME = "min_runtime_version"


@dataclass(frozen=True)
class _Tensor:
    name: str
    buffer: int


def inspect_tflite(path: Path, shown: str) -> Inspection:
    """Compare a TFLite file with what TensorFlow's converter writes of float image classifiers.

    Args:
        path: The file.
        shown: Its name for messages, already printable.

    Raises:
        InputError: It is damaged, too large, or holds no graph.
    """
    size = path.stat().st_size
    if not 8 <= size <= _MAX_BYTES:
        raise InputError(f"{shown}: {size} bytes, where a TFLite model has 8 to {_MAX_BYTES}")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            walk = _TfliteWalk(Buffer(data))
            with contextlib.suppress(TooManyFindings):
                walk.model()
        except Damaged as error:
            raise InputError(
                f"{shown}: damaged or not a TFLite model ({error}); copy it again"
            ) from None
    if not walk.layers and not walk.findings.all:
        raise InputError(f"{shown}: no graph in this file; convert the whole model again")
    return Inspection(
        format="tflite",
        written_by=walk.written_by,
        layers=tuple(walk.layers),
        stored=walk.stored,
        findings=tuple(walk.findings.all),
    )


class _TfliteWalk:
    """One pass over a model, in the order in which its parts lean on each other."""

    def __init__(self, buffer: Buffer) -> None:
        self.root = buffer.root()
        self.size = buffer.size
        self.findings = Findings()
        self.layers: list[tuple[str, str]] = []
        self.stored = 0
        self.written_by = ""
        self.buffers: list[tuple[int, int]] = []
        self.needed = 0
        self.is_quantized = False

    def model(self) -> None:
        version = self.root.number(0, "I")
        if version != _VERSION:
            self.findings.add("version", f"{version}, where {_VERSION} is known; {_DO}")
        for index, entry in enumerate(self.root.tables(4)):
            self.buffers.append(entry.size_of(0))
            if entry.has(1) or entry.has(2):
                self.findings.add(f"buffer {index}", f"numbers outside of the model; {_DO}")
        if sum(count for _, count in self.buffers) > self.size:
            self.findings.add("buffers", f"they share their bytes, which no converter does; {_DO}")
        self.notes(next(iter(self.root.tables(2)), None))
        operators = [self.operator_code(entry) for entry in self.root.tables(1)]
        graphs = 0
        for graphs, graph in enumerate(self.root.tables(2), 1):
            if graphs > 1:
                self.findings.add("subgraphs", f"more than one, for loops and branches; {_DO}")
                break
            self.graph(graph, operators)

    def notes(self, graph: Table | None) -> None:
        """Read who wrote the file; check what else TensorFlow reads on its own accord."""
        said = [self.root.text(3).strip(" .")]
        for entry in self.root.tables(6):
            number = entry.number(1, "I")
            if number >= len(self.buffers):
                raise Damaged("a note without its buffer")
            start, count = self.buffers[number]
            if entry.text(0) == _RUNTIME and count <= 64:
                text = self.root.buffer.take(start, count).rstrip(b"\0").decode("latin-1")
                said.append(f"for TFLite {text}")
        self.root.numbers(5, "i")
        self.written_by = printable(", ".join(filter(None, said)), 100)
        for signature in self.root.tables(7):
            signature.text(2)
            for field in (0, 1):
                for end in signature.tables(field):
                    end.text(0)
            if signature.number(4, "I"):
                self.findings.add("signature_defs", f"of another graph than the first; {_DO}")
            elif graph and not _agree(signature, graph):
                self.findings.add(
                    "signature_defs",
                    "takes or gives other tensors than the graph does, so that who calls it gets "
                    f"other scores; {_DO}",
                )
        if graph and not self.findings.all and crossed(self.root, graph):
            self.findings.add(
                "signature_defs",
                "a name is that of one output in a signature, and of another as a tensor or in "
                f"another signature; {_DO}",
            )

    def operator_code(self, entry: Table) -> str:
        """Return an operator's name; empty for one that was noted as refused."""
        old, new, custom = entry.number(0, "b"), entry.number(3, "i"), entry.text(1)
        code = max(old, new)
        if new and old != min(new, tflite_ops.WIDE):
            raise Damaged("an operator of two numbers")
        if code in tflite_ops.OPERATORS:
            return tflite_ops.OPERATORS[code]
        name = tflite_ops.REFUSED.get(code, f"number {code}")
        reason = f"operator {name} is not one that image classifiers compute with"
        if code == tflite_ops.CUSTOM and custom.startswith("Flex"):
            reason = f"operator {custom!r} is TensorFlow's, which TFLite runs with a plug-in"
        elif code == tflite_ops.CUSTOM:
            reason = f"operator {custom!r} is none of TFLite's own"
        self.findings.add("operator_codes", f"{reason}; {_FLOAT if name == 'QUANTIZE' else _DO}")
        return ""

    def graph(self, graph: Table, operators: list[str]) -> None:
        tensors = [self.tensor(entry, index) for index, entry in enumerate(graph.tables(0))]
        if self.needed > 2 * self.size + _SLACK_BYTES:
            reason = f"{self.needed} bytes of numbers in a file of {self.size}; {_DO}"
            self.findings.add("tensors", reason)
        for field in (1, 2):
            _indices(graph, field, len(tensors), optional=False)
        graph.text(4)
        for entry in graph.tables(3):
            self.operator(entry, operators, tensors)

    def tensor(self, entry: Table, index: int) -> _Tensor:
        shape, kind, number = entry.numbers(0, "i"), entry.number(1, "b"), entry.number(2, "I")
        name = entry.text(3) or f"tensor {index}"
        entry.numbers(7, "i")
        if number >= len(self.buffers):
            raise Damaged("a tensor without its buffer")
        if len(shape) > _MAX_RANK or any(each < -1 for each in shape):
            raise Damaged("a tensor of impossible dimensions")
        count, stored = math.prod(abs(each) for each in shape), self.buffers[number][1]
        type_name, width = tflite_ops.NUMBERS.get(kind, ("", 0))
        if not type_name and kind not in tflite_ops.QUANTIZED:
            reason = f"of type {kind}, where numbers of 16 bits and more are known; {_DO}"
            self.findings.add(name, reason)
        elif count > _MAX_NUMBERS or (type_name and stored and stored != count * width):
            self.findings.add(name, f"{stored} bytes stored for {count} numbers; {_DO}")
        elif stored:
            self.stored += count
            self.needed += stored
        self.quantization(entry, kind, name)
        if entry.number(5, "?") or entry.has(6) or entry.has(9):
            self.findings.add(name, f"a variable, or a sparse or variant tensor; {_DO}")
        return _Tensor(name, number)

    def quantization(self, entry: Table, kind: int, name: str) -> None:
        """Note once that a model is quantized, however many tensors are."""
        how = entry.table(4)
        scaled = how is not None and (how.size_of(2, 4)[1] > 0 or how.has(5))
        for field, width in ((0, 4), (1, 4), (3, 8)) if how else ():
            how.size_of(field, width)  # type: ignore[union-attr]  # TFLite reads these
        if not self.is_quantized and (scaled or kind in tflite_ops.QUANTIZED):
            self.is_quantized = True
            named = tflite_ops.QUANTIZED.get(kind, "with a scale")
            self.findings.add(name, f"a quantized model ({named}); {_FLOAT}")

    def operator(self, entry: Table, operators: list[str], tensors: list[_Tensor]) -> None:
        code = entry.number(0, "I")
        if code >= len(operators):
            raise Damaged("an operator without its name")
        _indices(entry, 1, len(tensors), optional=True)
        made = _indices(entry, 2, len(tensors), optional=False)
        name = tensors[made[0]].name if made else f"operator {len(self.layers)}"
        self.layers.append((printable(name, 200), operators[code] or "refused"))
        if any(self.buffers[tensors[index].buffer][1] for index in made):
            self.findings.add(name, f"writes over a stored tensor; {_DO}")
        if entry.number(9, "Q") or entry.number(11, "B") or entry.size_of(5)[1]:
            self.findings.add(name, f"options that only other operators have; {_DO}")
        for field, width in ((7, 1), (8, 4)):
            entry.size_of(field, width)
        options, vector = entry.table(4), tflite_ops.VECTORS.get(entry.number(3, "B"))
        if options and vector:
            options.numbers(*vector)


def _agree(signature: Table, graph: Table) -> bool:
    """Whether a signature takes and gives the graph's inputs and outputs, in whatever order."""
    ends = [sorted(end.number(1, "I") for end in signature.tables(field)) for field in (0, 1)]
    return ends == [sorted(graph.numbers(field, "i")) for field in (1, 2)]


def _indices(table: Table, field: int, count: int, optional: bool) -> tuple[int, ...]:
    """Return a vector of tensors; -1, where it is allowed, is one that is left out."""
    found = table.numbers(field, "i")
    if any(not (0 <= index < count or (optional and index == -1)) for index in found):
        raise Damaged("a tensor that does not exist")
    return found
