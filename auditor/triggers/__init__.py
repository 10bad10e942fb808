"""Triggers: what a backdoor answers to, and how it is stamped onto images.

To add a type, write `triggers/x.py` with a `Trigger` subclass and add its line to `TRIGGERS`.
"""

from auditor.triggers.base import Trigger
from auditor.triggers.image import Image
from auditor.triggers.patch import Patch

TRIGGERS: dict[str, type[Trigger]] = {
    "patch": Patch,
    "image": Image,
}
"""Trigger type, as trigger files spell it → class; its fields are the file's keys."""

__all__ = ["TRIGGERS", "Image", "Patch", "Trigger"]
