"""A TFLite file, run by TensorFlow."""

import warnings
from pathlib import Path
from typing import Any


class Interpreter:
    """A TFLite file as TensorFlow runs it.

    Attributes:
        inputs: (shape, type) of each; None for sizes that are free.
        outputs: The same of what it gives.
    """

    def __init__(self, path: Path, *, plain: bool) -> None:
        """Open a file.

        Args:
            path: The file.
            plain: Whether without the delegate that people have, which rewrites the graph.
        """
        import tensorflow as tf

        kinds = tf.lite.experimental.OpResolverType
        kind = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else kinds.AUTO
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it will move to another package one day
            self._inside = tf.lite.Interpreter(str(path), experimental_op_resolver_type=kind)
        self.inputs = [_end(each) for each in self._inside.get_input_details()]
        self.outputs = [_end(each) for each in self._inside.get_output_details()]

    def __call__(self, images: Any) -> Any:
        """Return the scores of images."""
        (source,), (target,) = self._inside.get_input_details(), self._inside.get_output_details()
        self._inside.resize_tensor_input(source["index"], images.shape)
        self._inside.allocate_tensors()
        self._inside.set_tensor(source["index"], images)
        self._inside.invoke()
        return self._inside.get_tensor(target["index"])


def _end(details: dict[str, Any]) -> tuple[tuple[int | None, ...], str]:
    shape = tuple(None if size < 0 else int(size) for size in details["shape_signature"])
    return shape, details["dtype"].__name__
