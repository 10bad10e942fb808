"""What is asked of a repair, and what must stay the same for it to be resumed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from auditor.data import is_builtin
from auditor.figures.excess import NEIGHBOUR_IMAGES
from auditor.figures.policy import Limits
from auditor.files.codec import no_array, to_json
from auditor.files.intake import ModelCopy
from auditor.measure.options import Options
from auditor.probe.options import ProbeOptions
from auditor.repair.options import RepairOptions
from auditor.runs import sources
from auditor.runs.request import HALF, Request
from auditor.triggers.base import Trigger
from auditor.worker import supervisor


def shared_budget(options: RepairOptions) -> float:
    """Return how many clean images a repair may use where the rest of them is to judge it."""
    return HALF if options.clean_budget is None else options.clean_budget


@dataclass(frozen=True, kw_only=True)
class RepairRequest(Request):
    """What is asked for.

    Attributes:
        output: The repaired file to write.
        run_dir: Folder of the run.
        trigger: The trigger.
        data: Clean images; None to go by the model's shape.
        evaluation: Images to judge by; None for what the repair leaves of `data`.
        audit: How both audits are done.
        options: How the repair is done.
        limits: What the repaired model must keep to.
        probes: How it is tried whether the backdoor comes back; None for not at all.
    """

    output: Path
    run_dir: Path
    trigger: Trigger
    evaluation: str | None = None
    audit: Options = Options(neighbours=NEIGHBOUR_IMAGES)
    options: RepairOptions = field(default_factory=RepairOptions.of)
    limits: Limits = Limits()
    probes: ProbeOptions | None = None
    command: str = "auditor.runs.repair"

    @property
    def budget(self) -> float:
        """How many clean images may be used where the rest of them is what it is judged by."""
        return shared_budget(self.options)

    @property
    def seed(self) -> int:
        """Of the draw of the images that are used."""
        return self.options.seed

    def identity(self, model_copy: ModelCopy) -> dict[str, Any]:
        """Return what must be the same for a run to be resumed.

        Args:
            model_copy: The model file, as it was taken in.
        """
        return {
            **model_copy.identity(),
            "backend": supervisor.backend(),
            "trigger": self.trigger.sha256(),
            **_led(self.trigger),
            "data": _place(self.data),
            "eval_data": _place(self.evaluation),
            "input_range": self.input_range,
            **({} if self.model_output is None else {"model_output": self.model_output}),
            **sources.identity_of(self.class_order, exif=self.exif),
            "target": self.audit.target,
            "layer": self.audit.layer,
            "object_region": self.audit.object_region,
            "limit": self.audit.limit,
            **asdict(self.options),
        }


def _led(trigger: Trigger) -> dict[str, Any]:
    """Return where a trigger's own file leads whom, which its digest does not say."""
    own = to_json(trigger, no_array)
    said = {key: own[key] for key in ("target", "source") if own[key] not in (None, [])}
    return {"trigger_leads": said} if said else {}


def _place(source: str | None) -> str | None:
    """Return a source so that it is the same from every folder."""
    return source if source is None or is_builtin(source) else str(Path(source).absolute())
