"""What probes found is of the very files, images and networks that the audit is about."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.figures.policy import Limits, judge, with_comebacks
from auditor.probe.comebacks import comebacks
from auditor.probe.result import BeforeRepair
from auditor.records.audit_json import from_document
from auditor.records.canonical import to_document
from tests import audited
from tests.report import probes, repairs


def refused(made: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_document(json.loads(json.dumps(to_document(made))))


@pytest.mark.parametrize("sha256", ["", "cd" * 32, "ef" * 32])
def test_the_file_before_a_repair_is_its_subject(sha256: str) -> None:
    found = replace(probes.back(), before=BeforeRepair("x", sha256))
    refused(audited.probed(found), r"before.sha256: must be of the same file as the subject")


def test_the_file_before_a_probed_one_is_another() -> None:
    made, found = audited.certificate(0.0, 0.1), probes.back()
    verdict = with_comebacks(made.verdict, comebacks(found), None)
    for sha256, held in (("12" * 32, True), ("ab" * 32, False), ("", False)):
        named = replace(found, before=BeforeRepair("x", sha256))
        whole = replace(made, reactivation=named, verdict=verdict)
        if held:
            assert from_document(json.loads(json.dumps(to_document(whole)))).reactivation == named
        else:
            refused(whole, r"before.sha256: must be of another file than the subject")


def test_what_was_not_handed_back_was_not_probed() -> None:
    before = audited.result(0.95, 4.0)
    made = repairs.helpless(audited.certificate(), before, audited.result(0.0, 0.1))
    found = probes.back()
    verdict = judge(before.measurement, Limits(), 3, comebacks=comebacks(found))
    refused(replace(made, reactivation=found, verdict=verdict), "handed nothing back")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("path.points.0.asr", asdict(probes.rate(20))),
        ("path.points.0.clean_accuracy", asdict(probes.rate(30, 300))),
        ("path.points.2.clean_accuracy", asdict(probes.rate(30, 300))),
    ],
)
def test_the_path_leads_from_the_audited_network_to_the_repaired_one(place, value) -> None:
    audit = json.loads(json.dumps(to_document(audited.probed())))
    at = audit["reactivation"]
    *parents, last = place.split(".")
    for key in parents:
        at = at[int(key) if isinstance(at, list) else key]
    at[last] = value
    with pytest.raises(InputError, match="in the audit|ends at another"):
        from_document(audit)


def test_retunings_begin_at_the_repaired_network() -> None:
    """All say the same of where they begin, and it is not what the audit measured."""
    audit = json.loads(json.dumps(to_document(audited.probed(probes.back(path=probes.NO_PATH)))))
    audit["reactivation"]["start"]["asr"] = asdict(probes.rate(80))
    for one in audit["reactivation"]["retuning"]:
        one["outcome"]["course"]["asr"][0] = 0.4
    with pytest.raises(InputError, match=r"retuning\[0\].outcome.course.asr: is 0.4, in the audit"):
        from_document(audit)
