"""A repair, asked for from Python: interrupted, gone on with, and what comes of it."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import Interrupted, UsageError
from auditor.figures.policy import Limits
from auditor.measure.options import Options
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate
from auditor.repair.options import RepairOptions
from auditor.repair.result import Epoch
from auditor.runs.repair import Contents, repair
from auditor.runs.repair_request import RepairRequest
from auditor.triggers.spec import load
from tests.conftest import Workshop
from tests.runs.conftest import Told, Watching, answers, no_terminal, squared
from tests.worker.sandbox.conftest import needs_the_kernel


class Impatient(Watching):
    """Interrupts as Ctrl-C does, once an epoch of training is done."""

    def epoch(self, epoch: Epoch) -> None:
        super().epoch(epoch)
        if epoch.epoch == 1:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Ended:
    """How a repair ended, what was told on the way, and what lay in its folder then."""

    told: Told
    watching: Watching
    left: set[str]
    error: Interrupted | None = None
    found: tuple[Certificate, Contents] | None = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repair")


@pytest.fixture(scope="module")
def request_(workshop: Workshop, training: Path, folder: Path) -> RepairRequest:
    return RepairRequest(
        model=workshop.poisoned,
        output=folder / "repaired.keras",
        run_dir=folder / "run",
        trigger=load(workshop.trigger),
        data=str(training),
        evaluation=str(workshop.data),
        input_range="0..1",
        device="cpu",
        audit=Options(target="0"),
        options=RepairOptions.of(
            "unlearn", learning_rate=1e-3, epochs=1, recovery_epochs=1, batch_size=32
        ),
        limits=Limits(max_accuracy_drop=0.2),
        command="as a test asks",
    )


@pytest.fixture(scope="module")
def interrupted(request_: RepairRequest, folder: Path, scratch: Path) -> Ended:
    told, watching = Told(), Impatient()
    with no_terminal(), pytest.raises(Interrupted) as stopped:
        repair(
            request_,
            progress=told.progress,
            notify=told.notify,
            observers=[watching],
        )
    return Ended(told, watching, left(folder), error=stopped.value)


@pytest.fixture(scope="module")
def done(request_: RepairRequest, folder: Path, scratch: Path, interrupted: Ended) -> Ended:
    told, watching = Told(), Watching()
    with no_terminal():
        found = repair(
            request_,
            resume=True,
            progress=told.progress,
            notify=told.notify,
            observers=[watching],
        )
    return Ended(told, watching, left(folder), found=found)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def state(run: Path) -> str:
    return json.loads((run / "run.json").read_text())["state"]


def test_an_interrupted_repair_says_how_to_go_on(interrupted: Ended, request_) -> None:
    assert str(interrupted.error) == (
        f"interrupted; {request_.run_dir} keeps a checkpoint: "
        "go on with the same command and --resume"
    )
    assert interrupted.left == {"run"}, "no model is handed back"
    assert [epoch.epoch for epoch in interrupted.watching.epochs] == [0, 1]
    assert interrupted.watching.closed == 1


def test_a_run_is_gone_on_with_only_when_that_is_asked_for(interrupted: Ended, request_) -> None:
    before = (request_.run_dir / "run.json").read_bytes()
    with pytest.raises(UsageError, match="holds a run, .*; use --resume to go on or --force"):
        repair(request_)
    other = replace(request_, options=replace(request_.options, learning_rate=0.5))
    with pytest.raises(UsageError, match=r"is another run: learning_rate was 0\.001, now 0\.5"):
        repair(other, resume=True)
    assert (request_.run_dir / "run.json").read_bytes() == before


def test_gone_on_with_it_tells_the_old_epochs_again_and_then_the_rest(
    interrupted: Ended, done: Ended
) -> None:
    old, new = interrupted.watching, done.watching
    assert [plan.phases for plan in new.plans] == [plan.phases for plan in old.plans]
    assert new.plans[0].phases == (("unlearning", 1), ("recovery", 1))
    assert [epoch.epoch for epoch in new.epochs] == [0, 1, 2]
    assert [epoch.phase for epoch in new.epochs] == ["before", "unlearning", "recovery"]
    for first, again in zip(old.epochs, new.epochs, strict=False):
        assert (first.asr, first.loss) == (again.asr, again.loss)
        np.testing.assert_array_equal(first.heat, again.heat)
    assert new.steps and {step.epoch for step in new.steps} == {2}, "nothing is trained twice"
    assert old.epochs[1].step < new.steps[0].done <= new.epochs[2].step == new.plans[0].steps
    assert new.closed == 1


def test_it_writes_its_run_and_hands_the_rest_back(done: Ended, request_: RepairRequest) -> None:
    assert done.found is not None
    certificate, contents = done.found
    assert done.left == {"run"}
    assert set(contents) == {request_.output, request_.run_dir / "audit.json"}
    assert contents[request_.run_dir / "audit.json"] == canonical(certificate)
    assert state(request_.run_dir) == "finished"
    made = contents[request_.output]
    output = certificate.repair.output
    assert (output.path, output.bytes) == (request_.output.name, len(made))
    assert output.sha256 == hashlib.sha256(made).hexdigest()


@needs_the_kernel
def test_whoever_asked_is_told_how_far_it_is(interrupted: Ended, done: Ended) -> None:
    for ended in (interrupted, done):
        assert ended.told.phases[0] == "checking the model file"
        assert "measuring" in ended.told.phases
        assert ended.told.lines == []
    measured = done.told.phases.count("measuring")
    assert measured == 2, "the model as it came, and the one that is handed back"


def test_every_figure_is_what_keras_counts(
    done: Ended, request_: RepairRequest, workshop: Workshop, tmp_path: Path
) -> None:
    assert done.found is not None
    certificate, contents = done.found
    (tmp_path / "made.keras").write_bytes(contents[request_.output])
    with np.load(workshop.data) as data:
        x, y = data["x"], data["y"]
    others = y != 0
    right = {}
    for name, model in (("before", workshop.poisoned), ("after", tmp_path / "made.keras")):
        measured = getattr(certificate.measurements, name)
        clean, turned = answers(model, x), answers(model, squared(x[others]))
        right[name] = clean == y
        assert measured.clean_accuracy.value == pytest.approx(right[name].mean())
        assert measured.asr.value == pytest.approx((turned == 0).mean())
        assert measured.robust_accuracy.value == pytest.approx((turned == y[others]).mean())
    asr = [getattr(certificate.measurements, name).asr.value for name in ("before", "after")]
    assert asr[0] > 0.9 > 0.2 > asr[1]
    drop = right["before"].mean() - right["after"].mean()
    assert certificate.repair.der == pytest.approx((asr[0] - asr[1] - max(0, drop) + 1) / 2)
    check = next(c for c in certificate.verdict.checks if c.metric == "accuracy_drop")
    assert (check.limit, check.value) == (0.2, pytest.approx(drop))


def test_a_model_that_does_not_answer_is_left_alone(
    request_: RepairRequest, workshop: Workshop, tmp_path: Path
) -> None:
    """It is judged on what a repair of the same images would leave."""
    told, watching = Told(), Watching()
    asked = replace(
        request_,
        model=workshop.clean,
        run_dir=tmp_path / "run",
        output=tmp_path / "repaired.keras",
        data=str(workshop.data),
        evaluation=None,
    )
    certificate, contents = repair(asked, notify=told.notify, observers=[watching])
    assert told.lines[-1:] == [
        f"{workshop.clean.name}: needs no repair under this trigger; no repair was tried"
    ]
    assert contents == {}
    assert (certificate.repair, certificate.verdict.status) == (None, "pass")
    assert certificate.data.images == 150
    assert (
        certificate.data.source == f"{workshop.data.name} (without the images used for the repair)"
    )
    assert watching.plans == [] and list(tmp_path.iterdir()) == []
