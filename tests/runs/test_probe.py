"""Probes asked for from Python: of somebody's repair, and after one's own; failed, interrupted."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from auditor.errors import InputError, Interrupted
from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.options import Options
from auditor.probe.budget import PHASE
from auditor.probe.options import ProbeOptions
from auditor.probe.result import Reactivation, Retuned, WeightPath
from auditor.records import audit_file
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate
from auditor.repair.options import RepairOptions
from auditor.runs.probe import check_same_target, probe, too_few
from auditor.runs.probe_request import ProbeRequest
from auditor.runs.repair import repair
from auditor.runs.repair_request import RepairRequest
from auditor.triggers.spec import load
from tests.conftest import Workshop
from tests.probe.conftest import Bench, bench
from tests.runs.conftest import Told, no_terminal

__all__ = ["bench"]

QUICK = ProbeOptions(clean=200, seeds=1, epochs=2, steps=8, points=3)


@pytest.fixture(scope="module")
def asked(bench: Bench) -> ProbeRequest:
    return ProbeRequest(
        before=bench.poisoned,
        model=bench.hidden,
        trigger=load(Workshop.trigger),
        data=str(bench.folder / "tuning.npz"),
        evaluation=str(bench.folder / "judging.npz"),
        device="cpu",
        probes=QUICK,
        command="as a test asks",
    )


@pytest.fixture(scope="module")
def found(asked: ProbeRequest, scratch: Path) -> tuple[Certificate, Told]:
    told = Told()
    with no_terminal():
        return probe(asked, progress=told.progress, notify=told.notify), told


def test_the_certificate_is_of_the_repaired_model(found, bench: Bench) -> None:
    certificate, told = found
    back = certificate.reactivation
    assert isinstance(back, Reactivation)
    assert certificate.subject.name == "hidden.keras" and certificate.repair is None
    assert (back.before.path, len(back.before.sha256)) == ("poisoned.keras", 64)
    assert back.before.sha256 != certificate.subject.sha256
    assert (back.tuning.source, back.tuning.available) == ("tuning.npz", 620)
    assert certificate.data.source == "judging.npz" and back.judged == certificate.data.images
    assert PHASE in told.phases


def test_the_target_is_the_one_before_the_repair(found) -> None:
    """Nobody named it, and the repaired model leads nowhere."""
    target = found[0].target
    assert (target.class_, target.chosen) == (0, "inferred") and target.inferred_from > 0


def test_the_model_before_answers_to_the_trigger(found) -> None:
    certificate, _ = found
    before = certificate.reactivation.before
    assert before.asr == certificate.reactivation.path.points[0].asr
    assert before.clean_target_rate.value < 0.1 < 0.9 < before.asr.value
    start = certificate.reactivation.start
    assert start.asr == certificate.measurements.before.asr and start.control.n == start.asr.n


def test_two_models_in_the_wrong_order_do_not_pass_for_a_repair(asked: ProbeRequest) -> None:
    audit, limits = Options(target="0"), Limits(max_asr=1, max_tar=1000, max_reactivation=0.9)
    for before in (asked.model, asked.before.with_name("clean.keras")):
        wrong = replace(asked, before=before, model=asked.before, audit=audit, limits=limits)
        certificate = probe(wrong)
        check = certificate.verdict.checks[-1]
        assert (check.metric, check.ok, check.decisive) == ("reactivation", None, True)
        assert "were the two given in the wrong order?" in check.reason
        assert certificate.verdict.status == "inconclusive"


def test_too_few_images_to_tune_with_are_said_before_the_audit(asked: ProbeRequest) -> None:
    one = replace(asked, probes=ProbeOptions())
    assert too_few(1020, one, "few.npz", shared=True) == too_few(510, one, "x", shared=False) == ""
    said = "few.npz: the probes tune with 510 images, and of its 400 only 200 are set aside"
    assert too_few(400, one, "few.npz", shared=True).startswith(said)
    assert too_few(400, one, "x", shared=True).endswith("; give --eval-data, or 1,020 images")
    assert too_few(400, one, "x", shared=False).endswith("will be tuned; give more")


def led(class_: int, hits: int, bare: int) -> SimpleNamespace:
    """An audit whose trigger leads so many of 200 images to a class."""
    figures = SimpleNamespace(asr=wilson(hits, 200), clean_target_rate=wilson(bare, 200))
    return SimpleNamespace(target=Target(class_, f"c{class_}", "inferred"), measurement=figures)


def test_a_target_that_the_repaired_model_contradicts_is_to_be_named() -> None:
    said = (
        r"^under the trigger a takes 96.0 % of images for c1 and 2.0 % for c0, which was inferred "
    )
    with pytest.raises(InputError, match=f"{said}from b; name the trigger's class with --target$"):
        check_same_target(led(1, 192, 4), led(0, 4, 4), "b", "a")
    check_same_target(led(0, 192, 4), led(0, 192, 4), "b", "a")
    check_same_target(led(1, 30, 28), led(0, 4, 4), "b", "a")  # without the trigger, too
    check_same_target(led(1, 8, 1), led(0, 4, 1), "b", "a")


def test_the_ends_of_the_path_are_what_both_audits_say(found) -> None:
    certificate, _ = found
    path = certificate.reactivation.path
    assert isinstance(path, WeightPath)
    now = certificate.measurements.before
    assert path.points[-1].asr == now.asr
    assert path.points[-1].clean_accuracy == now.clean_accuracy
    assert path.points[0].asr.value > 0.9


def test_what_surely_comes_back_is_a_warning(found) -> None:
    certificate, _ = found
    five = certificate.reactivation.retuning[0].outcome
    assert isinstance(five, Retuned)
    surely = [r.outcome.excess.low > 0.1 for r in certificate.reactivation.retuning]
    assert any(surely) == bool(certificate.verdict.warnings)
    assert certificate.verdict.status == "pass"


def test_a_model_of_another_shape_is_refused_before_anything_is_measured(
    asked: ProbeRequest, tmp_path: Path
) -> None:
    from tests.conftest import small_cnn

    small_cnn(size=24).save(tmp_path / "other.keras")
    told = Told()
    with pytest.raises(InputError, match=r"24×24×3 with 3 classes and .* 16×16×3 with 3 classes"):
        probe(replace(asked, before=tmp_path / "other.keras"), progress=told.progress)
    assert "measuring" not in told.phases
    with pytest.raises(InputError, match="are the same; give a model and its repair"):
        probe(replace(asked, before=asked.model))


def test_half_of_one_source_tunes_and_the_rest_judges(asked: ProbeRequest) -> None:
    one = probe(replace(asked, evaluation=None, probes=replace(QUICK, clean=100, stamped=(5,))))
    back = one.reactivation
    assert one.data.images == back.judged == 310
    assert (back.tuning.available, back.tuning.images) == (310, 105)
    assert one.data.source == "tuning.npz (without the images used for tuning)"


@pytest.fixture
def mending(bench: Bench, tmp_path: Path) -> RepairRequest:
    return RepairRequest(
        model=bench.poisoned,
        output=tmp_path / "repaired.keras",
        run_dir=tmp_path / "run",
        trigger=load(Workshop.trigger),
        data=str(bench.folder / "tuning.npz"),
        evaluation=str(bench.folder / "judging.npz"),
        device="cpu",
        audit=Options(target="0", neighbours=20),
        options=RepairOptions.of(
            "relabel", learning_rate=1e-3, epochs=2, recovery_epochs=0, batch_size=32
        ),
        limits=Limits(max_accuracy_drop=0.2, max_neighbour_asr=1),
        probes=QUICK,
        command="as a test asks",
    )


class Kept:
    """Writes what stands before the probes begin."""

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def __call__(self, certificate: Certificate, contents: dict[Path, bytes]) -> None:
        self.certificate = certificate
        for path, content in contents.items():
            path.write_bytes(content)


def recorded(mending: RepairRequest) -> Certificate:
    audit = audit_file.read(mending.run_dir / "audit.json").audited
    assert isinstance(audit, Certificate)
    return audit


def test_a_repair_is_probed_once_it_stands(mending: RepairRequest) -> None:
    kept = Kept()
    certificate, contents = repair(mending, keep=kept)
    assert kept.certificate is not None
    assert "interrupted" in kept.certificate.reactivation.skipped
    assert isinstance(certificate.reactivation, Reactivation)
    assert replace(certificate, reactivation=None, verdict=kept.certificate.verdict) == replace(
        kept.certificate, reactivation=None
    )
    assert contents == {mending.run_dir / "audit.json": canonical(certificate)}
    back = certificate.reactivation
    assert back.before.sha256 == certificate.subject.sha256
    assert (back.tuning.source, back.tuning.available) == ("tuning.npz", 620)
    assert back.path.points[-1].asr == certificate.measurements.after.asr
    assert back.path.points[0].asr == certificate.measurements.before.asr
    assert back.before.asr == certificate.measurements.before.asr


def test_images_that_the_repair_may_not_use_do_not_tune(mending: RepairRequest) -> None:
    options = replace(mending.options, clean_budget=300)
    certificate, _ = repair(replace(mending, options=options), keep=Kept())
    assert certificate.reactivation.tuning.available == 300
    shared = replace(
        mending,
        evaluation=None,
        run_dir=mending.run_dir.with_name("other"),
        output=mending.output.with_name("other.keras"),
        probes=replace(QUICK, clean=100, stamped=(5,)),
    )
    certificate, _ = repair(shared, keep=Kept())
    assert certificate.reactivation.tuning.available == 310  # the half that it could repair with
    assert certificate.reactivation.judged == certificate.data.images == 310


def test_probes_that_are_interrupted_leave_the_repair(mending: RepairRequest) -> None:
    def impatient(phase: str, done: int, total: int) -> None:
        if phase == PHASE:
            raise KeyboardInterrupt

    kept = Kept()
    limits = replace(mending.limits, max_reactivation=0.3)
    said = r"repaired.keras and its certificate stand, .* 'bdaudit probe \S*/poisoned.keras "
    with pytest.raises(Interrupted, match=said):
        repair(replace(mending, limits=limits), progress=impatient, keep=kept)
    assert mending.output.is_file()
    left = recorded(mending)
    assert isinstance(left.reactivation, Skipped) and "interrupted" in left.reactivation.skipped
    assert left.verdict.status == "inconclusive"  # a limit was given, and nobody knows
    assert left.measurements.after.asr.value < 0.1
    assert json.loads((mending.run_dir / "run.json").read_text())["state"] == "finished"


def test_probes_that_fail_leave_the_repair(mending: RepairRequest) -> None:
    told = Told()

    def keep(certificate: Certificate, contents: dict[Path, bytes]) -> None:
        Kept()(certificate, contents)
        mending.output.write_bytes(b"somebody else's")

    certificate, contents = repair(mending, notify=told.notify, keep=keep)
    assert "has changed since it was written" in certificate.reactivation.skipped
    assert any("whether the backdoor comes back" in line for line in told.lines)
    assert certificate.verdict.status == "pass"
    assert list(contents) == [mending.run_dir / "audit.json"]


def test_a_repair_that_nobody_wants_probed_is_as_before(mending: RepairRequest) -> None:
    certificate, contents = repair(replace(mending, probes=None), keep=pytest.fail)
    assert certificate.reactivation is None
    assert set(contents) == {mending.run_dir / "audit.json", mending.output}
