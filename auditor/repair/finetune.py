"""`finetune`: the model is trained on clean images alone, and forgets what they do not show."""

from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase

FINETUNING = "finetuning"


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return fine-tuning."""
    return (Phase(name=FINETUNING, epochs=options.epochs),)
