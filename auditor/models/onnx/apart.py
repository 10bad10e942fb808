"""Whether a graph keeps the images of a batch apart, by what each node does and not by trying.

A graph that looks at other images, or counts them, could be another model in the batches of the
audit than where it is used. It is run on two and on three images: axes whose lengths differ are the
images', numbers that differ come from how many they are. Each node is then to leave every image to
itself, and the number of images is to be a length of tensors and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.models.onnx.across import ACROSS, CARRIED, MOVED
from auditor.models.onnx.counts import are_places, check_host, check_numbers, counted
from auditor.models.onnx.graph import Graph
from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import OPERATORS, definition
from auditor.models.onnx.run import run
from auditor.models.onnx.values import Tensor, Value, data
from auditor.text import printable

Env = Mapping[str, Value]
Owners = NDArray[np.int64]


def check_apart(graph: Graph, two: Env, three: Env) -> None:
    """Refuse a graph in which an image can see another, or how many there are.

    Args:
        graph: The graph.
        two: Name → value, of a run with two images (or twice as many as the file asks for).
        three: The same with three.

    Raises:
        InputError: Names the node.
    """
    images = _length(three[graph.input], 0)
    seen = _Seen(images, two, three, {graph.input: np.arange(1, images + 1)})
    seen.walk(graph.nodes)


@dataclass
class _Seen:
    """What two runs of the same nodes show.

    Attributes:
        images: How many there are in the second.
        two, three: Name → value in each.
        owners: Name → the image, from 1, whose each place along the images' axis is, in the second
            run; 0 for what is the same for all of them. Missing where all of it is.
    """

    images: int
    two: Env
    three: Env
    owners: dict[str, Owners] = field(default_factory=dict)

    def walk(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            given = [self.three[name] for name in node.inputs]
            pairs = [(self.two[name], self.three[name]) for name in node.inputs]
            if node.op in definition.OPERATORS and any(isinstance(v, Tensor) for v in given):
                self._inside(node)
                continue
            check_numbers(node, pairs)
            if not any(isinstance(value, Tensor) for value in given):
                outputs = [(self.two[n], self.three[n]) for n in node.outputs if n]
                check_host(node, pairs, outputs)
                continue
            is_looked_up = node.op == "Gather" and are_places(*pairs[1])
            if not is_looked_up:
                self._check_axes(node)
            moved = self._moved(node, given) if is_looked_up or node.op in MOVED else None
            if is_looked_up and node.inputs[0] not in self.owners:
                raise _refused(node, _DIFFERENT)
            for place, name in enumerate(node.outputs):
                if name:
                    self._check_output(node, name, moved[place] if moved else None)

    def axis(self, name: str) -> int | None:
        """Return the images' axis of a value; None where it has none.

        Raises:
            InputError: It has several, or one that does not grow with the images.
        """
        one, other = self.two.get(name), self.three.get(name)
        if one is None or other is None:
            return None
        before, after = _shape(one), _shape(other)
        grown = [i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
        if len(before) != len(after) or len(grown) > 1:
            raise InputError(_DIFFERENT)
        if grown and before[grown[0]] * 3 != after[grown[0]] * 2:
            raise InputError(_DIFFERENT)
        return grown[0] if grown else None

    def _check_axes(self, node: Node) -> None:
        across = ACROSS.get(node.op)
        if across is None and node.op not in CARRIED | MOVED:
            raise _refused(node, _NOT_KNOWN)
        axes = [self.axis(name) for name in node.inputs]
        if across and any(axis is not None for axis in axes):
            ranks = [len(_shape(self.three[name])) for name in node.inputs]
            values = [self.three[name] for name in node.inputs]
            for axis, mixed in zip(axes, across(node, ranks, values), strict=False):
                if axis is not None and axis in mixed:
                    raise _refused(node, _DIFFERENT)

    def _moved(self, node: Node, given: list[Value]) -> list[Any]:
        """Return whose each number of the outputs is, by moving names of owners instead."""
        inputs = [
            Tensor(_spread(self._owners(name), self.axis(name), value))
            if isinstance(value, Tensor) or place == 0 or node.op == "Concat"
            else value
            for place, (name, value) in enumerate(zip(node.inputs, given, strict=True))
        ]
        if node.op == "Pad":
            inputs[2:3] = [None] * len(inputs[2:3])
        try:
            outputs = OPERATORS[node.op](node, *inputs)
        except Exception as error:  # whatever a backend raises
            raise _refused(node, _NOT_KNOWN) from error
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return [np.asarray(data(each)).round().astype(np.int64) for each in outputs]

    def _owners(self, name: str) -> Owners | None:
        """Return whose each place is; of what is the same for all, which may be whose it will be.

        Repeated for each image, it no longer is the same everywhere once axes are joined.
        """
        axis = self.axis(name)
        if name in self.owners or axis is None:
            return self.owners.get(name)
        times, rest = divmod(_length(self.three[name], axis), self.images)
        return None if rest else np.repeat(np.arange(1, self.images + 1), times)

    def _check_output(self, node: Node, name: str, moved: Any) -> None:
        if not isinstance(self.three[name], Tensor):
            if not _is_proportional(self.two[name], self.three[name]):
                raise _refused(node, _DIFFERENT)
            return
        try:
            axis = self.axis(name)
        except InputError:
            raise _refused(node, _DIFFERENT) from None
        ours = [self.owners[n] for n in node.inputs if n in self.owners]
        has_axis = any(self.axis(n) is not None for n in node.inputs)
        if axis is None:
            if has_axis or (moved is not None and moved.any()):
                raise _refused(node, _DIFFERENT)
            return
        owners = _whose(moved, axis) if moved is not None else _agreed(ours)
        if owners is None or (owners.any() and len(owners) != _length(self.three[name], axis)):
            raise _refused(node, _DIFFERENT)
        if moved is not None and not ours and len(owners) in self._lengths(node):
            return
        if owners.any():
            times = np.bincount(owners, minlength=self.images + 1)
            if times[0] or len(set(times[1:])) > 1:
                raise _refused(node, _DIFFERENT)
            self.owners[name] = owners

    def _lengths(self, node: Node) -> set[int]:
        """Return how long the images' axes of the inputs are."""
        axes = [(name, self.axis(name)) for name in node.inputs]
        return {_length(self.three[name], axis) for name, axis in axes if axis is not None}

    def _inside(self, node: Node) -> None:
        """Walk what a node is defined as."""
        envs = []
        for env in (self.two, self.three):
            made = definition.defined(node, *(env[name] for name in node.inputs))
            envs.append(run(made.nodes, made.values))
        names = list(made.values)
        owners = {
            inner: self.owners[outer]
            for inner, outer in zip(names, node.inputs, strict=False)
            if outer in self.owners
        }
        inside = _Seen(self.images, envs[0], envs[1], owners)
        inside.walk(made.nodes)
        for outer, inner in zip(node.outputs, made.outputs, strict=False):
            if outer and inner in inside.owners:
                self.owners[outer] = inside.owners[inner]


