"""An audit signed from Python: what is bound to it, and what is not signed."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import weasyprint

from auditor.errors import InputError, UsageError, VerificationError
from auditor.report.formats import render
from auditor.runs.sign import Signed, sign
from tests import audited
from tests.runs.conftest import Desk, sha256


def statements(signed: Signed) -> list[bytes]:
    """Return what was signed: the audit's statement, and its result's."""
    envelopes = [json.loads(line) for line in signed.attestation.splitlines()]
    return [base64.b64decode(envelope["payload"]) for envelope in envelopes]


def subjects(statement: bytes) -> dict[str, Any]:
    return {one["name"]: one["digest"]["sha256"] for one in json.loads(statement)["subject"]}


def test_what_is_signed_is_the_audit_and_the_files_it_is_about(desk: Desk) -> None:
    before = {path.name for path in desk.folder.iterdir()}
    signed = sign(desk / "repair.json", desk.signer())
    audit, result = statements(signed)
    came = {"models/poisoned.keras": sha256(desk / "came.keras")}
    repaired = {"out/repaired.keras": sha256(desk / "repaired.keras")}
    assert subjects(audit) == {**came, **repaired}
    assert subjects(result) == repaired, "the verdict is about the repaired one alone"
    assert json.loads(audit)["predicate"] == json.loads((desk / "repair.json").read_bytes())
    assert signed.statement == hashlib.sha256(audit).hexdigest()
    assert signed.audit.document == json.loads(audit)["predicate"]
    for name, digest in {**came, **repaired}.items():
        assert f"{name} ({digest})" in signed.about
    assert {path.name for path in desk.folder.iterdir()} == before, "the caller writes it"


def test_a_model_at_hand_must_be_one_of_them(desk: Desk) -> None:
    models = [desk / "came.keras", desk / "repaired.keras"]
    assert sign(desk / "repair.json", desk.signer(), models).attestation
    with pytest.raises(VerificationError, match=r"repaired\.keras: another model: its sha256 is"):
        sign(desk / "scan.json", desk.signer(), models)
    with pytest.raises(InputError, match=r"none\.keras: no such model file"):
        sign(desk / "scan.json", desk.signer(), [desk / "none.keras"])


def test_a_certificate_is_signed_along_to_the_byte(desk: Desk) -> None:
    page = desk / "scan.html"
    _, result = statements(sign(desk / "scan.json", desk.signer(), certificates=[page]))
    listed = json.loads(result)["predicate"]["https://bdaudit.dev/certificates/v1"]
    assert listed == [{"name": "scan.html", "digest": {"sha256": sha256(page)}}]


def test_a_certificate_of_another_audit_is_not(desk: Desk) -> None:
    with pytest.raises(VerificationError, match=r"repair\.html: shows another audit than this"):
        sign(desk / "scan.json", desk.signer(), certificates=[desk / "repair.html"])


def test_two_certificates_of_one_name_are_not(desk: Desk) -> None:
    (desk / "below").mkdir()
    other = (desk / "scan.html").rename(desk / "below" / "scan.html")
    (desk / "scan.html").write_bytes(other.read_bytes())
    with pytest.raises(UsageError, match=r"below/scan\.html: two certificates have this name"):
        sign(desk / "scan.json", desk.signer(), certificates=[desk / "scan.html", other])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"{}", "audit"),
        (b"\xff", "decode"),
        (b"%PDF-1.7", "not as bdaudit writes it"),
    ],
)
def test_what_holds_no_audit_is_refused(content: bytes | None, words: str, tmp_path: Path) -> None:
    from auditor.signing import keys

    path = tmp_path / "audit.json"
    if content is not None:
        path.write_bytes(content)
    (tmp_path / "key").write_bytes(keys.private_pem(keys.KINDS["ed25519"](), None))
    with pytest.raises(InputError, match=rf"audit\.json: .*{words}"):
        sign(path, keys.signer(tmp_path / "key", None))


def test_two_certificates_of_one_name_are_refused(desk: Desk, tmp_path: Path) -> None:
    """A PDF that is signed as the audit, and a page beside it that would take its place."""
    audit, other = tmp_path / "a" / "c.pdf", tmp_path / "b" / "c.pdf"
    for path in (audit, other):
        path.parent.mkdir()
    audit.write_bytes(render(audited.certificate(), "pdf"))
    other.write_bytes(render(audited.certificate(), "html"))
    with pytest.raises(UsageError, match=r"c\.pdf: a certificate has this name too"):
        sign(audit, desk.signer(), certificates=[other])
    assert sign(audit, desk.signer(), certificates=[audit]).attestation


def test_a_page_that_shows_other_figures_is_not_signed(desk: Desk) -> None:
    """It names the statement, as the audit's own page does, and says whatever it likes."""
    page = desk / "scan.html"
    content = page.read_bytes()
    page.write_bytes(content.replace(b">Fail<", b">Pass<").replace(b"95.0", b"0.5"))
    assert page.read_bytes() != content
    with pytest.raises(VerificationError, match=r"scan\.html: its pages are not what .* renders"):
        sign(desk / "scan.json", desk.signer(), certificates=[page])


@pytest.mark.parametrize("as_audit", [True, False])
def test_a_pdf_that_shows_other_pages_is_not_signed(as_audit: bool, desk: Desk) -> None:
    """The audit is attached to it as it should be; a person reads something else."""
    attachment = weasyprint.Attachment(
        file_obj=io.BytesIO((desk / "scan.json").read_bytes()), name="audit.json"
    )
    (desk / "painted.pdf").write_bytes(
        weasyprint.HTML(string="<html lang=en><title>Pass</title><h1>Pass").write_pdf(
            attachments=[attachment], pdf_variant="pdf/a-3a"
        )
    )
    audit = desk / ("painted.pdf" if as_audit else "scan.json")
    certificates = [] if as_audit else [desk / "painted.pdf"]
    with pytest.raises(VerificationError, match=r"painted\.pdf: its pages are not what"):
        sign(audit, desk.signer(), certificates=certificates)
