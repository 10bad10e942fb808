"""Whether a Keras model keeps the images of a batch apart: it does if each of its operations does.

A model that looks at other images, or counts them, could be another model in the batches of the
audit than where it is used, and need not show it on any image that is tried. A single operation
hides nothing: it is run by itself, on random numbers, among other images and among fewer.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError, is_out_of_memory, reason
from auditor.text import printable

_KNOWN = frozenset(
    (
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D "
        "DepthwiseConv2D SeparableConv1D SeparableConv2D Dense MaxPooling1D MaxPooling2D "
        "MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D Embedding "
        "ZeroPadding2D InputLayer BatchNormalization ReLU LeakyReLU PReLU Dropout Rescaling "
        "Normalization Add Multiply GlobalAveragePooling2D GlobalMaxPooling2D LSTM GRU SimpleRNN "
        "ConvLSTM1D ConvLSTM2D"
    ).split()
)
"""Layers that look at one image at a time however they are set, and take the longest."""

_SMALL = 64
_ROUNDS = 4
"""Outputs of less than so many numbers are compared so often: few may be the same by chance."""

_BATCHES = ((0, 1, 2), (2, 3, 0), (2, 1), (2,))
"""Which of four images are run together."""

_SAME, _ROUGHLY = 1e-3, 5e-2

Axis = tuple[int, int]
"""Where the images are in a tensor: the axis, and how many places along it each has, in a row."""


def check_apart(model: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse a model of which an operation looks at other images of the batch.

    Args:
        model: A built Keras model of one input.
        shape: Of an image, as the model takes it.
        name: The file's name, for errors.

    Raises:
        InputError: Names the layer.
    """
    walk = _Walk(name)
    walk.model(model, [np.zeros((3, *shape), np.float32)], [(0, 1)])
    for layer in model._flatten_layers():
        if id(layer) not in walk.seen and type(layer).__name__ == "Pipeline":
            raise walk.refused(layer)  # inside a layer, where nothing tells what it is given
        if id(layer) not in walk.seen and getattr(layer, "inputs", None):
            sizes = [[3, *(each or 32 for each in tensor.shape[1:])] for tensor in layer.inputs]
            walk.model(layer, [np.zeros(size, np.float32) for size in sizes], [(0, 1)] * len(sizes))


@dataclass(frozen=True)
class _Call:
    """An operation as a model calls it.

    Attributes:
        operation: The operation.
        arguments: Returns positional and other arguments of its inputs.
    """

    operation: Any
    arguments: Callable[[list[Any]], tuple[Any, dict[str, Any]]]

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """Return the outputs, in a list."""
        from keras import tree

        args, kwargs = self.arguments(inputs)
        if getattr(self.operation, "_call_has_training_arg", False):
            kwargs = {**kwargs, "training": False}
        outputs: list[Any] = tree.flatten(self.operation(*args, **kwargs))
        return outputs


def _only(inputs: list[Any]) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of a layer that takes one tensor."""
    return tuple(inputs), {}


def _filling(node: Any, names: list[int]) -> Callable[[list[Any]], tuple[Any, dict[str, Any]]]:
    """Return what gives a node's arguments of its inputs."""

    def arguments(inputs: list[Any]) -> tuple[Any, dict[str, Any]]:
        args, kwargs = node.arguments.fill_in(dict(zip(names, inputs, strict=True)))
        return args, kwargs

    return arguments


