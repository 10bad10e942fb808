"""A search's stamps as a trigger file: it stamps what was found, and its names cannot act."""

import io
from pathlib import Path

import numpy as np
import pytest
import yaml

from auditor.runs.trigger_files import trigger_files
from auditor.triggers.spec import load_all
from tests.conftest import blobs
from tests.report.searches import report


def test_the_file_stamps_what_was_found(tmp_path: Path) -> None:
    """Read back as scan and repair read it, blended here by hand, pixel by pixel."""
    shown = report("cat", "dog", "tree", flagged=(2, 0))
    for path, content in trigger_files(shown, tmp_path / "out.yaml").items():
        path.write_bytes(content)
    triggers = load_all(str(tmp_path / "out.yaml"))
    flagged = shown.found.flagged
    assert [trigger.id for trigger in triggers] == ["found-cat", "found-tree"]
    assert [trigger.target for trigger in triggers] == [stamp.class_ for stamp in flagged] == [0, 2]
    assert all(trigger.inferred for trigger in triggers)
    images, _ = blobs(5, size=8)
    for trigger, stamp in zip(triggers, flagged, strict=True):
        opacity = stamp.mask[..., None].astype(np.float64)
        mixed = np.floor((1 - opacity) * images + opacity * stamp.pattern + 0.5)
        difference = trigger.stamp(images).astype(int) - mixed.astype(int)
        assert np.abs(difference).max() <= 1, "of rounding alone"
        np.testing.assert_array_equal(trigger.mask((8, 8)), stamp.mask > 0)


def test_the_same_search_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (
        trigger_files(report("cat", "dog", flagged=(1,)), tmp_path / "out.yaml") for _ in range(2)
    )
    assert one[tmp_path / "out.yaml"] == other[tmp_path / "out.yaml"]
    assert set(one) == {tmp_path / "out.yaml", tmp_path / "out-dog.npz"}


def test_names_that_are_no_file_names_are_numbers(tmp_path: Path) -> None:
    """Class names come from the data: they may hold anything."""
    shown = report("../evil", "Red", "red", "plain-1", "7", flagged=(0, 1, 2, 3, 4))
    files = trigger_files(shown, tmp_path / "out.yaml")
    document = yaml.safe_load(files[tmp_path / "out.yaml"])
    ids = [trigger["id"] for trigger in document["triggers"]]
    assert sorted(ids) == ["found-0", "found-1", "found-2", "found-4", "found-plain-1"]
    assert {path.parent for path in files} == {tmp_path}
    for trigger in document["triggers"]:
        with np.load(io.BytesIO(files[tmp_path / trigger["path"]])) as stored:
            assert (stored["pattern"].dtype, stored["mask"].dtype) == (np.uint8, np.float32)


@pytest.mark.parametrize("inconclusive", ["", "no stamp reached the wanted success"])
def test_no_file_where_nothing_is_flagged(tmp_path: Path, inconclusive: str) -> None:
    shown = report("a", "b", inconclusive=inconclusive)
    assert trigger_files(shown, tmp_path / "out.yaml") == {}