_DIFFERENT = "looks at other images of the batch"
_NOT_KNOWN = "is not known to look at one image at a time"


def _refused(node: Node, why: str) -> InputError:
    return InputError(f"{printable(node.name, 80)}: {node.op}: {why}; export the model without it")


def _shape(value: Value) -> tuple[int, ...]:
    return () if value is None else tuple(int(size) for size in value.shape)


def _length(value: Value, axis: int) -> int:
    return _shape(value)[axis]


def _spread(owners: Owners | None, axis: int | None, value: Value) -> Any:
    """Return whose each number is, as a backend tensor in ONNX' order of axes."""
    from keras import ops

    shape = _shape(value)
    if owners is None or axis is None:
        return ops.zeros(shape, "float32")
    along = owners.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return ops.convert_to_tensor(np.broadcast_to(along, shape).astype(np.float32))


def _whose(moved: NDArray[np.int64], axis: int) -> Owners | None:
    """Return whose each place along an axis is; None where numbers of several are at one."""
    rows = np.moveaxis(moved, axis, 0).reshape(moved.shape[axis], -1)
    largest = rows.max(axis=1, initial=0)
    alone = (rows == 0) | (rows == largest[:, None])
    return largest if alone.all() else None


def _agreed(owners: list[Owners]) -> Owners | None:
    """Return what all inputs say; None where they do not agree."""
    if not owners:
        return np.zeros(0, np.int64)
    return owners[0] if all(np.array_equal(each, owners[0]) for each in owners) else None


def _is_proportional(one: Value, other: Value) -> bool:
    return counted(one, other) is not None
