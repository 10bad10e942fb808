"""How tests run commands: as a user does, but for how processes begin."""

import subprocess
from typing import Any

import pytest

from auditor.worker.sandbox import gpu
from tests.conftest import Workshop, bdaudit


def no_new_python() -> None:
    """Have every start of another program fail."""

    def refuse(self: Any, *_: object) -> None:
        raise OSError(0, "another program is started")

    subprocess.Popen.__mro__[1]._execute_child = refuse  # what a forked worker derives from


SCAN = ("scan", "--trigger", Workshop.trigger, "--limit", "60", "-q")


@pytest.mark.skipif(bool(gpu.devices()), reason="with a GPU, each worker is started")
def test_workers_are_forked_from_what_has_imported_everything(workshop: Workshop) -> None:
    given = (*SCAN, workshop.poisoned, "--data", workshop.data)
    assert bdaudit(*given, prepare=no_new_python).code == 1
    told = bdaudit(*given, prepare=no_new_python, OMP_NUM_THREADS="2")
    assert (told.code, "another program is started" in told.err) == (3, True), "libraries differ"


@pytest.mark.real_start
def test_where_it_is_wanted_each_is_started(workshop: Workshop) -> None:
    ran = bdaudit(*SCAN, workshop.poisoned, "--data", workshop.data)
    assert ran.code == 1
