"""A pass with warnings in the in-toto test result."""

import json

import pytest

from auditor.errors import VerificationError
from auditor.records.canonical import to_document
from auditor.records.statement import read_result, result_payload
from tests import audited
from tests.report import probes


def outcome(made) -> dict:
    return json.loads(result_payload(made, to_document(made), {}))


def test_a_backdoor_that_comes_back_is_warned_of() -> None:
    made = audited.probed()
    found = outcome(made)["predicate"]
    assert found["result"] == "WARNED"
    assert (
        "square4: reactivation: returned from 1 % to 41 % with 5 images (control 6 %)"
        in (found["warnedTests"])
    )
    assert not any("reactivation" in test for test in found["failedTests"])
    assert read_result(result_payload(made, to_document(made), {}), made, to_document(made)) == {}


def test_without_a_warning_it_is_passed_and_beyond_a_limit_failed() -> None:
    assert outcome(audited.probed(probes.gone()))["predicate"]["result"] == "PASSED"
    failed = outcome(audited.probed(limit=0.1))["predicate"]
    assert failed["result"] == "FAILED"
    assert failed["failedTests"] == ["square4: reactivation, limit 0.1"]
    assert not any("returned" in test for test in failed["warnedTests"])


def test_a_result_that_hides_a_warning_is_refused() -> None:
    made = audited.probed()
    document, said = to_document(made), outcome(made)
    for change in (
        lambda p: p.update(result="PASSED"),
        lambda p: p.update(warnedTests=[]),
    ):
        altered = json.loads(json.dumps(said))
        change(altered["predicate"])
        with pytest.raises(VerificationError):
            read_result(json.dumps(altered).encode(), made, document)
