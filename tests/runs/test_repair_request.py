"""What must stay the same for a repair to be resumed."""

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import UsageError
from auditor.files.intake import ModelCopy
from auditor.runs.repair_folder import RepairFolder
from auditor.runs.repair_request import RepairRequest
from auditor.triggers import Patch
from auditor.triggers.base import AllToAll

COPY = ModelCopy(Path("a.keras"), Path("model.keras"), "ab" * 32, 9)


@pytest.mark.parametrize(
    "change",
    [{"target": 1}, {"target": "0"}, {"target": AllToAll(1)}, {"target": None}, {"source": (3,)}],
    ids=str,
)
def test_a_trigger_that_leads_elsewhere_is_another_repair(change: dict, tmp_path: Path) -> None:
    """Its digest is that of what is stamped, and so the same."""
    trigger = Patch(id="a", size=(4, 4), target=0)
    request = RepairRequest(
        model=COPY.path, output=tmp_path / "o.keras", run_dir=tmp_path / "run", trigger=trigger
    )
    with RepairFolder.open(request.run_dir, request.identity(COPY), resume=False, force=False):
        pass
    other = replace(request, trigger=replace(trigger, **change))
    assert other.trigger.sha256() == trigger.sha256()
    with pytest.raises(UsageError, match="is another run: trigger_leads was"):
        RepairFolder.open(request.run_dir, other.identity(COPY), resume=True, force=False)
    with RepairFolder.open(request.run_dir, request.identity(COPY), resume=True, force=False):
        pass
