"""What a trigger is held against: a stamp like it that the network has never met."""

from auditor.triggers.base import Stamp, Trigger
from auditor.triggers.controls import Noise
from auditor.triggers.placebos import placebos


def unmet(trigger: Trigger, weights: int, seed: int) -> Stamp:
    """Return another content at the same place, as large and as opaque.

    Of a trigger that covers the whole image, one of its placebos: as strong, meaning nothing.

    Args:
        trigger: The trigger.
        weights: Seed of the network's weights, so that it cannot have been taught the noise.
        seed: Which noise, or which placebo.
    """
    others = placebos(trigger)
    return others[seed % len(others)][1] if others else Noise(trigger, (weights, seed))
