"""A TFLite file, run by TensorFlow."""

import warnings
from pathlib import Path
from typing import Any, Self

from auditor.models.ends import TypedEnd


class Interpreter:
    """A TFLite file as TensorFlow runs it.

    Attributes:
        inputs: Name, shape and type of each; None for sizes that are free.
        outputs: The same of what it gives, by the signature's names where there is a signature.
        tensors: What the graph calls these.
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
        given = self._inside.get_output_details()
        signature = self._signed()
        named = signature.get_output_details() if signature else {}
        names = {details["index"]: name for name, details in named.items()}
        self.outputs = [_end({**e, "name": names.get(e["index"], e["name"])}) for e in given]
        self.tensors = [each["name"] for each in given]
        self._signature = None if plain else signature  # one that is kept bars the other way
        self._place = 0

    def at(self, output: str | None) -> Self:
        """Give the output of this name from now on; the first for None."""
        names = [each.name for each in self.outputs]
        self._place = 0 if output is None else names.index(output)
        return self

    def __call__(self, images: Any) -> Any:
        """Return the scores of images."""
        if self._signature:  # as people are told to run a file
            (image,) = self._signature.get_input_details()
            return self._signature(**{image: images})[self.outputs[self._place].name]
        (source,) = self._inside.get_input_details()
        target = self._inside.get_output_details()[self._place]
        self._inside.resize_tensor_input(source["index"], images.shape)
        self._inside.allocate_tensors()
        self._inside.set_tensor(source["index"], images)
        self._inside.invoke()
        return self._inside.get_tensor(target["index"])

    def _signed(self) -> Any:
        """Return what runs the file by its signature; None where it has none.

        Of several any will do: `inspect` refuses those that are not of the same names.
        """
        signatures = sorted(self._inside.get_signature_list())
        return self._inside.get_signature_runner(signatures[0]) if signatures else None


def _end(details: dict[str, Any]) -> TypedEnd:
    shape = tuple(None if size < 0 else int(size) for size in details["shape_signature"])
    return TypedEnd(details["name"], shape, details["dtype"].__name__)
