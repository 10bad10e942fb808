"""An attestation checked from Python: what holds, and what is said of what does not."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import AuditorError, InputError, UsageError, VerificationError
from auditor.runs.sign import sign
from auditor.runs.verify import VerifyRequest, verify
from tests.audited import flipped, written
from tests.runs.conftest import Desk, sha256


def request(desk: Desk, attestation: Path, model: str = "came.keras", **how) -> VerifyRequest:
    asked = {"models": [desk / model], "public_keys": [desk / "release.pub"], **how}
    return VerifyRequest(attestation=attestation, **asked)


def test_what_holds_is_said_in_full(desk: Desk) -> None:
    path = desk.signed("repair", desk / "repair.html")
    models = [desk / "came.keras", desk / "repaired.keras"]
    found = verify(
        request(
            desk,
            path,
            models=models,
            public_keys=[desk / "other.pub", desk / "release.pub"],
            certificates=[desk / "repair.html"],
            require="pass",
        )
    )
    assert found.models == {model: sha256(model) for model in models}
    assert found.papers == {desk / "repair.html": True}
    assert (found.key, found.key_id) == (desk / "release.pub", desk.signer().public_key.keyid)
    assert found.statement == sign(desk / "repair.json", desk.signer()).statement
    assert found.document == json.loads((desk / "repair.json").read_bytes())
    assert found.audited.verdict.status == "pass"


def test_a_certificate_may_be_what_is_checked(desk: Desk) -> None:
    path = desk.signed("scan", desk / "scan.html")
    found = verify(request(desk, desk / "scan.html", beside=path))
    assert found.papers == {desk / "scan.html": True}
    changed = desk / "changed.html"
    changed.write_bytes((desk / "scan.html").read_bytes() + b" ")
    with pytest.raises(VerificationError, match=r"changed\.html: not a certificate that was sign"):
        verify(request(desk, changed, beside=path))


def test_no_changed_bit_of_the_attestation_gets_past(desk: Desk) -> None:
    path = desk.signed("scan")
    verify(request(desk, path))
    whole = path.read_bytes()
    rest, signature = whole[:-100], whole[-100:]
    for content in (*flipped(whole, 20), *(rest + changed for changed in flipped(signature, 20))):
        path.write_bytes(content)
        with pytest.raises(VerificationError, match=r"scan\.jsonl: not verified: "):
            verify(request(desk, path))


Wrong = Callable[[Desk], dict]
WRONG: dict[str, tuple[str, Wrong, type[AuditorError], str]] = {
    "a key not given": (
        "scan",
        lambda desk: {"public_keys": [desk / "other.pub"]},
        VerificationError,
        "no signature of a pinned key",
    ),
    "another model": (
        "scan",
        lambda _: {"model": "repaired.keras"},
        VerificationError,
        "another m",
    ),
    "one of two models": (
        "scan",
        lambda desk: {"models": [desk / "came.keras", desk / "repaired.keras"]},
        VerificationError,
        r"repaired\.keras: another model",
    ),
    "the model as it came": (
        "repair",
        lambda _: {},
        VerificationError,
        "came.keras: the model as it came, before the repair; the verdict is about out/repaired",
    ),
    "another verdict": (
        "scan",
        lambda _: {"require": "pass"},
        VerificationError,
        "the verdict is fail, required is pass",
    ),
    "an old audit": (
        "scan",
        lambda _: {"max_age": 0.5},
        VerificationError,
        r"the audit is of 2026-01-02T03:04:05Z; at most 0\.5 days are allowed",
    ),
    "a certificate that was not signed": (
        "scan",
        lambda desk: {"certificates": [desk / "scan.html"]},
        VerificationError,
        r"scan\.html: not a certificate that was signed",
    ),
    "no model": ("scan", lambda _: {"models": []}, UsageError, "give the model"),
    "no key": ("scan", lambda _: {"public_keys": []}, UsageError, "the key you trust"),
    "a missing model": ("scan", lambda _: {"model": "none"}, InputError, "none: no such model"),
    "a missing key": (
        "scan",
        lambda desk: {"public_keys": [desk / "none.pub"]},
        InputError,
        r"none\.pub: public key file: No such file",
    ),
    "a private key": (
        "scan",
        lambda desk: {"public_keys": [desk / "release"]},
        InputError,
        "no public key in PEM form",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_hold_is_said(kind: str, desk: Desk) -> None:
    audit, how, error, words = WRONG[kind]
    path = desk.signed(audit)
    with pytest.raises(error, match=words) as refused:
        verify(request(desk, path, **how(desk)))
    assert "\n" not in str(refused.value)


def test_a_pdf_that_nobody_signed_proves_nothing(desk: Desk) -> None:
    """Whatever it holds: it is not even compared with a key."""
    (desk / "paper.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    with pytest.raises(
        VerificationError, match="^not verified: .*paper.pdf: the PDF is not as bdaudit writes it"
    ):
        verify(request(desk, desk / "paper.pdf"))


def test_an_attestation_that_is_missing_cannot_be_read(desk: Desk) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: No such file"):
        verify(request(desk, desk / "none.jsonl"))


FROZEN = Path(__file__).with_name("frozen")
"""What version 0.1 signed: audits of a SavedModel, and of an ONNX file with numbers beside it."""

SAVED = {
    "saved_model.pb": b"graph",
    "variables/variables.data-00000-of-00001": b"numbers",
    "variables/variables.index": b"index",
}


def saved(folder: Path, files: dict[str, bytes]) -> Path:
    """Return a folder with files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def frozen(name: str, model: Path) -> VerifyRequest:
    return VerifyRequest(
        attestation=FROZEN / f"{name}.jsonl",
        models=[model],
        public_keys=[FROZEN / "release.pub"],
        external_data=name == "apart",
    )


