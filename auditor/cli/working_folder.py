"""What a configuration file may set that merely lies where the command is given.

It may have come with the very model that is to be audited. So it may say what is measured and how,
or judge more strictly; what protects the user, or writes elsewhere, takes `--config`.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from auditor.data.kinds import reads
from auditor.figures.comeback import WARNS
from auditor.figures.policy import Limits
from auditor.worker.watchdog import free_memory

_ON: Final = ("allow-external-data", "exit-zero", "force", "full-paths")
"""Switches that may not be on."""

_AT_MOST: Final = (
    *("max-accuracy-drop", "max-asr", "max-neighbour-asr", "max-reactivation", "max-tar"),
    *("memory-limit", "time-limit"),
)
"""Numbers that may not be above their default."""

_INSIDE: Final = ("certificate", "output", "run-dir")
"""Paths that are written to, which may not lead out of the working folder."""

_READ: Final = ("data", "eval-data")
"""Folders that the process that opens the model may read: not those around the working folder."""

_TRUST: Final = ("model-output", "signed-by")
"""What says whom to trust, or which part of a model is audited: not for the folder to say."""

_OFF: Final = {"", "0", "f", "false", "n", "no", "off"}

HARMLESS: Final = frozenset(
    """
    ablate alpha anchor anchor-weight attention-weight attestation batch-size candidates class-order
    clean-budget clean-weight device epochs exif family feature-weight format input-range
    label-share label-smoothing layer learning-rate least-steps limit max-age method methods
    min-accuracy min-images mirror mixed-precision model neighbours no-progress object-region
    on-stall optimizer patience probe probe-budget probe-seeds prune-allowance quiet recovery-epochs
    require-repaired require-sandbox rho schedule seed shift stall-change stall-epochs stall-steps
    target teacher-epochs trigger unlearned-below validation verbose watched way-back weight-decay
    """.split()
)
"""What is measured and how, how much is said, and limits that there are none of by default."""

WATCHED: Final = frozenset((*_ON, *_AT_MOST, *_INSIDE, *_READ, *_TRUST, "sandbox"))
"""Keys whose value decides; one that stands in neither list is refused."""


def objection(key: str, value: Any, option: click.Option) -> str:
    """Say why a file in the working folder may not set a key so; empty where it may.

    Args:
        key: The option without its dashes.
        value: As click is given it: a text, a truth value, or a list of texts.
        option: The option.
    """
    if key == "sandbox":
        return "would switch the sandbox off" if value == "off" else ""
    if key in _ON:
        return "loosens what is checked" if str(value).strip().lower() not in _OFF else ""
    if key in _AT_MOST:
        most = _default(key, option)
        return f"is above the default, {most:g}" if _above(value, most) else ""
    if key in _INSIDE:
        return "leads out of the working folder" if any(map(_leads_out, _each(value))) else ""
    if key in _READ:
        private = "is a folder around this or your own, which the model would be let read"
        return private if any(map(_is_around, _each(value))) else ""
    return "" if key in HARMLESS else "says what is audited, or whom to trust"


def _default(key: str, option: click.Option) -> float:
    """Return an option's default; memory has none but what is free, and `gate` its audit's.

    Of what comes back, more than what is warned of by default.
    """
    if key == "max-reactivation":
        return WARNS
    if key == "memory-limit":
        return free_memory() / 2**30
    return float(str(option.default or Limits.max_neighbour_asr))


def _above(value: Any, most: float) -> bool:
    try:
        return float(value) > most
    except ValueError:  # click says what is wrong with it
        return False


def _each(value: Any) -> Iterable[str]:
    return [value] if isinstance(value, str) else value


def _leads_out(text: str) -> bool:
    """Whether a path is absolute, has `..` in it, or passes through a link to somewhere else."""
    path, here = Path(text), Path.cwd().resolve()
    real = Path(os.path.realpath(path))
    return path.is_absolute() or ".." in path.parts or not real.is_relative_to(here)


def _is_around(text: str) -> bool:
    """Whether data is in the user's own folder, or in one that it or the working folder lies in.

    A table of images opens the folder that it is in.
    """
    real = Path(os.path.realpath(reads(text)))
    own = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111, which wants there to be one
    return own.is_relative_to(real) or real in Path.cwd().resolve().parents
