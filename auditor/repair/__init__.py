"""Repairs: a backdoored model trained until the trigger opens nothing, and it still does its work.

To add a method, write `repair/x.py` with `phases(options) -> tuple[Phase, ...]` and add its line
here. Everything else is shared: data, `fit`, watching, choice, checkpoints.
"""

REPAIRS = {
    "unlearn": "gradient ascent on the trigger, then recovery (arXiv:2511.21291)",
}
"""Method → what it is; each is `repair/NAME.py`."""
