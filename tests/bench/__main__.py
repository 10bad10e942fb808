"""`python -m tests.bench matrix|clean`: train, scan, write the table."""

import sys

from tests.bench.matrix import false_alarms, matrix
from tests.bench.models import CLEAN, KEEN, POISONED, ROOT, trained

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
        trained([*POISONED.values(), CLEAN[0], KEEN])
        title, name, table = "Every trigger on every network", "triggers.md", matrix()
    elif what == "clean":
        trained(CLEAN)
        title, name, table = "False alarms", "clean_models.md", false_alarms(BUILTIN)
    else:
        raise SystemExit("python -m tests.bench matrix|clean")
    command = f"`python -m tests.bench {what}`"
    (RESULTS / name).write_text(f"# {title}\n\n- {command}\n{READING}\n{table}\n")


if __name__ == "__main__":
    main()
