"""Triggers that are known by name."""

import re
from collections.abc import Callable

from auditor.triggers.base import Trigger
from auditor.triggers.blend import Blend
from auditor.triggers.lsb import Lsb
from auditor.triggers.patch import Patch
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp

BUILTIN = {
    "squareN": "white N×N square, bottom right (square4: the 4×4 square of BadNets)",
    "gridN": "N×N black-and-white checkerboard, bottom right (grid3: the pattern of BadNets)",
    "blend": "random pixels over the whole image at 20 % (Chen et al. 2017)",
    "sig": "stripes: a sinusoid of 6 periods, amplitude 40 (SIG, Barni et al. 2019)",
    "wanet": "the image warped by a smooth field, k 4, s 0.5 (WaNet, Nguyen and Tran 2021)",
    "lsb": "random bits in the lowest bit of every value (Li et al. 2020)",
}
"""Built-in name → what it is; N counts pixels of a 32×32 image and scales with the input."""

_WHOLE: dict[str, Callable[[str], Trigger]] = {
    "blend": lambda name: Blend(id=name),
    "sig": lambda name: Sinusoid(id=name),
    "wanet": lambda name: Warp(id=name),
    "lsb": lambda name: Lsb(id=name),
}
_SIZED = re.compile(r"(square|grid)([1-9][0-9]{0,2})")


def builtin(name: str) -> Trigger | None:
    """Return the built-in trigger of this name; None where there is none."""
    if name in _WHOLE:
        return _WHOLE[name](name)
    if match := _SIZED.fullmatch(name):
        side = int(match[2])
        if match[1] == "square":
            return Patch(id=name, size=(side, side))
        return Patch(id=name, size=(side, side), pattern="checkerboard")
    return None
