"""Every repair method on the BadNet of the paper's size; see `comparing`."""

from tests.benchmarks import comparing
from tests.benchmarks.common import BADNET, Page

SEEDS = comparing.SEEDS[:1]
MODEL = BADNET.with_name("paper_badnet.keras")


def measure() -> Page:
    """Compare every method."""
    title = "Every repair method on a BadNet of the paper's size"
    return comparing.page("comparing_paper", title, SEEDS, ["--probe"], MODEL)
