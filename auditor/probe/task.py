"""What the probes are about."""

from dataclasses import dataclass

from auditor.data.base import Dataset
from auditor.figures.target import Target
from auditor.models.classifier import Classifier
from auditor.triggers.base import Trigger


@dataclass(frozen=True, kw_only=True)
class ProbeTask:
    """What the probes are about.

    Attributes:
        before: The network before the repair.
        after: The repaired one; it has its own weights again when the probes are done.
        trigger: The trigger that it has forgotten.
        target: Where that led.
        tuning: Clean images that an attacker could tune with.
        judging: Images that judge; any that is also among the others is not tuned with.
    """

    before: Classifier
    after: Classifier
    trigger: Trigger
    target: Target
    tuning: Dataset
    judging: Dataset
