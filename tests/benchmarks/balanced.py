"""The default repair of a real BadNet, three seeds: as `badnet`, with `balanced`."""

from tests.benchmarks import badnet
from tests.benchmarks.common import Page


def measure() -> Page:
    """Repair with the default method."""
    return badnet.page("balanced")
