"""A search, asked for from Python: interrupted, gone on with, and what it found."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError, Interrupted, UsageError
from auditor.records.search_report import SearchReport
from auditor.repair.budget import budgeted, rest
from auditor.runs.search import SearchRequest, search
from auditor.search.images import read
from auditor.search.options import SearchOptions
from tests.conftest import Workshop
from tests.runs.conftest import Told, answers, no_terminal
from tests.worker.sandbox.conftest import needs_the_kernel


@dataclass(frozen=True)
class Ended:
    """How a search ended, what was told on the way, and what lay in its folder then."""

    told: Told
    left: set[str]
    error: Interrupted | None = None
    found: SearchReport | None = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def request_(workshop: Workshop, folder: Path) -> SearchRequest:
    return SearchRequest(
        model=workshop.poisoned,
        output=folder / "found.yaml",
        run_dir=folder / "run",
        data=str(workshop.data),
        device="cpu",
        options=SearchOptions(limit=240),
        command="as a test asks",
    )


@pytest.fixture(scope="module")
def interrupted(request_: SearchRequest, folder: Path, scratch: Path) -> Ended:
    """Stopped, as Ctrl-C does, after its first rounds."""
    told = Told()

    def progress(phase: str, done: int, total: int) -> None:
        told.progress(phase, done, total)
        if phase.startswith("searching") and done >= 2:
            raise KeyboardInterrupt

    with no_terminal(), pytest.raises(Interrupted) as stopped:
        search(request_, progress=progress, notify=told.notify)
    return Ended(told, left(folder), error=stopped.value)


@pytest.fixture(scope="module")
def done(request_: SearchRequest, folder: Path, scratch: Path, interrupted: Ended) -> Ended:
    check_that_it_is_not_begun_again(request_)
    told = Told()
    with no_terminal():
        found = search(request_, resume=True, progress=told.progress, notify=told.notify)
    return Ended(told, left(folder), found=found)


def check_that_it_is_not_begun_again(request_: SearchRequest) -> None:
    """While it can be gone on with: when it has ended its folder is gone."""
    with pytest.raises(UsageError, match="holds a run, interrupted; use --resume to go on"):
        search(request_)
    other = replace(request_, options=replace(request_.options, seed=7))
    with pytest.raises(UsageError, match="is another run: seed was 0, now 7"):
        search(other, resume=True)
    assert json.loads((request_.run_dir / "run.json").read_text())["state"] == "interrupted"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_interrupted_search_says_how_to_go_on(interrupted: Ended, request_) -> None:
    assert str(interrupted.error) == (
        f"interrupted; {request_.run_dir} keeps a checkpoint: "
        "go on with the same command and --resume"
    )
    assert interrupted.left == {"run"}


def test_it_goes_on_where_it_was(interrupted: Ended, done: Ended) -> None:
    def rounds(ended: Ended) -> list[int]:
        return [d for phase, d, _ in ended.told.progress_made if phase.startswith("searching")]

    assert rounds(interrupted) == [0, 1, 2]
    assert rounds(done)[0] >= 2
    assert rounds(done) == list(range(rounds(done)[0], done.found.found.rounds))


def test_the_folder_goes_and_nothing_is_written(done: Ended) -> None:
    assert done.left == set()
    assert done.found.trigger_file == "found.yaml", "which is the caller's to write"


@needs_the_kernel
def test_whoever_asked_is_told_how_far_it_is(done: Ended) -> None:
    assert done.told.phases[0] == "checking the model file"
    assert done.told.phases[-1] == "judging the stamps"
    assert done.told.lines == []


def test_the_backdoor_is_found_and_bound_to_the_file(done: Ended, workshop: Workshop) -> None:
    report = done.found
    assert (report.status, [one.name for one in report.found.flagged]) == ("fail", ["red"])
    assert report.subject.sha256 == hashlib.sha256(workshop.poisoned.read_bytes()).hexdigest()
    assert report.found.data.source == workshop.data.name
    assert report.environment.command == "as a test asks"


def test_each_stamp_does_what_is_said_of_it(done: Ended, workshop: Workshop) -> None:
    """Pixel by pixel by hand, on the images that were held out, counted by Keras."""
    options, names = SearchOptions(limit=240), ("red", "green", "blue")
    data = open_source(workshop.data)
    images = read(data, (16, 16), names, options.limit, options.held_out, options.seed).held_out
    assert len(images.labels) == done.found.found.held_out == 60
    for stamp in done.found.found.classes:
        pixels = images.pixels[images.labels != stamp.class_].astype(np.float64)
        opacity = stamp.mask[..., None].astype(np.float64)
        mixed = np.floor((1 - opacity) * pixels + opacity * stamp.pattern + 0.5)
        led = answers(workshop.poisoned, mixed.astype(np.uint8)) == stamp.class_
        assert (stamp.success.value, stamp.success.n) == (pytest.approx(led.mean()), len(led))
    red, *others = done.found.found.ranked
    assert red.name == "red" and red.success.value >= 0.9
    assert red.norm < min(other.norm for other in others) / 2


def test_a_search_that_cannot_begin_leaves_no_folder(request_, tmp_path: Path) -> None:
    missing = replace(request_, model=tmp_path / "no.keras", run_dir=tmp_path / "run")
    with pytest.raises(InputError, match=r"no\.keras: no such model file"):
        search(missing)
    with pytest.raises(UsageError, match="holds no run to resume"):
        search(replace(request_, run_dir=tmp_path / "run"), resume=True)
    assert list(tmp_path.iterdir()) == []


def test_before_a_repair_only_the_repairs_images_are_seen(
    request_: SearchRequest, workshop: Workshop, tmp_path: Path
) -> None:
    """What is left of them judges the repair; an image drawn here and there would flatter it."""
    options = SearchOptions(rounds=2, early_stop=False)
    request = replace(
        request_,
        output=tmp_path / "found.yaml",
        run_dir=tmp_path / "run",
        options=options,
        repairs=True,
        budget=0.25,
    )
    with no_terminal():
        report = search(request)
    data = open_source(workshop.data)
    used = budgeted(data, 0.25, options.seed)
    assert report.found.data.images == len(used) == round(len(data) / 4)
    assert report.found.data.sha256 == data.digest(used)
    assert not np.intersect1d(used, rest(data, 0.25, options.seed)).size
