"""A finished audit judged again, from Python."""

import pytest

from auditor.errors import InputError, UsageError
from auditor.figures.verdict import Check
from auditor.records.gate import Judgement, Policy
from auditor.runs.gate import GateRequest, gate
from tests.runs.conftest import Desk

USUAL = Policy()
LOOSE = Policy(max_asr=1.0, max_tar=1e9)


def judged(desk: Desk, audit: str, policy: Policy = USUAL, **how) -> Judgement:
    return gate(GateRequest(audit=desk / f"{audit}.json", policy=policy, **how))


def check(judgement: Judgement, metric: str) -> Check:
    """Return the last check of a metric."""
    return [one for one in judgement.verdicts[0][1].checks if one.metric == metric][-1]


def test_the_policys_limits_decide_and_not_the_audits_own(desk: Desk) -> None:
    strict, loose = judged(desk, "scan"), judged(desk, "scan", LOOSE)
    assert (strict.status, loose.status) == ("fail", "pass")
    assert (check(strict, "asr").limit, check(loose, "asr").limit) == (0.1, 1.0)
    assert check(strict, "asr").value == check(loose, "asr").value == 0.95
    assert loose.policy is LOOSE


def test_each_trigger_has_a_verdict_and_one_that_fails_fails_all(desk: Desk) -> None:
    found = judged(desk, "several")
    assert [(id_, verdict.status) for id_, verdict in found.verdicts] == [
        ("square4", "fail"),
        ("grid3", "pass"),
    ]
    assert found.status == "fail"


def test_the_verdict_must_be_about_the_model_at_hand(desk: Desk) -> None:
    came, repaired = desk / "came.keras", desk / "repaired.keras"
    assert judged(desk, "repair", models=[repaired]).status == "pass"
    for models, reason in (
        ([came], "came.keras: the model as it came, before the repair"),
        ([repaired, came], "came.keras: the model as it came, before the repair"),
        ([desk / "scan.json"], "scan.json: another model"),
    ):
        found = judged(desk, "repair", models=models)
        assert found.status == "fail"
        assert (check(found, "model").ok, reason in check(found, "model").reason) == (False, True)


def test_what_is_asked_besides_counts_for_all_triggers_together(desk: Desk) -> None:
    found = judged(desk, "several", LOOSE, models=[desk / "repaired.keras"])
    assert [verdict.status for _, verdict in found.verdicts] == ["fail", "pass"]
    assert found.status == "fail"


def test_a_pinned_key_must_have_signed_the_very_audit(desk: Desk) -> None:
    attestation, other = desk.signed("repair"), desk.signed("scan")
    keys = {"signed_by": [desk / "release.pub"]}
    assert judged(desk, "repair", **keys, attestation=attestation).status == "pass"
    for how, reason in (
        ({**keys, "attestation": other}, "scan.jsonl is of another audit"),
        (
            {"signed_by": [desk / "other.pub"], "attestation": attestation},
            "no signature of a pinned key",
        ),
    ):
        found = judged(desk, "repair", **how)
        assert found.status == "fail"
        assert (check(found, "signed").ok, reason in check(found, "signed").reason) == (False, True)


def test_a_signature_that_is_asked_for_is_not_passed_over(desk: Desk) -> None:
    with pytest.raises(UsageError, match="--signed-by needs --attestation FILE"):
        judged(desk, "repair", signed_by=[desk / "release.pub"])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"audit": "none.json"}, r"none\.json: No such file"),
        ({"audit": "came.keras"}, r"came\.keras: "),
        ({"models": ["none.keras"]}, r"none\.keras: no such model file"),
        ({"signed_by": ["none.pub"], "attestation": "scan.html"}, r"none\.pub: public key file"),
        ({"signed_by": ["release.pub"], "attestation": "none.jsonl"}, r"none\.jsonl: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_and_no_verdict(
    how: dict, words: str, desk: Desk
) -> None:
    here = {
        key: [desk / name for name in value] if isinstance(value, list) else desk / value
        for key, value in how.items()
    }
    with pytest.raises(InputError, match=words):
        gate(GateRequest(**{"audit": desk / "scan.json", "policy": USUAL, **here}))
