"""Run the benchmarks named on the command line, or all but the long ones."""

import sys
from importlib import import_module

from tests.benchmarks.common import write

NAMES = ("measuring", "repairing", "startup", "memory", "walls", "graphs", "stamping", "decoding")
LONG = (
    *("survival", "searching", "comparing", "comparing_paper", "ablating"),
    *("neighbours", "two_classes"),
)
"""Those that take a quarter of an hour and more, run by name only."""


def main(names: list[str]) -> int:
    """Measure, print, and write one page each; return the exit status."""
    known = (*NAMES, *LONG)
    if unknown := set(names) - set(known):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
        return 2
    for name in names or NAMES:
        print(write(name, import_module(f"tests.benchmarks.{name}").measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
