"""The command line, a file a command: parse, one call into `runs`, write, exit."""

COMMANDS = {
    "scan": "Audit a model for the backdoor that a trigger would open.",
    "repair": "Make a model forget a trigger, and certify before and after.",
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

CONFIGURED = ("scan", "repair", "search", "compare", "gate")
"""The commands that take defaults from `bdaudit.toml` and `BDAUDIT_*`."""
