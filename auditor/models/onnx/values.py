"""What flows along a graph's edges: backend tensors, and numbers that are known before they flow.

ONNX has channels first, (n, c, h, w); a CPU convolves with channels last. So a tensor says how it
is stored, and is turned around only where an operator needs it otherwise: between a network's first
convolution and its last, never. Operators think in ONNX' order, whatever the storage.

Shapes and other numbers that do not depend on pixels or weights are NumPy arrays on the host. Where
the number of images is not known yet, such an array holds Python objects, one of them a scalar of
the backend.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tensor:
    """A backend tensor.

    Attributes:
        data: The tensor, as it is stored.
        last: Whether its second axis, the channels, is stored last. Only from rank 3 on.
    """

    data: Any
    last: bool = False

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.data.shape)

    @property
    def dtype(self) -> str:
        """Its type, as Keras names it."""
        from keras import backend

        return str(backend.standardize_dtype(self.data.dtype))

    @property
    def shape(self) -> tuple[Any, ...]:
        """Its shape in ONNX' order: integers, and a backend scalar where one is not known yet."""
        from keras import ops

        shape = tuple(ops.shape(self.data))
        return (shape[0], shape[-1], *shape[1:-1]) if self.last else shape

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return "float" in self.dtype

    def plain(self) -> Any:
        """Return the data in ONNX' order of axes."""
        from keras import ops

        if not self.last:
            return self.data
        return ops.transpose(self.data, (0, self.rank - 1, *range(1, self.rank - 1)))

    def channels_last(self) -> Any:
        """Return the data with the second axis stored last."""
        from keras import ops

        if self.last:
            return self.data
        return ops.transpose(self.data, (0, *range(2, self.rank), 1))

    def stored_axis(self, axis: int) -> int:
        """Return where one of ONNX' axes is stored; negative ones count from the end."""
        axis %= self.rank
        if not self.last or axis == 0:
            return axis
        return self.rank - 1 if axis == 1 else axis - 1


Host: TypeAlias = NDArray[Any]
"""Numbers that are known while the graph is traced."""

Value: TypeAlias = Tensor | Host | None
"""What an operator takes and gives; None where an optional input is left out."""


def is_host(value: Value) -> bool:
    """Whether a value needs no backend: a host array, or an input that is left out."""
    return not isinstance(value, Tensor)


def is_symbolic(value: Value) -> bool:
    """Whether a host array holds something that is not known yet."""
    return isinstance(value, np.ndarray) and value.dtype == object


def shape_array(dims: tuple[Any, ...]) -> Host:
    """Return dimensions as ONNX' Shape gives them: int64, or objects where one is not known."""
    known = all(isinstance(dim, int | np.integer) for dim in dims)
    array = np.empty(len(dims), np.int64 if known else object)
    for axis, dim in enumerate(dims):  # at once, NumPy would look into a backend's scalar
        array[axis] = dim
    return array


def tensor(value: Value, dtype: str | None = None) -> Tensor:
    """Return a value as a backend tensor.

    Args:
        value: Anything but None.
        dtype: The type it gets where it comes from the host; None for its own.
    """
    from keras import ops

    if isinstance(value, Tensor):
        return value
    assert value is not None
    if is_symbolic(value):
        parts = [ops.cast(part, dtype or "int64") for part in value.reshape(-1)]
        return Tensor(ops.reshape(ops.stack(parts), value.shape))
    return Tensor(ops.convert_to_tensor(value, dtype=dtype or str(value.dtype)))


def data(value: Value, dtype: str | None = None) -> Any:
    """Return a value as bare backend data in ONNX' order of axes."""
    return tensor(value, dtype).plain()


def integers(value: Value) -> list[Any]:
    """Return a host array of whole numbers as a list; what is not known yet stays an object.

    Raises:
        Unknown: It depends on pixels or weights.
    """
    if isinstance(value, Tensor) or value is None:
        raise Unknown
    return [x if value.dtype == object and not isinstance(x, int) else int(x) for x in value.flat]


class Unknown(Exception):
    """A node cannot be run on what it is given; says why.

    Without words: its shape depends on what is computed, which no image classifier's does.
    """
