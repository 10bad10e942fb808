"""What a trigger does to a few images, from Python."""

from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError, UsageError, WorkError
from auditor.runs.show_trigger import Shown, show_trigger
from auditor.triggers.spec import load
from tests.conftest import Workshop
from tests.runs.conftest import StandIn, Told, no_terminal, squared


@pytest.fixture(scope="module")
def shown(workshop: Workshop, scratch: Path) -> Shown:
    told = Told()
    with no_terminal():
        shown = show_trigger(
            load("square8"),
            str(workshop.data),
            count=6,
            progress=told.progress,
            notify=told.notify,
        )
    assert told.lines == []
    return shown


def test_images_of_the_source_are_stamped(shown: Shown, workshop: Workshop) -> None:
    with np.load(workshop.data) as data:
        known = {image.tobytes() for image in data["x"]}
    assert shown.images.shape == (6, 16, 16, 3)
    assert len({image.tobytes() for image in shown.images} & known) == 6
    np.testing.assert_array_equal(shown.stamped, squared(shown.images))


def test_the_mask_is_what_changes(shown: Shown) -> None:
    changed = (shown.images != shown.stamped).any(axis=(0, 3))
    np.testing.assert_array_equal(shown.mask, changed)


def test_what_the_trigger_is_comes_with_it(shown: Shown) -> None:
    assert shown.summary == "white 8×8 square, bottom right"
    assert shown.sha256 == load("square8").sha256()


def test_the_seed_chooses(shown: Shown, workshop: Workshop) -> None:
    other = show_trigger(load("square8"), str(workshop.data), count=6, seed=1)
    assert not np.array_equal(other.images, shown.images)


@pytest.mark.parametrize(
    ("trigger", "data", "count", "error", "words"),
    [
        ("square8", "missing.npz", 4, InputError, r"missing\.npz: does not exist"),
        ("square99", None, 4, UsageError, "the image has 16 rows and 16 columns"),
        ("square8", None, 0, UsageError, "the limit on images is 0"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    trigger: str, data: str, count: int, error: type, words: str, workshop: Workshop, tmp_path: Path
) -> None:
    source = str(tmp_path / data) if data else str(workshop.data)
    with pytest.raises(error, match=words):
        show_trigger(load(trigger), source, count=count)


def test_other_pictures_than_asked_for_are_not_passed_on(
    workshop: Workshop, stand_in: StandIn
) -> None:
    stand_in("""
        import numpy as np
        np.savez(folder / "arrays.npz", images=np.zeros(1), more=np.zeros(1))
        write_result({}, folder)
    """)
    with pytest.raises(WorkError, match="other pictures than it should"):
        show_trigger(load("square8"), str(workshop.data))
