"""What is asked of the probes of a repair that somebody, or something else, has made."""

from dataclasses import dataclass

from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.probe.options import ProbeOptions
from auditor.runs.model_source import Model
from auditor.runs.request import HALF, Request
from auditor.triggers.base import Trigger


@dataclass(frozen=True, kw_only=True)
class ProbeRequest(Request):
    """What is asked for.

    Attributes:
        before: The model before the repair, a file or a reference.
        model: The repaired one, which the certificate is about.
        trigger: The trigger that it has forgotten.
        data: Images; None to go by the model's shape.
        evaluation: Images to judge by; None for half of `data`.
        audit: How the repaired model is measured.
        probes: How it is tried whether the backdoor comes back.
        limits: What the repaired model must keep to.
    """

    before: Model
    trigger: Trigger
    evaluation: str | None = None
    audit: Options = Options()
    probes: ProbeOptions = ProbeOptions()
    limits: Limits = Limits()
    command: str = "auditor.runs.probe"

    @property
    def budget(self) -> float:
        """How many images may tune where the rest of them judges."""
        return HALF

    @property
    def seed(self) -> int:
        """Of the draw of the images that tune."""
        return self.probes.seed
