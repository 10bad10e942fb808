"""Triggers: what a backdoor answers to, and how it is stamped onto images.

To add a type, write `triggers/x.py` with a `Trigger` subclass and add its line to `TRIGGERS`.
"""

from auditor.triggers.base import Trigger
from auditor.triggers.blend import Blend
from auditor.triggers.color import ColorFilter
from auditor.triggers.compose import Compose
from auditor.triggers.image import Image
from auditor.triggers.lsb import Lsb
from auditor.triggers.patch import Patch
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp

TRIGGERS: dict[str, type[Trigger]] = {
    "patch": Patch,
    "image": Image,
    "blend": Blend,
    "sinusoid": Sinusoid,
    "warp": Warp,
    "lsb": Lsb,
    "color": ColorFilter,
    "compose": Compose,
}
"""Trigger type, as trigger files spell it → class; its fields are the file's keys."""

__all__ = [
    "TRIGGERS",
    "Blend",
    "ColorFilter",
    "Compose",
    "Image",
    "Lsb",
    "Patch",
    "Sinusoid",
    "Trigger",
    "Warp",
]
