"""`bdaudit keygen`, `sign` and `verify`, from an audit to a line that says what holds."""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from auditor.cli.main import cli
from auditor.errors import AuditorError
from auditor.records.canonical import canonical
from auditor.report.formats import render
from tests import audited
from tests.audited import flipped, written
from tests.cli.conftest import Refuse, assert_refused
from tests.conftest import bdaudit

__all__ = ["assert_refused"]

MODEL = os.urandom(5000)
REPAIRED = os.urandom(4000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def run(*arguments: object) -> tuple[int, str, str]:
    """Run a command in this process: its exit code, what it says, and what it complains of."""
    ran = CliRunner().invoke(cli, [*map(str, arguments)], standalone_mode=False)
    if isinstance(ran.exception, AuditorError):
        return ran.exception.exit_code, ran.output, str(ran.exception)
    if ran.exception is not None:
        raise ran.exception
    return int(ran.return_value or 0), ran.output, ""


@dataclass(frozen=True)
class Desk:
    """A folder with models, audits of them, keys, certificates and attestations."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def verify(self, *arguments: object, key: str = "release") -> tuple[int, str, str]:
        return run("verify", *arguments, "--public-key", self / f"{key}.pub")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    written(desk.folder, "poisoned.keras", MODEL)
    written(desk.folder, "repaired.keras", REPAIRED)
    made = {
        "scan": audited.certificate(sha256=sha256(MODEL)),
        "repair": audited.repaired(sha256(MODEL), sha256(REPAIRED)),
        "several": audited.several(sha256(MODEL)),
    }
    for name, audit in made.items():
        written(desk.folder, f"{name}.json", canonical(audit))
    written(desk.folder, "scan.html", render(made["scan"], "html"))
    written(desk.folder, "scan.pdf", render(made["scan"], "pdf"))
    for name, kind in (("release", "ed25519"), ("other", "ecdsa")):
        assert run("keygen", "--output", desk / name, "--type", kind)[0] == 0
    for name in made:
        words = ["sign", desk / f"{name}.json", "--key", desk / "release"]
        code, _, problem = run(*words, "--output", desk / f"{name}.jsonl")
        assert code == 0, problem
    return desk


def test_keys_are_what_others_expect(desk: Desk) -> None:
    for name, kind in (("release", "ED25519"), ("other", "id-ecPublicKey")):
        private = load_pem_private_key((desk / name).read_bytes(), None)
        assert private.public_key() == load_pem_public_key((desk / f"{name}.pub").read_bytes())
        assert stat.S_IMODE((desk / name).stat().st_mode) == 0o600
        shown = subprocess.run(
            ["openssl", "pkey", "-pubin", "-in", desk / f"{name}.pub", "-text", "-noout"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert kind in shown or "P-256" in shown


def test_keys_are_not_overwritten(desk: Desk, tmp_path: Path, assert_refused: Refuse) -> None:
    before = (desk / "release").read_bytes()
    assert_refused(2, "exists; use --force", args=["keygen", "--output", desk / "release"])
    assert_refused(2, "cannot be written", args=["keygen", "--output", "no/such/folder"])
    assert_refused(2, "is a folder", args=["keygen", "--output", "."])
    assert (desk / "release").read_bytes() == before
    written(tmp_path, "mine.pub", b"")
    assert_refused(2, "mine.pub: exists", args=["keygen", "--output", "mine"])
    assert bdaudit("keygen", "--output", "mine", "--force", cwd=tmp_path).code == 0


def test_a_password_is_kept_to(desk: Desk, tmp_path: Path) -> None:
    right, wrong = written(tmp_path, "right", b"open\n"), written(tmp_path, "wrong", b"sesame\n")
    locked, out = tmp_path / "locked", tmp_path / "a.jsonl"
    assert run("keygen", "-o", locked, "--password-file", right)[0] == 0
    assert b"ENCRYPTED" in locked.read_bytes()
    sign = ["sign", desk / "scan.json", "-o", out, "--key"]
    for words, code, reason in (
        ([locked], 3, "is encrypted; give its password with --password-file"),
        ([locked, "--password-file", wrong], 3, "password is wrong"),
        ([desk / "release", "--password-file", right], 3, "is not encrypted"),
        ([locked, "--password-file", written(tmp_path, "none", b"\n")], 3, "expected a password"),
        ([locked, "--password-file", tmp_path / "missing"], 3, "No such file"),
        ([desk / "release.pub"], 3, "no private key"),
        ([locked, "--password-file", right], 0, ""),
    ):
        found, _, problem = run(*sign, *words)
        assert (found, out.exists()) == (code, code == 0)
        assert reason in problem


def test_a_key_that_others_can_read_is_told(desk: Desk, tmp_path: Path) -> None:
    key = written(tmp_path, "key", (desk / "release").read_bytes())
    for mode, told in ((0o644, True), (0o640, True), (0o600, False)):
        key.chmod(mode)
        ran = bdaudit("sign", desk / "scan.json", "--key", key, "-o", tmp_path / "a", "--force")
        assert ran.code == 0
        assert ("others can read this private key" in ran.err) is told


def test_one_line_says_what_holds(desk: Desk) -> None:
    code, said, _ = desk.verify(desk / "scan.jsonl", "--model", desk / "poisoned.keras")
    assert code == 0
    assert said.count("\n") == 1
    for words in (
        "Verified:", "poisoned.keras: FAIL under square4", "Attack success rate 95.0 %",
        "limit ≤ 10.0 %", audited.CREATED, "signed by", "release.pub (key id ",
    ):  # fmt: skip
        assert words in said


def test_the_same_for_machines(desk: Desk) -> None:
    model = desk / "poisoned.keras"
    code, said, _ = desk.verify(desk / "several.jsonl", "--model", model, "-f", "json")
    found = json.loads(said)
    assert code == 0
    assert found["schema"] == "bdaudit.verification/v1"
    assert found["models"] == [{"path": str(model), "sha256": sha256(MODEL), "judged": True}]
    assert found["verdict"]["status"] == "fail"
    assert [audit["trigger"] for audit in found["audits"]] == ["square4", "grid3"]
    _, line, _ = desk.verify(desk / "several.jsonl", "--model", model)
    assert "FAIL under square4, of 2 triggers" in line


def test_the_real_command(desk: Desk, assert_refused: Refuse) -> None:
    """Exit codes and one line, from a process of its own."""
    words = ["verify", desk / "scan.jsonl", "--public-key", desk / "release.pub", "--model"]
    ran = bdaudit(*words, desk / "poisoned.keras")
    assert (ran.code, ran.err) == (0, "")
    assert_refused(5, "another model", sha256(REPAIRED), args=[*words, desk / "repaired.keras"])
    assert_refused(3, "no such model file", args=[*words, "missing.keras"])
    assert_refused(2, "--model FILE", args=["verify", desk / "scan.jsonl"])


def test_a_repairs_verdict_is_not_lent_to_the_model_as_it_came(desk: Desk) -> None:
    came, repaired = ["--model", desk / "poisoned.keras"], ["--model", desk / "repaired.keras"]
    code, said, _ = desk.verify(desk / "repair.jsonl", *repaired, "--require", "pass")
    assert (code, "PASS" in said) == (0, True)
    code, said, _ = desk.verify(desk / "repair.jsonl", *came, *repaired)
    assert (code, "poisoned.keras is the model as it came" in said) == (0, True)
    code, _, problem = desk.verify(desk / "repair.jsonl", *came)
    assert (code, "the verdict is about out/repaired.keras" in problem) == (5, True)


def test_no_changed_bit_of_the_model_gets_past(desk: Desk, tmp_path: Path) -> None:
    for changed in (*flipped(MODEL, 20), MODEL[:-1], MODEL + b"\x00", b""):
        model = written(tmp_path, "poisoned.keras", changed)
        code, _, problem = desk.verify(desk / "scan.jsonl", "--model", model)
        assert (code, "another model" in problem) == (5, True)


def test_a_folder_is_hashed_as_an_audit_hashes_it(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    (folder / "variables").mkdir(parents=True)
    files = {"saved_model.pb": b"graph", "variables/variables.index": b"weights"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    lines = "".join(f"{sha256(content)}  {name}\n" for name, content in files.items())
    listing = f"bdaudit: a folder of files\n{lines}"
    audit = written(
        tmp_path, "audit.json", canonical(audited.certificate(sha256=sha256(listing.encode())))
    )
    words = ["--model", folder]
    out = tmp_path / "a.jsonl"
    assert run("sign", audit, "--key", desk / "release", *words, "-o", out)[0] == 0
    assert desk.verify(out, *words)[0] == 0
    (folder / "more").write_bytes(b"")
    assert desk.verify(out, *words)[0] == 5


def test_nothing_is_signed_beside_another_model(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    words = ["sign", desk / "scan.json", "--key", desk / "release", "--output", out]
    code, _, problem = run(*words, "--model", desk / "repaired.keras")
    assert (code, out.exists()) == (5, False)
    assert "another model" in problem


def test_keys(desk: Desk) -> None:
    words = [desk / "scan.jsonl", "--model", desk / "poisoned.keras"]
    code, _, problem = desk.verify(*words, key="other")
    assert (code, "no signature of a pinned key" in problem) == (5, True)
    assert desk.verify(*words, "--public-key", desk / "other.pub")[0] == 0
    code, _, problem = run("verify", *words, "--public-key", desk / "release")
    assert (code, "no public key" in problem) == (3, True)


@pytest.mark.parametrize(
    ("created", "days", "code"),
    [
        ("2026-01-02T03:04:05Z", 30, 5),
        ("2999-01-01T00:00:00Z", 30, 5),
        ("now", 0.5, 0),
    ],
)
def test_age(desk: Desk, tmp_path: Path, created: str, days: float, code: int) -> None:
    from auditor.records.provenance import now

    document = json.loads((desk / "scan.json").read_text())
    document["created"] = now() if created == "now" else created
    audit = written(tmp_path, "audit.json", json.dumps(document).encode())
    out = tmp_path / "a.jsonl"
    assert run("sign", audit, "--key", desk / "release", "-o", out)[0] == 0
    found, _, problem = desk.verify(out, "--model", desk / "poisoned.keras", "--max-age", days)
    assert found == code
    assert code == 0 or "the audit is of " in problem


def test_a_verdict_can_be_required(desk: Desk) -> None:
    words = ["--model", desk / "poisoned.keras", "--require", "pass"]
    code, _, problem = desk.verify(desk / "scan.jsonl", *words)
    assert (code, "the verdict is fail, required is pass" in problem) == (5, True)


def test_a_certificate_alone_proves_nothing(desk: Desk, tmp_path: Path) -> None:
    code, _, problem = run("verify", desk / "scan.pdf")
    assert code == 5
    assert "not signed" in problem and "--attestation FILE" in problem
    empty = written(tmp_path, "other.pdf", b"%PDF-1.7\n%%EOF\n")
    assert run("verify", empty)[0] == 5


def test_a_pdf_is_held_against_its_attestation(desk: Desk, tmp_path: Path) -> None:
    """The attached audit must be the signed one; its pages count once they were signed along."""
    beside = ["--attestation", desk / "scan.jsonl", "--model", desk / "poisoned.keras"]
    code, said, _ = desk.verify(desk / "scan.pdf", *beside)
    assert (code, "its pages are not signed" in said) == (0, True)
    wrong = ["--attestation", desk / "repair.jsonl", "--model", desk / "repaired.keras"]
    code, _, problem = desk.verify(desk / "scan.pdf", *wrong)
    assert (code, "not the one that was signed" in problem) == (5, True)
    for other in ("scan.html", "scan.jsonl"):
        code, _, problem = desk.verify(desk / other, *beside)
        assert (code, "not a certificate that was signed" in problem) == (5, True)
    code, _, problem = desk.verify(desk / "scan.pdf", *beside, "--certificate", desk / "scan.html")
    assert (code, "scan.html: not a certificate" in problem) == (5, True)

    whole = tmp_path / "whole.jsonl"
    assert run("sign", desk / "scan.pdf", "--key", desk / "release", "-o", whole)[0] == 0
    beside = ["--attestation", whole, "--model", desk / "poisoned.keras"]
    code, said, _ = desk.verify(desk / "scan.pdf", *beside)
    assert (code, "scan.pdf was signed along" in said) == (0, True)
    for changed in flipped((desk / "scan.pdf").read_bytes(), 10):
        assert desk.verify(written(tmp_path, "scan.pdf", changed), *beside)[0] == 5


def test_certificates_are_signed_along(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    page, paper = desk / "scan.html", desk / "scan.pdf"
    words = ["--key", desk / "release", "--certificate", page, "--certificate", paper]
    assert run("sign", desk / "scan.json", *words, "-o", out)[0] == 0
    model = ["--model", desk / "poisoned.keras"]
    assert desk.verify(out, *model, "--certificate", page, "--certificate", paper)[0] == 0
    changed = written(tmp_path, "scan.html", page.read_bytes().replace(b"95.0", b"05.0"))
    code, _, problem = desk.verify(out, *model, "--certificate", changed)
    assert (code, "not a certificate that was signed" in problem) == (5, True)
    code, _, problem = desk.verify(desk / "scan.jsonl", *model, "--certificate", page)
    assert code == 5
    code, _, problem = run("sign", desk / "repair.json", *words, "-o", tmp_path / "b.jsonl")
    assert (code, "shows another audit" in problem) == (5, True)


UNREADABLE: dict[str, tuple[Callable[[bytes], Any], str]] = {
    "empty": (lambda _: b"", "Expecting value"),
    "no JSON": (lambda _: b"\x00\xff", "can't decode"),
    "not an audit": (lambda _: b'{"schema": "x"}', "not an audit of this version"),
    "cut off": (lambda whole: whole[:-100], "line "),
    "a key twice": (lambda whole: whole.replace(b"{", b'{"tool": 1,', 1), "stands twice"),
    "a day that is none": (lambda w: w.replace(b"2026-01-02T", b"2026-99-02T"), "no such time"),
    "NaN": (lambda whole: whole.replace(b'"seed": 0', b'"seed": NaN'), "no finite number"),
    "nested": (lambda _: b"[" * 100_000, "nested too deeply"),
    "nested less": (
        lambda whole: whole.replace(b'"seed": 0', b'"seed": ' + b"[" * 900 + b"]" * 900),
        "nested too deeply",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_audit_that_cannot_be_read(kind: str, desk: Desk, tmp_path: Path) -> None:
    make, reason = UNREADABLE[kind]
    audit = written(tmp_path, "audit.json", make((desk / "scan.json").read_bytes()))
    out = tmp_path / "a.jsonl"
    code, _, problem = run("sign", audit, "--key", desk / "release", "--output", out)
    assert (code, out.exists()) == (3, False)
    assert reason in problem


def test_files_that_are_none(desk: Desk, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.truncate(written(tmp_path, "huge", b""), (256 << 20) + 1)
    words = ["--model", desk / "poisoned.keras"]
    code, _, problem = desk.verify(tmp_path / "huge", *words)
    assert (code, "more than 268435456 bytes" in problem) == (5, True)
    for name, reason in (("pipe", "special file"), ("", "is a folder"), ("no", "No such file")):
        code, _, problem = desk.verify(tmp_path / name, *words)
        assert (code, reason in problem) == (3, True)
        code, _, problem = run(
            "verify", desk / "scan.jsonl", *words, "--public-key", tmp_path / name
        )
        assert (code, reason in problem) == (3, True)


def test_names_cannot_act(desk: Desk, tmp_path: Path) -> None:
    """A model's path in an audit is data, in the terminal too."""
    evil = audited.certificate(sha256=sha256(MODEL), path="\x1b[2J\u202ex\n.keras", trigger="\x1b[")
    audit, out = written(tmp_path, "audit.json", canonical(evil)), tmp_path / "a.jsonl"
    said = [
        run("sign", audit, "--key", desk / "release", "-o", out)[1],
        desk.verify(out, "--model", desk / "poisoned.keras")[1],
    ]
    words = ["--model", desk / "repaired.keras", "--public-key", desk / "release.pub"]
    ran = bdaudit("verify", out, *words)
    assert ran.code == 5
    said.append(ran.err)
    for text in said:
        assert not set("\x1b\u202e") & set(text)
    assert said[1].count("\n") == said[2].count("\n") == 1
