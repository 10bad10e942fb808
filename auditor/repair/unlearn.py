"""`unlearn`, the paper's method (arXiv:2511.21291): gradient ascent on the trigger, then recovery.

Phase 1: L = −α_t · CE(stamped, target) + λ · CE(clean, label) + β · ‖θ − θ₀‖², α_t rising from
epoch to epoch. Phase 2, recovery: the same with clean images alone, anchored where phase 1 ended.
"""

from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.result import RECOVERY, UNLEARNING


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return unlearning and recovery."""
    return (
        Phase(
            name=UNLEARNING,
            epochs=options.epochs,
            clean_weight=options.clean_weight,
            beside="target",
            alphas=alphas(options.epochs, *options.alpha),
        ),
        Phase(name=RECOVERY, epochs=options.recovery_epochs),
    )


def alphas(epochs: int, start: float, end: float) -> tuple[float, ...]:
    """Return α_t = α_start + (t − 1) / (T − 1) · (α_end − α_start) for t = 1 … T."""
    return tuple(start + t / max(1, epochs - 1) * (end - start) for t in range(epochs))
