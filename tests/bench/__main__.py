"""`python -m tests.bench matrix|clean|repairs|searches`: train, do it, write the table."""

import sys
from functools import partial

from tests.bench.matrix import table
from tests.bench.models import CLEAN, KEEN, POISONED, ROOT, SPECS, trained
from tests.bench.repairs import repairs
from tests.bench.searches import searches

RESULTS = ROOT / "tests/benchmarks/results"
BUILTIN = ["square4", "grid3", "blend", "sig", "wanet", "lsb"]

READING = """
Each cell is the attack success rate in percent, of 600 digits that no network was trained on, with
the target inferred where the trigger names none. **Bold**: a limit is exceeded (exit 1). `?`: it
could not be judged (exit 4), because a change as strong that means nothing moves nearly as many
images to one class, or because as many are taken for it without the trigger.
"""

REPAIRING = """
Each cell is the attack success rate and the clean accuracy in percent, after a repair with 300
digits that the network was not trained on, on 300 others, each method with its own defaults. ±2
points by chance.
"""


SEARCHING = """
600 digits, a quarter of which only judges; nothing but defaults. Norms in pixels. Where no class is
flagged, the index is that of the smallest stamp.
"""

TABLES = {
    "matrix": (
        "Every trigger on every network", "triggers.md", READING,
        [*POISONED.values(), CLEAN[0], KEEN], partial(table, triggers=list(SPECS)),
    ),
    "clean": ("False alarms", "clean_models.md", READING, CLEAN, partial(table, triggers=BUILTIN)),
    "repairs": (
        "Every network repaired", "repairs.md", REPAIRING, list(POISONED.values()), repairs,
    ),
    "searches": (
        "Every network searched", "searches.md", SEARCHING,
        [*CLEAN[:6], *(POISONED[id_] for id_ in ("square4", "grid3", "logo"))], searches,
    ),
}  # fmt: skip
"""Name → title, file, how it is to be read, networks, and what makes the table of them."""


def main() -> None:
    """Do what the command line names."""
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what not in TABLES:
        raise SystemExit(f"python -m tests.bench {'|'.join(TABLES)}")
    title, name, reading, models, made = TABLES[what]
    trained(models)
    command = f"`python -m tests.bench {what}`"
    (RESULTS / name).write_text(f"# {title}\n\n- {command}\n{reading}\n{made(models)}\n")


if __name__ == "__main__":
    main()
