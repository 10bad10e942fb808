"""A scan, asked for from Python."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError, UsageError, WorkError
from auditor.figures.policy import Limits
from auditor.figures.results import AuditResults, Rate
from auditor.measure.options import Options
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.runs.scan import ScanRequest, scan
from auditor.triggers.spec import load
from auditor.worker import exchange
from auditor.worker.supervisor import Guard
from tests import audited
from tests.conftest import Workshop
from tests.runs.conftest import StandIn, Told, answers, no_terminal, squared
from tests.worker.sandbox.conftest import needs_the_kernel


def request(workshop: Workshop, *triggers: str, **how: object) -> ScanRequest:
    asked = ScanRequest(
        model=workshop.poisoned,
        triggers=tuple(load(name) for name in triggers or (workshop.trigger,)),
        data=str(workshop.data),
        options=Options(target="0", batch_size=64),
        device="cpu",
        command="as a test asks",
    )
    return replace(asked, **how)


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def found(workshop: Workshop, scratch: Path, told: Told) -> Certificate:
    limits = Limits(max_asr=0.2, max_tar=100, min_accuracy=0.5)
    with no_terminal():
        certificate = scan(
            request(workshop, limits=limits),
            progress=told.progress,
            notify=told.notify,
        )
    assert isinstance(certificate, Certificate)
    return certificate


def test_every_rate_is_what_keras_counts(workshop: Workshop, found: Certificate) -> None:
    with np.load(workshop.data) as data:
        x, y = data["x"], data["y"]
    others = y != 0
    clean, turned = answers(workshop.poisoned, x), answers(workshop.poisoned, squared(x[others]))
    measured = found.measurements.before
    for rate, hits in (
        (measured.clean_accuracy, clean == y),
        (measured.asr, turned == 0),
        (measured.robust_accuracy, turned == y[others]),
        (measured.clean_target_rate, clean[others] == 0),
    ):
        assert isinstance(rate, Rate)
        assert (rate.value, rate.n) == (pytest.approx(hits.mean()), len(hits))
    assert measured.asr.value > 0.9


SCALED = "white 8×8 square, bottom right; made for images of 32×32, here 4×4 pixels"


def test_it_is_bound_to_the_file_the_data_and_the_call(
    workshop: Workshop, found: Certificate
) -> None:
    content = workshop.poisoned.read_bytes()
    assert found.subject.sha256 == hashlib.sha256(content).hexdigest()
    assert (found.subject.path, found.subject.bytes) == (workshop.poisoned.name, len(content))
    assert found.data.source == workshop.data.name
    assert found.environment.command == "as a test asks"


def test_it_is_judged_by_the_limits_that_were_given(found: Certificate) -> None:
    checks = {(check.metric, check.limit): check.ok for check in found.verdict.checks}
    assert checks[("asr", 0.2)] is False
    assert checks[("tar", 100)] is True
    assert checks[("clean_accuracy", 0.5)] is True
    assert found.verdict.status == "fail"


@needs_the_kernel
def test_whoever_asked_is_told_how_far_it_is(found: Certificate, told: Told) -> None:
    assert told.phases[0] == "checking the model file"
    assert {"loading the model", "measuring"} <= set(told.phases)
    assert ("measuring", 300, 300) in told.progress_made
    assert told.lines == [], "there was nothing that a user must know"
    assert found.trigger.summary == SCALED
    assert "confined by Landlock" in found.safety.sandbox


def test_no_trigger_is_no_pass(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="no trigger"):
        scan(ScanRequest(model=workshop.clean, triggers=(), data=str(workshop.data)))


def test_a_model_that_is_missing_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.keras: no such model file"):
        scan(request(workshop, model=tmp_path / "none.keras"))


def test_a_model_that_would_run_code_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    import keras

    path, told = tmp_path / "code.keras", Told()
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)]).save(path)
    with pytest.raises(InputError, match=r"code\.keras: .*Lambda"):
        scan(request(workshop, model=path), progress=told.progress)
    assert told.phases == ["checking the model file"]


def test_no_scan_takes_longer_than_it_may(workshop: Workshop) -> None:
    with pytest.raises(WorkError, match="not done within --time-limit, 0 minutes"):
        scan(request(workshop, guard=Guard(seconds=0)))


def test_what_a_worker_writes_goes_to_the_log_alone(workshop: Workshop, stand_in: StandIn) -> None:
    stand_in("""
        print("a library talks", flush=True)
        print("and complains", file=sys.stderr)
        raise InputError("it will not do")
    """)
    lines, log = [], []
    with pytest.raises(InputError, match="^it will not do$"):
        scan(request(workshop), notify=lines.append, log=log.append)
    assert lines == []
    assert log == ["a library talks\nand complains"]


LEAVES = """
for name in ("result.json", "result.npz"):
    (folder / name).write_bytes((Path(job["data"]) / name).read_bytes())
"""
"""A worker that has nothing to compute: what it finds lies where the images should be."""


def test_several_triggers_have_a_certificate_each_and_a_verdict_together(
    workshop: Workshop, stand_in: StandIn, tmp_path: Path
) -> None:
    results = (audited.result(0.0, 0.1, "grid3"), audited.result(0.9, 2.0, "square8"))
    exchange.save(AuditResults(results), tmp_path)
    stand_in(LEAVES)
    found = scan(request(workshop, "grid3", "square8", data=str(tmp_path)))
    assert isinstance(found, Audits)
    assert [(c.trigger.id, c.verdict.status) for c in found.audits] == [
        ("grid3", "pass"),
        ("square8", "fail"),
    ]
    assert (found.verdict.status, found.verdict.fail) == ("fail", ("square8",))
    assert {c.subject.path for c in found.audits} == {workshop.poisoned.name}


def test_a_worker_that_audits_more_than_was_asked_for_is_caught(
    workshop: Workshop, stand_in: StandIn, tmp_path: Path
) -> None:
    one = audited.result(0.9, 2.0)
    exchange.save(AuditResults((one, one)), tmp_path)
    stand_in(LEAVES)
    with pytest.raises(WorkError, match="the worker audited 2 triggers of 1"):
        scan(request(workshop, data=str(tmp_path)))