class _Walk:
    """Goes through a model's operations, and the models inside it."""

    def __init__(self, name: str) -> None:
        """Start with nothing seen."""
        self.name = name
        self.seen: set[int] = set()
        self._random = np.random.default_rng(0)

    def model(
        self, model: Any, inputs: list[Any], axes: list[Axis]
    ) -> tuple[list[Any], list[Axis]]:
        """Check every operation; return the outputs for three images, and where these are.

        Args:
            model: A Keras model with inputs.
            inputs: What it is given, of three images.
            axes: Where they are, in each.
        """
        from keras import ops

        self.seen.add(id(model))
        inner = getattr(model, "_functional", None) or model
        self.seen.add(id(inner))
        values = {}
        where = {}
        for tensor, value, axis in zip(inner.inputs, inputs, axes, strict=True):
            values[id(tensor)] = ops.cast(ops.convert_to_tensor(value), tensor.dtype)
            where[id(tensor)] = axis
        for node in _nodes(inner):
            names = list(dict.fromkeys(map(id, node.input_tensors)))
            call = _Call(node.operation, _filling(node, names))
            made, found = self._call(call, [values[n] for n in names], [where[n] for n in names])
            for tensor, value, axis in zip(node.outputs, made, found, strict=True):
                values[id(tensor)], where[id(tensor)] = value, axis
        return (
            [values[id(tensor)] for tensor in inner.outputs],
            [where[id(tensor)] for tensor in inner.outputs],
        )

    def _call(
        self, call: "_Call", inputs: list[Any], axes: list[Axis]
    ) -> tuple[list[Any], list[Axis]]:
        operation = call.operation
        if getattr(operation, "inputs", None) and hasattr(operation, "operations"):
            return self.model(operation, inputs, axes)
        if type(operation).__name__ == "Pipeline":
            self.seen.add(id(operation))
            for layer in operation.layers:
                inputs, axes = self._call(_Call(layer, _only), inputs, axes)
            return inputs, axes
        made = self._run(call, inputs)
        if _is_known(operation) and len({*axes}) == 1 and axes[0][0] == 0:
            return made, axes[:1] * len(made)
        return made, self._apart(call, inputs, axes, made)

    def _run(self, call: "_Call", inputs: list[Any]) -> list[Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras', of a softmax over a single image
                return call(inputs)
        except Exception as error:  # whatever a backend raises
            if is_out_of_memory(error):
                raise
            said = printable(reason(error), 200)
            raise InputError(
                f"{self.name}: the layer {printable(call.operation.name, 80)!r} cannot be run: "
                f"{said}"
            ) from None

    def _apart(
        self, call: "_Call", inputs: list[Any], axes: list[Axis], made: list[Any]
    ) -> list[Axis]:
        """Return where the images are in the outputs of an operation that keeps them apart."""
        count = sum(math.prod(value.shape) for value in made)
        found: list[Axis] = []
        for _ in range(_ROUNDS if count < _SMALL else 1):
            images = [self._image(inputs, axes) for _ in range(4)]
            runs = []
            for batch in _BATCHES:
                given = _batched(inputs, axes, [images[i] for i in batch])
                try:
                    runs.append([_numbers(output) for output in self._run(call, given)])
                except InputError:
                    if len(batch) == 3:
                        raise
                    raise self.refused(call.operation) from None
            found = [
                self._axis(call.operation, *each) for each in zip(runs[0], runs[2], strict=True)
            ]
            for place, axis in enumerate(found):
                parts = [
                    {i: _part(run[place], axis, at) for at, i in enumerate(batch)}
                    for batch, run in zip(_BATCHES, runs, strict=True)
                ]
                allowed = _ROUGHLY if "16" in _dtype(made[place]) else _SAME
                for other in parts[1:]:
                    both = other.keys() & parts[0]
                    if not all(_same(parts[0][i], other[i], allowed) for i in both):
                        raise self.refused(call.operation)
        return found

    def _image(self, inputs: list[Any], axes: list[Axis]) -> list[NDArray[Any]]:
        """Return random numbers for the part that one image has in every input."""
        return [
            self._drawn([per if i == axis else n for i, n in enumerate(value.shape)], value)
            for value, (axis, per) in zip(inputs, axes, strict=True)
        ]

    def _drawn(self, shape: list[int], like: Any) -> NDArray[Any]:
        if "float" in _dtype(like):
            return self._random.normal(size=shape).astype(np.float32)
        return self._random.integers(0, 2, shape)

    def _axis(self, operation: Any, three: Any, two: Any) -> Axis:
        """Return where the images are, of outputs for three and for two."""
        before, after = two.shape, three.shape
        grown = [i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
        if len(before) != len(after) or len(grown) != 1:
            raise self.refused(operation)
        axis = grown[0]
        per = after[axis] // 3
        if (before[axis], after[axis]) != (2 * per, 3 * per):
            raise self.refused(operation)
        return axis, per

    def refused(self, operation: Any) -> InputError:
        """Return the error that names an operation."""
        return InputError(
            f"{self.name}: the layer {printable(operation.name, 80)!r} "
            f"({printable(type(operation).__name__, 40)}) looks at other images of the batch; "
            "build it of layers of which each looks at one image at a time, and save it again"
        )


def _nodes(model: Any) -> Iterator[Any]:
    """Give the nodes that a model's outputs need, in an order in which they can run."""
    by_depth = model._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if node.operation and not node.is_input:
                yield node


def _is_known(operation: Any) -> bool:
    kind = type(operation)
    if kind.__name__ == "Bidirectional":
        return _is_known(operation.forward_layer) and _is_known(operation.backward_layer)
    return kind.__module__.startswith("keras.src.layers.") and kind.__name__ in _KNOWN


def _batched(inputs: list[Any], axes: list[Axis], images: list[list[NDArray[Any]]]) -> list[Any]:
    """Return inputs with other images in place of theirs."""
    from keras import ops

    joined = (
        np.concatenate(parts, axis=axis)
        for parts, (axis, _) in zip(zip(*images, strict=True), axes, strict=True)
    )
    return [
        ops.cast(ops.convert_to_tensor(numbers), _dtype(value))
        for numbers, value in zip(joined, inputs, strict=True)
    ]


def _dtype(value: Any) -> str:
    from keras import backend

    return str(backend.standardize_dtype(value.dtype))


def _numbers(value: Any) -> NDArray[Any]:
    from keras import ops

    is_float = "float" in _dtype(value)
    return np.asarray(ops.convert_to_numpy(ops.cast(value, "float32") if is_float else value))


def _part(output: NDArray[Any], axis: Axis, at: int) -> NDArray[Any]:
    where, per = axis
    return np.take(output, range(at * per, (at + 1) * per), axis=where)


def _same(one: NDArray[Any], other: NDArray[Any], allowed: float) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    finite = one[np.isfinite(one)]
    scale = float(np.abs(finite).max(initial=0)) or 1.0
    return bool(np.allclose(one, other, rtol=allowed, atol=allowed * scale, equal_nan=True))