def test_attestations_of_version_0_1_hold(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", SAVED)
    (found,) = verify(frozen("saved", folder)).models.values()
    assert found == "959dddbd89731b4a1b07628744bf6d1c732d5fba18d4cdaa3cb474886295479f"
    assert verify(frozen("apart", FROZEN / "apart.onnx")).models


def missing_weights() -> dict[str, bytes]:
    """The same listing as version 0.1 made it, by one name of three lines' worth."""
    index = sha256_of(SAVED["variables/variables.index"])
    name = f"variables/variables.data-00000-of-00001\n{index}  variables/variables.index"
    return {"saved_model.pb": b"graph", name: b"numbers"}


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_attestations_of_version_0_1_hold_for_nothing_else(tmp_path: Path) -> None:
    listing = "".join(f"{sha256_of(content)}  {name}\n" for name, content in SAVED.items())
    text = written(tmp_path, "model.keras", listing.encode())
    with pytest.raises(InputError, match="is a list of a model's files, no model"):
        verify(frozen("saved", text))
    shutil.copytree(FROZEN, tmp_path / "apart")
    others = {
        "without its weights": ("saved", saved(tmp_path / "less", missing_weights())),
        "changed": ("saved", saved(tmp_path / "other", {**SAVED, "saved_model.pb": b"another"})),
        "renamed": ("apart", (tmp_path / "apart/apart.onnx").rename(tmp_path / "apart/b.onnx")),
    }
    for name, model in others.values():
        with pytest.raises(VerificationError, match="another model"):
            verify(frozen(name, model))


EMPTY = hashlib.sha256(b"").hexdigest()

COLLIDING = {
    "an empty file": (
        {"saved_model.pb": b"graph", f"variables/index\n{EMPTY}  zzz": b"numbers"},
        {"saved_model.pb": b"graph", "variables/index": b"numbers", "zzz": b""},
    ),
    "the other graph": (
        {f"saved_model.pb\n{EMPTY}  saved_model.pb0": b"other", "saved_model.pbtxt": b"graph"},
        {"saved_model.pb": b"other", "saved_model.pb0": b"", "saved_model.pbtxt": b"graph"},
    ),
    "two graphs": (
        {"saved_model.pb": b"other", "saved_model.pbtxt": b"graph"},
        {"saved_model.pb": b"other", "saved_model.pbtxt": b"graph"},
    ),
}
"""Files that version 0.1 audited, and others of the same listing and as many bytes."""


@pytest.mark.parametrize("kind", COLLIDING)
def test_an_audit_of_version_0_1_holds_for_no_folder_that_has_two_readings(
    kind: str, tmp_path: Path, desk: Desk
) -> None:
    audited, other = COLLIDING[kind]
    lines = (f"{sha256_of(audited[name])}  {name}\n" for name in sorted(audited))
    document = json.loads((desk / "scan.json").read_bytes())
    document["subject"] |= {
        "path": "model",
        "format": "savedmodel",
        "bytes": sum(map(len, audited.values())),
        "sha256": sha256_of("".join(lines).encode()),
    }
    (desk / "scan.json").write_text(json.dumps(document))
    folder = saved(tmp_path / "model", other)
    with pytest.raises(VerificationError, match="another model"):
        verify(request(desk, desk.signed("scan"), models=[folder]))


def test_which_of_two_files_is_the_model_is_held_against_an_audit_of_version_0_1(
    tmp_path: Path, desk: Desk
) -> None:
    """Its digest does not say: with the files' parts swapped the listing is the same."""
    listing = "".join(f"{sha256_of(b'graph')}  {name}\n" for name in ("m.onnx", "saved_model.pb"))
    document = json.loads((desk / "scan.json").read_bytes())
    document["subject"] |= {"path": "m.onnx", "format": "onnx", "bytes": 10}
    document["subject"]["sha256"] = sha256_of(listing.encode())
    (desk / "scan.json").write_text(json.dumps(document))
    folder = saved(tmp_path / "model", {"m.onnx": b"graph", "saved_model.pb": b"graph"})
    with pytest.raises(VerificationError, match="another model"):
        verify(request(desk, desk.signed("scan"), models=[folder]))
