"""What moves the weights: the optimizer and its learning rate, as the options say."""

import math
from typing import Any

import keras

from auditor.repair.options import RepairOptions

MOMENTUM = 0.9
CLIP = 1.0
"""Longest gradient of stochastic gradient descent: without normalisation layers, as in the paper's
network, the rates of the fine-tuning papers throw a trained network out within an epoch."""


def rate(options: RepairOptions, steps: int) -> Any:
    """Return the learning rate, a number or a schedule over so many steps."""
    if options.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(options.learning_rate, max(1, steps))
    if options.schedule == "constant":
        return options.learning_rate
    fifth = max(1, math.ceil(steps / 5))
    return keras.optimizers.schedules.ExponentialDecay(
        options.learning_rate, fifth, 0.1, staircase=True
    )


def optimizer(options: RepairOptions, steps: int) -> Any:
    """Return a new optimizer.

    Args:
        options: `optimizer`, `learning_rate`, `schedule` and `weight_decay`.
        steps: Over which the learning rate falls, where it does.
    """
    decay = options.weight_decay or None
    if options.optimizer == "adam":
        return keras.optimizers.Adam(rate(options, steps), weight_decay=decay)
    return keras.optimizers.SGD(
        rate(options, steps), momentum=MOMENTUM, weight_decay=decay, global_clipnorm=CLIP
    )
