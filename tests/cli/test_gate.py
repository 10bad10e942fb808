"""`bdaudit gate`: an audit judged again, from flags and from a policy."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from auditor.records.canonical import canonical
from auditor.report.formats import render
from tests import audited
from tests.conftest import assert_refusal, bdaudit


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audits that pass and fail, a key, and what it signed."""
    folder = tmp_path_factory.mktemp("gate")
    for name, audit in (
        ("fail.json", audited.certificate()),
        ("repaired.json", audited.repaired()),
        ("several.json", audited.several()),
    ):
        (folder / name).write_bytes(canonical(audit))
    (folder / "repaired.pdf").write_bytes(render(audited.repaired(), "pdf"))
    for name in ("release", "other"):
        assert bdaudit("keygen", "--output", name, cwd=folder).code == 0
    signed = bdaudit(
        "sign", "repaired.json", "--key", "release", "--output", "attestation", cwd=folder
    )
    assert signed.code == 0, signed.err
    return folder


def test_limits_decide_the_exit_code(desk: Path) -> None:
    assert bdaudit("gate", "repaired.json", cwd=desk).code == 0
    assert bdaudit("gate", "repaired.pdf", cwd=desk).code == 0
    ran = bdaudit("gate", "fail.json", cwd=desk)
    assert ran.code == 1
    assert "FAIL  fail.json" in ran.out
    line = next(line for line in ran.out.splitlines() if "Attack success rate" in line)
    assert line.split() == "square4 Attack success rate ≤ 10.0 % 95.0 % 97.3 % not held".split()
    assert bdaudit("gate", "fail.json", "--exit-zero", "-q", cwd=desk).code == 0
    assert bdaudit("gate", "fail.json", "--max-asr", "1", "--max-tar", "9", cwd=desk).code == 0
    several = bdaudit("gate", "several.json", "-f", "json", cwd=desk)
    assert several.code == 1
    found = json.loads(several.out)
    assert [(a["trigger"], a["status"]) for a in found["audits"]] == [
        ("square4", "fail"), ("grid3", "pass"),
    ]  # fmt: skip


def test_a_policy_is_a_table_of_its_own(desk: Path, tmp_path: Path) -> None:
    for name in ("repaired.json", "attestation", "release.pub", "other.pub"):
        (tmp_path / name).write_bytes((desk / name).read_bytes())
    policy = tmp_path / "bdaudit.toml"
    signed = 'signed-by = ["release.pub"]\nattestation = "attestation"\n'
    policy.write_text(f"max-asr = 0.5\n[policy]\nmax-asr = 0.03\nrequire-repaired = true\n{signed}")
    gate = ["gate", "repaired.json", "--config", "bdaudit.toml"]
    ran = bdaudit(*gate, "-f", "json", cwd=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    found = json.loads(ran.out)
    assert found["policy"]["max_asr"] == 0.03
    checks = {c["metric"]: c for c in found["audits"][0]["checks"]}
    assert checks["signed"]["ok"] and checks["repaired"]["ok"]

    policy.write_text(policy.read_text().replace("release.pub", "other.pub"))
    ran = bdaudit(*gate, cwd=tmp_path)
    assert ran.code == 1
    assert "Signed by a trusted key:" in ran.out

    policy.write_text("[policy]\nmax-asrr = 0.1\n")
    assert_refusal(
        bdaudit("gate", "repaired.json", cwd=tmp_path), 2, "[policy]", "max-asrr", "max-asr"
    )
    policy.write_text("policy = 3\n")
    assert_refusal(bdaudit("gate", "repaired.json", cwd=tmp_path), 2, "policy", "table")


def test_another_audit_than_the_signed_one_does_not_pass(desk: Path) -> None:
    ran = bdaudit(
        "gate", "fail.json", "--max-asr", "1", "--max-tar", "9", "--signed-by", "release.pub",
        "--attestation", "attestation", cwd=desk,
    )  # fmt: skip
    assert ran.code == 1
    assert "attestation is of another audit" in ran.out


def test_the_model_at_hand_must_be_the_one_that_is_judged(desk: Path) -> None:
    models = {name: os.urandom(100) for name in ("came.keras", "repaired.keras", "other.keras")}
    for name, content in models.items():
        (desk / name).write_bytes(content)
    came, repaired, _ = (hashlib.sha256(content).hexdigest() for content in models.values())
    (desk / "mine.json").write_bytes(canonical(audited.repaired(came, repaired)))
    ran = bdaudit("gate", "mine.json", "--model", "repaired.keras", cwd=desk)
    assert ran.code == 0, ran.out
    line = next(line for line in ran.out.splitlines() if "About the model at hand" in line)
    assert line.split()[-3:] == ["required", "yes", "held"]
    for name, reason in (
        ("other.keras", "other.keras: another model"),
        ("came.keras", "came.keras: the model as it came, before the repair"),
    ):
        ran = bdaudit("gate", "mine.json", "--model", "repaired.keras", "--model", name, cwd=desk)
        assert ran.code == 1
        assert reason in " ".join(ran.out.split())
    assert_refusal(bdaudit("gate", "mine.json", "--model", "no.keras", cwd=desk), 3, "no.keras")


def test_a_certificates_pages_must_be_those_that_were_signed(desk: Path) -> None:
    signed = ["--signed-by", "release.pub", "--attestation"]
    sign = ["sign", "repaired.json", "--key", "release", "--certificate", "repaired.pdf"]
    assert bdaudit(*sign, "--output", "along", cwd=desk).code == 0
    assert bdaudit("gate", "repaired.pdf", *signed, "along", cwd=desk).code == 0
    (desk / "painted.pdf").write_bytes((desk / "repaired.pdf").read_bytes() + b"\n")
    assert bdaudit("gate", "painted.pdf", *signed, "attestation", cwd=desk).code == 0
    ran = bdaudit("gate", "painted.pdf", *signed, "along", cwd=desk)
    assert ran.code == 1
    assert "none of those that were signed along" in ran.out


def test_refused(desk: Path) -> None:
    assert_refusal(bdaudit("gate", "none.json", cwd=desk), 3, "none.json")
    (desk / "broken.json").write_text('{"schema": "bdaudit.audit/v9"}')
    assert_refusal(bdaudit("gate", "broken.json", cwd=desk), 3, "broken.json", "bdaudit.audit/v9")
    assert_refusal(
        bdaudit("gate", "fail.json", "--signed-by", "release.pub", cwd=desk), 2, "--attestation"
    )
    assert_refusal(bdaudit("gate", "fail.json", "--max-asr", "2", cwd=desk), 2, "--max-asr")
    assert_refusal(
        bdaudit(
            "gate", "fail.json", "--signed-by", "fail.json", "--attestation", "attestation",
            cwd=desk,
        ),
        3, "fail.json",
    )  # fmt: skip
