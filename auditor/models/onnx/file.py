"""Load an inspected ONNX file as a Keras model, and write trained weights back into its graph."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.errors import InputError, UsageError, WorkError, is_out_of_memory, reason
from auditor.text import printable

if TYPE_CHECKING:
    import keras
    import onnx

    from auditor.models.onnx.graph import Graph

_SAME = 1e-3
_TYPED = ("float_data", "double_data", "int32_data")


def load(path: Path, name: str, size: tuple[int, int], output: str | None = None) -> "keras.Model":
    """Load a model that `inspect` has accepted.

    Args:
        path: The file that was inspected.
        name: What the user calls the file, for messages.
        size: (height, width) to feed a model that takes any size.
        output: Name of the output that is audited; None for the only one.

    Raises:
        InputError: It uses operators that are not supported, or is no image classifier.
        UsageError: It has no output of that name.
    """
    import keras

    from auditor.models.door import door
    from auditor.models.onnx.apart import check_apart
    from auditor.models.onnx.graph import graph, read
    from auditor.models.onnx.layer import GraphLayer
    from auditor.models.onnx.operators import HOST_ONLY, OPERATORS

    try:
        prepared = graph(*read(path), OPERATORS.keys() | HOST_ONLY, output)
        fed = door((None, *prepared.image), size).own
        layer = GraphLayer(prepared, fed)
        _check_rows(layer, prepared, fed)
        check_apart(layer.graph, *(layer.values(n, fed) for n in (2, 3)))
    except InputError as error:
        raise InputError(f"{printable(name)}: {error}") from None
    except UsageError:
        raise
    except Exception as error:  # whatever NumPy or the backend raises for numbers that do not fit
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"{printable(name)}: the graph cannot be run: {printable(reason(error), 200)}"
        ) from error
    images = keras.Input(prepared.image, name="images")
    return keras.Model(images, layer(images), name="onnx")


def write(model: "keras.Model", source: Path, target: Path) -> None:
    """Write the graph of `source` with the model's weights in place of its own.

    Nodes, names, operator sets, metadata, inputs and outputs stay as they are; nodes that were not
    in an order in which they can run are put in one, as ONNX asks for.

    Args:
        model: What `load` gave for `source`, trained since.
        source: The ONNX file.
        target: The file to write.

    Raises:
        WorkError: What was written is no valid ONNX.
    """
    import onnx

    proto = updated(model, source)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # whatever the checker raises
        reason = printable(" ".join(str(error).split()), 200)
        raise WorkError(f"the repaired graph is no valid ONNX: {reason}") from None
    onnx.save(proto, target)


def updated(model: "keras.Model", source: Path) -> "onnx.ModelProto":
    """Return the graph of a file with the model's weights in place of its own."""
    from onnx import numpy_helper

    from auditor.models.onnx.graph import in_order, tensors

    proto = in_order(source)
    (layer,) = (each for each in model.layers if hasattr(each, "weight_values"))
    values = layer.weight_values()
    written = set()
    for name, tensor in tensors(proto):
        if name in values:
            before = numpy_helper.to_array(tensor)
            after = values[name].astype(before.dtype)
            if not np.array_equal(before, after):
                for field in _TYPED:
                    tensor.ClearField(field)
                tensor.raw_data = numpy_helper.from_array(after).raw_data
            written.add(name)
    assert values.keys() == written, "the graph has lost the place of a weight"
    return proto


def _check_rows(layer: Any, graph: "Graph", shape: tuple[int, ...]) -> None:
    """Make sure that images do not depend on each other, and that any number of them will do."""
    count = graph.batch or 1
    images = np.random.default_rng(0).random((2 * count + 1, *shape)).astype(np.float32)
    if graph.takes == "uint8":
        images = np.rint(255 * images)
    from keras import ops

    def scores(rows: Any) -> Any:
        return np.asarray(ops.convert_to_numpy(layer.call(ops.convert_to_tensor(rows))))

    try:
        together = scores(images)
    except Exception as error:  # whatever the backend raises for shapes that do not fit
        if is_out_of_memory(error):
            raise
        raise InputError(_DEPENDS) from error
    apart = np.concatenate([scores(images[i : i + count]) for i in (0, count)])
    scale = np.abs(apart).max() or 1.0
    if len(together) != len(images) or not np.allclose(
        together[: len(apart)], apart, atol=_SAME * scale, equal_nan=True
    ):
        raise InputError(_DEPENDS)


_DEPENDS = (
    "works for one number of images only; export it with a dynamic batch "
    "(torch.onnx.export(..., dynamic_axes={'input': {0: 'batch'}}))"
)
