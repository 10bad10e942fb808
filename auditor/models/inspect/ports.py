"""What goes into a model, what comes out, where heatmaps can be read: as far as its file says."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from auditor.figures.values import Count, Size
from auditor.files.constraints import Length, Range
from auditor.models.ends import End, chosen_output
from auditor.models.inspect.inspection import MOST_LAYERS, Inspection
from auditor.models.inspect.keras_ports import keras_ports
from auditor.models.inspect.onnx_ports import onnx_ports
from auditor.models.inspect.saved_model_ports import saved_model_ports
from auditor.models.inspect.tflite_ports import tflite_ports

Port = tuple[str, tuple[Annotated[int, Range(-1, 2**53)], ...]]


@dataclass(frozen=True)
class Ports:
    """What a model file says of its inputs and outputs.

    Attributes:
        inputs: (name, shape) of each; -1 for a dimension that is left open, an empty shape where
            the file does not say.
        outputs: The same.
        spatial: Names that `--layer` takes, in the order they are computed: what has rows and
            columns.
    """

    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    spatial: Annotated[tuple[str, ...], Length(MOST_LAYERS, of="layers")] = ()

    def of(self, output: str | None) -> "Ports":
        """Return the same with one output only, the one of this name; with all of them for None.

        Raises:
            UsageError: There is none of that name, or there are several.
        """
        if output is None:
            return self
        ends = [End(name, shape or None) for name, shape in self.outputs]
        return replace(self, outputs=(self.outputs[chosen_output(ends, output)],))

    @property
    def classes(self) -> int:
        """Number of classes; 0 where the file does not say."""
        last = self.outputs[0][1][-1:] if len(self.outputs) == 1 else ()
        return max(last[0], 0) if last else 0


@dataclass(frozen=True)
class HeatmapLayer:
    """A layer that heatmaps can be read at, as the loaded model has it.

    Attributes:
        name: What `--layer` takes.
        node: Of a graph, the node that makes it: another name for it.
        kind: The class of a Keras layer, the operator of a graph's node.
        grid: (height, width) of its output.
        channels: How many features each cell has.
    """

    name: str
    node: str
    kind: str
    grid: tuple[Size, Size]
    channels: Count


@dataclass(frozen=True)
class HeatmapLayers:
    """All of them, in the order they are computed; the last is the default.

    Attributes:
        layers: One each.
    """

    layers: Annotated[tuple[HeatmapLayer, ...], Length(MOST_LAYERS, of="layers")]


def ports(path: Path, inspection: Inspection, shown: str) -> Ports:
    """Read what a file says of its inputs and outputs; nothing is loaded.

    Args:
        path: The file that was inspected.
        inspection: What was found in it.
        shown: Its name for messages, already printable.
    """
    found: dict[str, Any] = {}
    if inspection.config:
        found = keras_ports(inspection.config)
    elif inspection.format == "onnx":
        found = onnx_ports(path, shown)
    elif inspection.format == "tflite":
        found = tflite_ports(path)
    elif inspection.format == "savedmodel":
        found = saved_model_ports(path, shown)
    return Ports(**found)
