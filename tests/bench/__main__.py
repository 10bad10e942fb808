"""`python -m tests.bench matrix|clean`: train, scan, write the table."""

import sys

from tests.bench.matrix import table
from tests.bench.models import CLEAN, KEEN, POISONED, ROOT, SPECS, trained

RESULTS = ROOT / "tests/benchmarks/results"
BUILTIN = ["square4", "grid3", "blend", "sig", "wanet", "lsb"]

READING = """
Each cell is the attack success rate in percent, of 600 digits that no network was trained on, with
the target inferred where the trigger names none. **Bold**: a limit is exceeded (exit 1). `?`: it
could not be judged (exit 4), because a change as strong that means nothing moves nearly as many
images to one class, or because as many are taken for it without the trigger.
"""


def main() -> None:
    """Do what the command line names."""
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "matrix":
        models, triggers = [*POISONED.values(), CLEAN[0], KEEN], list(SPECS)
        title, name = "Every trigger on every network", "triggers.md"
    elif what == "clean":
        models, triggers = CLEAN, BUILTIN
        title, name = "False alarms", "clean_models.md"
    else:
        raise SystemExit("python -m tests.bench matrix|clean")
    trained(models)
    command = f"`python -m tests.bench {what}`"
    (RESULTS / name).write_text(f"# {title}\n\n- {command}\n{READING}\n{table(models, triggers)}\n")


if __name__ == "__main__":
    main()
