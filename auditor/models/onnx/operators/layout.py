"""What changes a tensor's shape or the order of its axes, and no number."""

import math
from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import listed, stored, with_new, without
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Host, Tensor, Unknown, Value, integers, shape_array, tensor


def transpose(node: Node, x: Value) -> Tensor:
    """Transpose; between channels first and last nothing moves."""
    given = tensor(x)
    order = tuple(node.get("perm") or reversed(range(given.rank)))
    to_last = (0, *range(2, given.rank), 1)
    to_first = (0, given.rank - 1, *range(1, given.rank - 1))
    if given.rank > 2 and given.last and order == to_last:
        return Tensor(given.data)
    if given.rank > 2 and not given.last and order == to_first:
        return Tensor(given.data, last=True)
    return Tensor(ops.transpose(given.plain(), order))


def reshape(node: Node, x: Value, shape: Value = None) -> Tensor:
    """Reshape; 0 keeps a dimension, unless `allowzero`."""
    given = tensor(x)
    wanted = integers(shape) if shape is not None else list(node.get("shape"))
    dims = given.shape
    if not node.get("allowzero", 0):
        kept = node.declared or dims
        wanted = [kept[i] if _is(d, 0) else d for i, d in enumerate(wanted)]
    if node.declared:
        wanted = unfixed(wanted, dims, node)
    if given.last and (pixels := _pixels(wanted, dims)):
        # Channels stay: what is one axis or several of rows and columns is so in storage too.
        size = with_one_open([dims[0], *pixels, dims[1]])
        return Tensor(ops.reshape(given.data, size), last=True)
    return Tensor(ops.reshape(given.plain(), with_one_open(wanted)))


def flatten(node: Node, x: Value) -> Tensor:
    """Flatten to a matrix."""
    given = tensor(x)
    axis = node.get("axis", 1)
    axis += given.rank if axis < 0 else 0
    dims = given.shape
    before, after = dims[:axis], dims[axis:]
    if not all(isinstance(d, int) for d in before):
        return Tensor(ops.reshape(given.plain(), (-1, math.prod(after))))
    return Tensor(ops.reshape(given.plain(), (math.prod(before), -1 if after else 1)))


def squeeze(node: Node, x: Value, axes: Value = None) -> Tensor:
    """Squeeze; where no axes are named, all of length 1."""
    given = tensor(x)
    gone = listed(node, "axes", axes)
    if gone is None:
        gone = [axis for axis, dim in enumerate(given.shape) if _is(dim, 1)]
    data = given.data
    for axis in sorted(set(stored(given, gone)), reverse=True):
        data = ops.squeeze(data, axis)
    return without(given, gone, data)


def unsqueeze(node: Node, x: Value, axes: Value = None) -> Tensor:
    """Unsqueeze."""
    given, added = tensor(x), listed(node, "axes", axes)
    return with_new(given, added) if added else given


def identity(node: Node, x: Value) -> Tensor:
    """Identity."""
    return tensor(x)


def dropout(node: Node, x: Value, ratio: Value = None, training: Value = None) -> Any:
    """Dropout, which drops nothing where nothing is trained."""
    if training is not None and any(integers(training)):
        raise Unknown("in training mode, at random")
    given = tensor(x)
    if not any(node.outputs[1:]):
        return given
    return given, Tensor(ops.ones_like(given.data, dtype="bool"), given.last)


def shape(node: Node, x: Value) -> Host:
    """Shape, known where the tensor is not."""
    return shape_array(tensor(x).shape[node.get("start", 0) : node.get("end")])


def size(node: Node, x: Value) -> Host:
    """Size."""
    count = math.prod(tensor(x).shape)
    return np.array(count, np.int64 if isinstance(count, int) else object)


def _pixels(wanted: list[Any], dims: tuple[Any, ...]) -> list[int]:
    """Return what a new shape makes of rows and columns if it keeps images and channels apart.

    Returns:
        Axes as long as the old rows and columns together; none where it does something else.
    """
    new, total = wanted[2:], math.prod(dims[2:])
    if not new or wanted[1] is not dims[1] and not _is(wanted[1], dims[1]):
        return []
    if not all(isinstance(d, int | np.integer) for d in new):
        return []
    same = wanted[0] is dims[0] or isinstance(dims[0], int) and _is(wanted[0], dims[0])
    if same and new.count(-1) == 1:
        rest = -math.prod(new)
        new = [total // rest if d == -1 else d for d in new] if rest else new
    return [int(d) for d in new] if math.prod(new) == total and -1 not in new else []


def with_one_open(wanted: list[Any]) -> tuple[Any, ...]:
    """Return a shape with -1 for its one dimension that is not known; the others stay known."""
    unknown = [i for i, d in enumerate(wanted) if not isinstance(d, int | np.integer)]
    if len(unknown) == 1 and not any(_is(d, -1) for d in wanted):
        wanted = [-1 if i == unknown[0] else d for i, d in enumerate(wanted)]
    return tuple(wanted)


def unfixed(wanted: list[Any], dims: tuple[Any, ...], node: Node) -> list[Any]:
    """Return a shape that was written for a fixed number of images, for another number of them.

    The axis of the images is the one on which the tensor differs from what was declared. In memory
    the next image begins after as many numbers as that axis, or its slices, have; an axis of the
    new shape for which that holds too is the images'. Of several, it is one as long as the file has
    images, and rather not the last, which matrices are multiplied with. A wrong guess mixes images,
    and shows (`onnx/file.py`).

    Args:
        wanted: The shape as the file has it.
        dims: Of the tensor as it is.
        node: Has the tensor's shape with the file's number of images.
    """
    declared = node.declared
    known = [isinstance(d, int) for d in dims]
    changed = [i for i, d in enumerate(dims) if not known[i] or d != declared[i]]
    if len(changed) != 1 or any(not isinstance(d, int) for d in wanted):
        return wanted
    axis = changed[0]
    total = math.prod(declared)
    if -1 in wanted:
        rest = -math.prod(wanted)
        wanted = [total // rest if d == -1 else d for d in wanted]
    axes, last = range(len(wanted)), len(wanted) - 1
    outer = [i for i in axes if math.prod(wanted[i:]) == math.prod(declared[axis:])]
    inner = [i for i in axes if math.prod(wanted[i + 1 :]) == math.prod(declared[axis + 1 :])]
    exact = [i for i in sorted({*outer, *inner}) if wanted[i] == node.batch]
    fits = [*exact, *(i for i in outer if i < last), *inner, *outer]
    if not fits:
        return wanted
    grown = wanted[fits[0]] * dims[axis] // declared[axis]
    return [grown if i == fits[0] else d for i, d in enumerate(wanted)]


def _is(dim: Any, number: int) -> bool:
    return isinstance(dim, int | np.integer) and dim == number


OPERATORS: Table = {
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Identity": identity,
    "Dropout": dropout,
    "Shape": shape,
    "Size": size,
}
