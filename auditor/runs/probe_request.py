"""What is asked of the probes of a repair that somebody, or something else, has made."""

from dataclasses import dataclass
from typing import Final

from auditor.data.class_order import AUTO, ClassOrder
from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.probe.options import ProbeOptions
from auditor.runs.model_source import Model
from auditor.triggers.base import Trigger
from auditor.worker.supervisor import Guard

_HALF: Final = 0.5
"""Share of the images that may tune where the rest of them judges."""


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """What is asked for.

    Attributes:
        before: The model before the repair, a file or a reference.
        model: The repaired one, which the certificate is about.
        trigger: The trigger that it has forgotten.
        data: Images; None to go by the model's shape.
        evaluation: Images to judge by; None for half of `data`.
        class_order: How class folders are ordered, as `sources.class_order` gives it.
        exif: Whether images are turned as their EXIF orientation says.
        input_range: As `--input-range`.
        model_output: Name of the output that is audited; None for the only one.
        device: `auto`, `cpu` or `gpu`.
        audit: How the repaired model is measured.
        probes: How it is tried whether the backdoor comes back.
        limits: What the repaired model must keep to.
        guard: How the workers are kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        command: How to do it again, for the certificate.
        full_paths: Whether the record names places outside the working folder.
    """

    before: Model
    model: Model
    trigger: Trigger
    data: str | None = None
    evaluation: str | None = None
    class_order: str | ClassOrder = AUTO
    exif: bool = False
    input_range: str = "0..1"
    model_output: str | None = None
    device: str = "auto"
    audit: Options = Options()
    probes: ProbeOptions = ProbeOptions()
    limits: Limits = Limits()
    guard: Guard = Guard()
    external_data: bool = False
    command: str = "auditor.runs.probe"
    full_paths: bool = False

    @property
    def budget(self) -> float:
        """How many images may tune where the rest of them judges."""
        return _HALF

    @property
    def seed(self) -> int:
        """Of the draw of the images that tune."""
        return self.probes.seed
