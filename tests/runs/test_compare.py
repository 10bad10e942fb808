"""A comparison, asked for from Python: interrupted between two repairs, and gone on with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError, Interrupted, UsageError
from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.probe.options import ProbeOptions
from auditor.records.canonical import canonical
from auditor.records.comparison import Comparison, Entry
from auditor.repair.options import RepairOptions
from auditor.runs import compare as comparing
from auditor.runs.compare import compare
from auditor.runs.repair_request import RepairRequest
from auditor.triggers.spec import load
from tests import audited
from tests.conftest import Workshop
from tests.report import probes
from tests.runs.conftest import Told, Watching, answers, no_terminal, squared

TINY = {"learning_rate": 1e-3, "epochs": 1, "batch_size": 32}


@dataclass(frozen=True)
class Ended:
    """How a comparison ended, what was told on the way, and what lay in its folder then."""

    told: Told
    announced: list[str]
    watching: Watching
    left: set[str]
    error: Interrupted | None = None
    found: Comparison | None = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a file where the second repair wants its run directory."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "taken").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def requests(workshop: Workshop, training: Path, folder: Path) -> Mapping[str, RepairRequest]:
    first = RepairRequest(
        model=workshop.poisoned,
        output=folder / "run" / "unlearn" / "repaired.keras",
        run_dir=folder / "run" / "unlearn",
        trigger=load(workshop.trigger),
        data=str(training),
        evaluation=str(workshop.data),
        input_range="0..1",
        device="cpu",
        audit=Options(target="0"),
        options=RepairOptions.of("unlearn", recovery_epochs=1, **TINY),
        limits=Limits(max_accuracy_drop=0.2),
    )
    second = replace(
        first,
        output=folder / "run" / "relabel" / "repaired.keras",
        run_dir=folder / "taken",
        options=RepairOptions.of("relabel", recovery_epochs=0, **TINY),
    )
    return {"unlearn": first, "relabel": second}


@pytest.fixture(scope="module")
def interrupted(requests: Mapping[str, RepairRequest], folder: Path, scratch: Path) -> Ended:
    """Stopped, as Ctrl-C does, when the second repair is announced."""
    told, watching, announced = Told(), Watching(), []

    def announce(line: str) -> None:
        announced.append(line)
        if line.startswith("method 2"):
            raise KeyboardInterrupt

    with no_terminal(), pytest.raises(Interrupted) as stopped:
        compare(
            requests,
            folder / "run",
            progress=told.progress,
            notify=told.notify,
            announce=announce,
            observers=[watching],
        )
    return Ended(told, announced, watching, left(folder / "run"), error=stopped.value)


@pytest.fixture(scope="module")
def done(
    requests: Mapping[str, RepairRequest], folder: Path, scratch: Path, interrupted: Ended
) -> Ended:
    told, watching, announced = Told(), Watching(), []
    with no_terminal():
        found = compare(
            requests,
            folder / "run",
            resume=True,
            progress=told.progress,
            notify=told.notify,
            announce=announced.append,
            observers=[watching],
        )
    return Ended(told, announced, watching, left(folder / "run"), found=found)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_interrupted_comparison_keeps_what_is_done(
    interrupted: Ended, requests, folder: Path
) -> None:
    assert str(interrupted.error) == (
        f"interrupted; {folder / 'run'} keeps what is done: "
        "go on with the same command and --resume"
    )
    assert interrupted.announced[0] == "method 1 of 2: unlearn"
    assert interrupted.announced[1].startswith("method 2 of 2: relabel, about ")
    assert requests["unlearn"].output.is_file()
    assert interrupted.left == {"lock", "run.json", "unlearn"}


def test_those_who_watch_hear_of_each_training(interrupted: Ended, done: Ended) -> None:
    assert [plan.method for plan in interrupted.watching.plans] == ["unlearn"]
    assert [epoch.epoch for epoch in interrupted.watching.epochs] == [0, 1, 2]
    assert interrupted.watching.closed == 1
    assert done.watching.plans == [], "nothing is trained again"
    assert "measuring" in interrupted.told.phases


def test_what_is_done_is_read_back_and_what_fails_is_an_entry(done: Ended, folder: Path) -> None:
    assert done.announced[0] == "method 1 of 2: unlearn: done before"
    why = f"{folder / 'taken'}: is a file, expected a folder"
    assert len(done.announced) == 2
    assert f"relabel handed back nothing: {why}" in done.told.lines  # wherever no table is shown
    first, second = done.found.entries
    assert (first.name, first.failed) == ("unlearn", "")
    assert (second.name, second.method, second.failed) == ("relabel", "relabel", why)
    assert (second.certificate, second.images) == (None, 0)
    assert (folder / "taken").read_text() == "mine"


def test_every_figure_is_what_keras_counts(done: Ended, requests, workshop: Workshop) -> None:
    with np.load(workshop.data) as data:
        x, y = data["x"], data["y"]
    others = y != 0
    entry = done.found.entries[0]
    for measured, model in (
        (done.found.before.measurements.before, workshop.poisoned),
        (entry.after, requests["unlearn"].output),
    ):
        clean, turned = answers(model, x), answers(model, squared(x[others]))
        assert measured.clean_accuracy.value == pytest.approx((clean == y).mean())
        assert measured.asr.value == pytest.approx((turned == 0).mean())
        assert measured.robust_accuracy.value == pytest.approx((turned == y[others]).mean())
    assert entry.images == entry.certificate.repair.history[-1].images > 0


def test_the_one_that_serves_best_is_the_one_that_did_not_fail(done: Ended, folder: Path) -> None:
    outcome = done.found.outcome
    assert (outcome.status, outcome.passed, outcome.best) == ("pass", ("unlearn",), "unlearn")
    assert done.left == {"lock", "run.json", "unlearn", "comparison.json"}
    assert (folder / "run" / "comparison.json").read_bytes() == canonical(done.found)


def test_a_comparison_of_other_limits_is_another(done: Ended, requests, folder: Path) -> None:
    before = (folder / "run" / "comparison.json").read_bytes()
    other = {name: replace(one, limits=Limits(max_asr=0.3)) for name, one in requests.items()}
    with pytest.raises(UsageError, match=r"is another run: max_accuracy_drop was 0\.2, now 0\.02"):
        compare(other, folder / "run", resume=True)
    with pytest.raises(UsageError, match="holds a run, finished; use --resume"):
        compare(requests, folder / "run")
    assert (folder / "run" / "comparison.json").read_bytes() == before


@pytest.mark.parametrize(("options", "again"), [({}, 0), ({"seeds": 3}, 1), ({"budget": 60.0}, 1)])
def test_probes_of_other_options_than_are_asked_for_are_done_again(
    options: dict[str, float], again: int, requests, tmp_path: Path, monkeypatch
) -> None:
    done = audited.probed(probes.back())
    anew = audited.probed(probes.gone())
    calls = []
    monkeypatch.setattr(comparing, "probed", lambda *given: calls.append(given) or anew)
    before = Entry("unlearn", "unlearn", done, "", 1.0, 1)
    asked = replace(ProbeOptions(seeds=probes.SEEDS, budget=600.0), **options)
    request = replace(requests["unlearn"], run_dir=tmp_path, probes=asked)
    entry = comparing._probed(before, request, None, None, None, None)
    assert len(calls) == again
    assert entry.certificate is (anew if again else done)
    assert (tmp_path / "audit.json").exists() is bool(again)


def test_a_model_that_is_missing_is_refused_and_no_folder_is_made(requests, tmp_path: Path) -> None:
    missing = {name: replace(one, model=tmp_path / "no.keras") for name, one in requests.items()}
    with pytest.raises(InputError, match=r"no\.keras: no such model file"):
        compare(missing, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
