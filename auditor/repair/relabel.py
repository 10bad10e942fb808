"""`relabel`: stamped images are shown with their own labels beside clean ones.

The strong baseline where the trigger is known: what the poisoning taught is taught the other way
round. It is the unlearning step of Neural Cleanse (Wang et al. 2019, section VI-C) with the true
trigger in place of a found one.
"""

from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.result import RECOVERY

RELABELING = "relabeling"


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return relabelling and recovery."""
    return (
        Phase(
            name=RELABELING,
            epochs=options.epochs,
            clean_weight=options.clean_weight,
            beside="truth",
        ),
        Phase(name=RECOVERY, epochs=options.recovery_epochs),
    )
