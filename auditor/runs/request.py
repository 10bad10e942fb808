"""What every run is asked: about which model, on which images, and how both are read and kept."""

from dataclasses import dataclass
from typing import Final

from auditor.data.class_order import AUTO, ClassOrder
from auditor.runs.model_source import Model
from auditor.worker.supervisor import Guard

HALF: Final = 0.5
"""Share of the images that may be trained on where the rest of them judges."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        model: The model file, or a reference.
        data: Where the images are; None to go by the model's shape.
        class_order: How class folders are ordered, as `sources.class_order` gives it.
        exif: Whether images are turned as their EXIF orientation says.
        input_range: As `--input-range`.
        model_output: Name of the output that is audited; None for the only one.
        device: `auto`, `cpu` or `gpu`.
        guard: How the workers are kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        command: How to do it again, for the record.
        full_paths: Whether the record names places outside the working folder.
    """

    model: Model
    data: str | None = None
    class_order: str | ClassOrder = AUTO
    exif: bool = False
    input_range: str = "0..1"
    model_output: str | None = None
    device: str = "auto"
    guard: Guard = Guard()
    external_data: bool = False
    command: str = "auditor.runs"
    full_paths: bool = False
