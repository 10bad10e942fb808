"""Run the benchmarks named on the command line, or all."""

import sys
from importlib import import_module

from tests.benchmarks.common import write

NAMES = ("measuring", "startup", "memory")


def main(names: list[str]) -> int:
    """Measure, print, and write one page each; return the exit status."""
    if unknown := set(names) - set(NAMES):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
        return 2
    for name in names or NAMES:
        print(write(name, import_module(f"tests.benchmarks.{name}").measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
