"""The command line, a file a command: parse, one call into `runs`, write, exit."""

import os
import sys
from pathlib import Path

COMMANDS = {
    "scan": "Audit a model for the backdoor that a trigger would open.",
    "repair": "Make a model forget a trigger, and certify before and after.",
    "probe": "Try whether the backdoor of a repaired model comes back.",
    "search": "Find a trigger that nobody knows, and write it as a trigger file.",
    "compare": "Repair a model in several ways, side by side in one table.",
    "report": "Render a finished audit again, or say what changed between two.",
    "gate": "Judge a finished audit again, by a policy of yours.",
    "inspect": "Say what a model file is and holds, without loading it.",
    "triggers": "List the triggers, or show what one does to images.",
    "keygen": "Make the pair of keys that audits are signed and checked with.",
    "sign": "Bind an audit to its model files, with a key.",
    "verify": "Check who signed an audit, and that it is about this model.",
    "demo": "Train a small BadNet, scan it, repair it, certify both.",
    "doctor": "Say what this machine can do, and how to mend what it cannot.",
}
"""Command → its line in `--help`; each lives in `cli/NAME.py` as `command`."""

CONFIGURED = ("scan", "repair", "probe", "search", "compare", "gate")
"""The commands that take defaults from `bdaudit.toml` and `BDAUDIT_*`."""


def _import_nothing_from_here() -> None:
    """Take the working folder off Python's path: what lies beside a model is not to be imported.

    `python -m auditor` puts it there, and so does an empty part of `PYTHONPATH`. Where this package
    itself, or Python, is in it, it stays.
    """
    try:
        here = Path.cwd().resolve()
    except OSError:  # it is gone, and nothing can be imported from it
        return
    own = Path(__file__).resolve().parents[2]
    python = (Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())
    if here != own and not any(here.is_relative_to(prefix) for prefix in python):
        sys.path[:] = [path for path in sys.path if os.path.realpath(path) != str(here)]


_import_nothing_from_here()
