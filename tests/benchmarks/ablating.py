"""The paper's method on a real BadNet, with one part after the other taken away.

Most of an hour on two cores; see `comparing` for how it is kept.
"""

from tests.benchmarks import comparing
from tests.benchmarks.common import Page

SEEDS = comparing.SEEDS[:1]


def measure() -> Page:
    """Compare `unlearn` with itself."""
    return comparing.page("ablating", "`unlearn` without its parts", SEEDS, ["--ablate"])
