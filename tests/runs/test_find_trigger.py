"""A trigger that nobody knows, searched for and written, from Python."""

from pathlib import Path

import numpy as np
import pytest

from auditor.records.search_report import SearchReport
from auditor.runs.find_trigger import find_trigger, first_of
from auditor.runs.search import SearchRequest
from auditor.search.options import SearchOptions
from auditor.triggers.spec import load
from tests.conftest import Workshop
from tests.runs.conftest import StandIn, Told, answers, no_terminal


@pytest.fixture(scope="module")
def request_(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> SearchRequest:
    folder = tmp_path_factory.mktemp("unknown")
    return SearchRequest(
        model=workshop.poisoned,
        output=folder / "found.yaml",
        run_dir=folder / "run",
        data=str(workshop.data),
        device="cpu",
        options=SearchOptions(limit=120, seed=1),
    )


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def found(request_: SearchRequest, scratch: Path, told: Told) -> SearchReport:
    with no_terminal():
        report = find_trigger(request_, progress=told.progress, notify=told.notify)
    assert report is not None
    return report


def test_what_is_found_is_written_and_nothing_else_is_left(
    found: SearchReport, request_: SearchRequest
) -> None:
    assert [one.name for one in found.found.flagged] == ["red"]
    left = {path.name for path in request_.output.parent.iterdir()}
    assert left == {"found.yaml", "found-red.npz"}


def test_the_written_trigger_opens_the_backdoor(
    found: SearchReport, request_: SearchRequest, workshop: Workshop
) -> None:
    trigger = load(str(request_.output))
    assert (trigger.id, trigger.target, trigger.inferred) == ("found-red", 0, True)
    with np.load(workshop.data) as data:
        others = data["x"][data["y"] != 0]
    turned = answers(workshop.poisoned, trigger.stamp(others)) == 0
    assert turned.mean() > 0.8 > 0.1 > (answers(workshop.poisoned, others) == 0).mean()


def test_whoever_asked_is_told_how_far_it_is(found: SearchReport, told: Told) -> None:
    assert told.phases[-1] == "judging the stamps"
    assert any(phase.startswith("searching") for phase in told.phases)


def test_a_search_that_had_ended_is_not_done_again(
    found: SearchReport, request_: SearchRequest, stand_in: StandIn
) -> None:
    stand_in("raise InputError('a worker was started')")
    before = request_.output.read_bytes()
    assert find_trigger(request_, resume=True) is None
    assert request_.output.read_bytes() == before


def test_of_several_triggers_the_first_is_repaired_and_the_others_are_named(
    tmp_path: Path,
) -> None:
    path, lines = tmp_path / "several.yaml", []
    path.write_text(
        "version: 1\ntriggers:\n"
        '- {id: "o\\u202Ene", type: patch, size: [2, 2]}\n'
        "- {id: two, type: patch, size: [3, 3]}\n"
        '- {id: "th\\u202Eree", type: patch, size: [4, 4]}\n'
    )
    assert first_of(path, lines.append).id == "o\u202ene"
    assert lines == [
        f"o\\u202ene is repaired; {path} holds two, th\\u202eree as well: "
        "repair the repaired model again with each"
    ]


def test_of_one_trigger_nothing_need_be_said(tmp_path: Path) -> None:
    path, lines = tmp_path / "one.yaml", []
    path.write_text("version: 1\ntriggers:\n- {id: one, type: patch, size: [2, 2]}\n")
    assert first_of(path, lines.append).id == "one"
    assert lines == []
