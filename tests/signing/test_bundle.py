"""Signatures: made and checked by others' rules, and nothing changed gets past them."""

import base64
import contextlib
import dataclasses
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.signer import SSlibKey

from auditor.errors import InputError, VerificationError
from auditor.files.strict_json import strict
from auditor.records.attached import attached
from auditor.records.canonical import canonical, dumped, to_document
from auditor.records.statement import audit_payload, result_payload, statement_digest
from auditor.report.formats import render
from auditor.signing import bundle, keys
from auditor.signing.envelope import opened, sealed
from tests import audited
from tests.audited import flipped, written

PAYLOAD_TYPE = b"application/vnd.in-toto+json"
DEEP = json.loads("[" * 99 + "]" * 99)
CERTIFICATES = "https://bdaudit.dev/certificates/v1"


@dataclasses.dataclass(frozen=True)
class Pair:
    """A key's two files, and what is read from them."""

    private: Path
    public: Path

    @property
    def signer(self) -> Any:
        return keys.signer(self.private, None)

    @property
    def pinned(self) -> keys.Pinned:
        return keys.pinned(self.public)


def pair(folder: Path, kind: str, name: str = "key") -> Pair:
    key = keys.KINDS[kind]()
    private = written(folder, f"{kind}-{name}", keys.private_pem(key, None))
    public = written(folder, f"{kind}-{name}.pub", keys.public_pem(key.public_key()))
    return Pair(private, public)


@pytest.fixture(scope="module", params=["ed25519", "ecdsa"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), request.param)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "ed25519", "other")


def signed(made: Any, by: Pair, certificates: dict[str, str] | None = None) -> bytes:
    return bundle.sign(made, to_document(made), by.signer, certificates or {})


def pae(payload: bytes, kind: bytes = PAYLOAD_TYPE) -> bytes:
    """DSSE's encoding, by hand."""
    lengths = str(len(kind)).encode(), str(len(payload)).encode()
    return b" ".join([b"DSSEv1", lengths[0], kind, lengths[1], payload])


def envelope(payload: bytes, by: Pair, kind: bytes = PAYLOAD_TYPE) -> bytes:
    """An envelope by hand, whatever it holds."""
    sig = by.signer.sign(pae(payload, kind)).signature
    made = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind.decode(),
        "signatures": [
            {
                "keyid": by.pinned.key.keyid,
                "sig": base64.b64encode(bytes.fromhex(sig)).decode(),
            }
        ],
    }
    return compact(made)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("made", [audited.certificate(), audited.repaired(), audited.several()])
def test_others_can_check_it(made: Any, key: Pair) -> None:
    """By the specifications alone: JSON, base64, PAE and `cryptography`."""
    lines = signed(made, key).split(b"\n")
    assert lines.pop() == b""
    public = load_pem_public_key(key.public.read_bytes())
    statements = []
    for line in lines:
        held = json.loads(line)
        assert held["payloadType"].encode() == PAYLOAD_TYPE
        payload, (sig,) = base64.b64decode(held["payload"]), held["signatures"]
        algorithm = [ECDSA(SHA256())] if isinstance(public, ec.EllipticCurvePublicKey) else []
        public.verify(base64.b64decode(sig["sig"]), pae(payload), *algorithm)
        statements.append(json.loads(payload))
    audit, outcome = statements
    assert {one["_type"] for one in statements} == {"https://in-toto.io/Statement/v1"}
    assert audit["predicateType"] == "https://bdaudit.dev/audit/v1"
    assert dumped(audit["predicate"]) == canonical(made)
    assert outcome["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    digest = hashlib.sha256(canonical(made)).hexdigest()
    assert {"name": "audit.json", "digest": {"sha256": digest}} in outcome["predicate"][
        "configuration"
    ]


def test_a_repairs_result_is_not_about_the_model_as_it_came() -> None:
    made = audited.repaired()
    document = to_document(made)
    audit = json.loads(audit_payload(made, document))
    outcome = json.loads(result_payload(made, document, {}))
    assert [one["digest"]["sha256"] for one in audit["subject"]] == ["ab" * 32, "ef" * 32]
    assert [one["name"] for one in outcome["subject"]] == ["out/repaired.keras"]
    assert outcome["predicate"]["result"] == "PASSED"
    assert len(outcome["predicate"]["passedTests"]) == len(made.verdict.checks)


def test_what_could_not_be_judged_has_not_passed() -> None:
    made = audited.certificate(0.0, 0.1)
    checks = tuple(
        dataclasses.replace(check, ok=None, decisive=check.metric == "asr")
        if check.metric in ("asr", "tar")
        else check
        for check in made.verdict.checks
    )
    verdict = dataclasses.replace(made.verdict, status="inconclusive", checks=checks)
    made = dataclasses.replace(made, verdict=verdict)
    predicate = json.loads(result_payload(made, to_document(made), {}))["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["failedTests"] == ["square4: asr, limit 0.1"]
    assert predicate["warnedTests"] == ["square4: tar, limit 1.5"]


@pytest.mark.parametrize("made", [audited.certificate(), audited.repaired(), audited.several()])
def test_it_is_read_back(made: Any, key: Pair, other: Pair) -> None:
    found = bundle.verify(signed(made, key, {"c.html": "12" * 32}), [other.pinned, key.pinned])
    assert dumped(found.document) == canonical(made) == canonical(found.audited)
    assert found.key.path == key.public
    assert found.certificates == {"c.html": "12" * 32}
    assert found.statement == statement_digest(made)


def test_the_page_shows_what_is_signed() -> None:
    for made in (audited.certificate(), audited.repaired(), audited.several()):
        digest = statement_digest(made)
        assert digest == statement_digest(made)
        assert f"<code>{digest}</code>" in render(made, "html").decode()


def test_no_changed_bit_gets_past(key: Pair) -> None:
    whole = signed(audited.certificate(), key)
    pinned = [key.pinned]
    first, second = whole.splitlines(keepends=True)
    tails = [first[:-400] + tail + second for tail in flipped(first[-400:], 100)]
    for changed in (*flipped(whole, 200), *tails, whole[:-1], whole + b"\n", first, second):
        with pytest.raises(VerificationError):
            bundle.verify(changed, pinned)


def test_only_a_pinned_key_counts(key: Pair, other: Pair) -> None:
    """Also where the envelope says that it is by the pinned one."""
    whole = signed(audited.certificate(), other)
    mine = key.pinned.key.keyid.encode()
    for changed in (whole, whole.replace(other.pinned.key.keyid.encode(), mine)):
        with pytest.raises(VerificationError, match=r"no signature of a pinned key"):
            bundle.verify(changed, [key.pinned])


def test_one_signature_of_a_pinned_key_is_enough(key: Pair, other: Pair) -> None:
    lines = []
    for mine, theirs in zip(
        signed(audited.certificate(), key).splitlines(),
        signed(audited.certificate(), other).splitlines(),
        strict=True,
    ):
        held = json.loads(theirs)
        held["signatures"] += json.loads(mine)["signatures"]
        lines.append(compact(held))
    assert bundle.verify(b"".join(lines), [key.pinned]).key.path == key.public
    mixed = parts(key)[0] + parts(other)[1]
    with pytest.raises(VerificationError, match="by different keys"):
        bundle.verify(mixed, [key.pinned, other.pinned])


def swapped(bundle_: bytes) -> bytes:
    first, second = map(json.loads, bundle_.splitlines())
    first["signatures"], second["signatures"] = second["signatures"], first["signatures"]
    return compact(first) + compact(second)


def parts(key: Pair) -> tuple[bytes, bytes]:
    one, two = signed(audited.certificate(), key).splitlines(keepends=True)
    return one, two


def edited(key: Pair, change: Callable[[dict[str, Any]], Any], line: int = 0) -> bytes:
    """Return a bundle in which a payload was changed, and signed again by the pinned key."""
    made = audited.certificate()
    payloads = [
        audit_payload(made, to_document(made)),
        result_payload(made, to_document(made), {}),
    ]
    values = json.loads(payloads[line])
    change(values)
    payloads[line] = json.dumps(values).encode()
    return b"".join(envelope(payload, key) for payload in payloads)


def raw(key: Pair, payload: bytes) -> bytes:
    return envelope(payload, key) + parts(key)[1]


def with_envelope(key: Pair, **changes: Any) -> bytes:
    first, second = parts(key)
    return compact({**json.loads(first), **changes}) + second


HOSTILE: dict[str, tuple[Callable[[Pair], bytes], str]] = {
    "empty": (lambda key: b"", "two envelopes"),
    "half": (lambda key: parts(key)[0], "two envelopes"),
    "the same twice": (lambda key: parts(key)[0] * 2, "is of type"),
    "the other way round": (lambda key: b"".join(parts(key)[::-1]), "is of type"),
    "three": (lambda key: signed(audited.certificate(), key) + parts(key)[1], "two envelopes"),
    "signatures swapped": (lambda key: swapped(signed(audited.certificate(), key)), "pinned"),
    "unsigned": (lambda key: with_envelope(key, signatures=[]), "not signed"),
    "no envelope": (lambda key: b"[]\n" + parts(key)[1], "expected an object"),
    "a statement alone": (
        lambda key: compact({"_type": "x", "subject": []}) + parts(key)[1],
        "unknown key",
    ),
    "signature no text": (lambda key: with_envelope(key, signatures=[7]), "expected an object"),
    "payload no text": (lambda key: with_envelope(key, payload=None), "expected text"),
    "a key more": (lambda key: with_envelope(key, payload2=""), "unknown key"),
    "junk in base64": (
        lambda key: with_envelope(key, payload="ewogI\nCJf"),
        "no DSSE envelope",
    ),
    "base64 with other last bits": (lambda key: with_envelope(key, payload="QR=="), "spelled"),
    "base64 for addresses": (lambda key: with_envelope(key, payload="-_8="), "no DSSE envelope"),
    "another payload type": (
        lambda key: envelope(b"{}", key, b"text/plain") + parts(key)[1],
        "type 'text/plain'",
    ),
    "a space": (lambda key: parts(key)[0].replace(b":", b": ", 1) + parts(key)[1], "spelled"),
    "a key twice": (
        lambda key: parts(key)[0].replace(b"{", b'{"payload":"",', 1) + parts(key)[1],
        "stands twice",
    ),
    "nested": (lambda key: b"[" * 100_000 + b"\n" + parts(key)[1], "nested too deeply"),
    "no UTF-8": (lambda key: b'{"a":"\xff"}\n' + parts(key)[1], "no DSSE envelope"),
    "payload: no JSON": (lambda key: raw(key, b"no"), "no in-toto statement"),
    "payload: two": (lambda key: raw(key, b"{} {}"), "no in-toto statement"),
    "payload: NaN": (lambda key: raw(key, b'{"_type": NaN}'), "no finite number"),
    "payload: too large a number": (lambda key: raw(key, b'{"a": 1e999}'), "no finite number"),
    "payload: nested": (lambda key: raw(key, b"[" * 100_000), "nested too deeply"),
    "payload: nested less": (
        lambda key: edited(key, lambda v: v["predicate"].update(tool=DEEP)),
        "nested too deeply",
    ),
    "payload: a key twice": (lambda key: raw(key, b'{"_type": 1, "_type": 2}'), "twice"),
    "another statement type": (lambda key: edited(key, lambda v: v.update(_type="x")), "none of"),
    "another predicate type": (
        lambda key: edited(key, lambda v: v.update(predicateType="https://slsa.dev/provenance/v1")),
        "slsa.dev",
    ),
    "no subject": (lambda key: edited(key, lambda v: v.update(subject=[])), "subjects are not"),
    "another subject": (
        lambda key: edited(key, lambda v: v["subject"][0]["digest"].update(sha256="00" * 32)),
        "subjects are not",
    ),
    "a subject more": (
        lambda key: edited(key, lambda v: v["subject"].append(v["subject"][0])),
        "subjects are not",
    ),
    "another digest beside": (
        lambda key: edited(key, lambda v: v["subject"][0]["digest"].update(sha512="00")),
        "subjects are not",
    ),
    "another schema": (
        lambda key: edited(key, lambda v: v["predicate"].update(schema="x")),
        "not an audit of this version",
    ),
    "text for a number": (
        lambda key: edited(key, lambda v: v["predicate"]["data"].update(images="300")),
        "$.data.images",
    ),
    "the result of another audit": (
        lambda key: edited(key, lambda v: v["predicate"]["environment"].update(seed=1)),
        "of another audit",
    ),
    "a result that lists other tests": (
        lambda key: edited(
            key,
            lambda v: v["predicate"].update(
                passedTests=v["predicate"]["failedTests"], failedTests=[]
            ),
            1,
        ),
        "lists other tests",
    ),
    "an audit that contradicts itself": (
        lambda key: edited(key, lambda v: v["predicate"]["verdict"].update(status="pass")),
        "the signed audit: $.verdict.status: is pass, but the checks come to fail",
    ),
    "two signatures of one key": (
        lambda key: with_envelope(
            key, signatures=json.loads(parts(key)[0])["signatures"] * 2
        ),
        "two signatures are said to be of one key",
    ),
    "another result": (
        lambda key: edited(key, lambda v: v["predicate"].update(result="PASSED"), 1),
        "contradicts",
    ),
    "a result about another file": (
        lambda key: edited(key, lambda v: v["subject"][0]["digest"].update(sha256="00" * 32), 1),
        "of another audit",
    ),
    "a result that lists nothing": (
        lambda key: edited(key, lambda v: v["predicate"].pop(CERTIFICATES), 1),
        "$.certificates",
    ),
    "a result with more in it": (
        lambda key: edited(key, lambda v: v["predicate"].update(more=1), 1),
        "unknown key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_hostile_is_refused_with_its_reason(kind: str, other: Pair) -> None:
    make, reason = HOSTILE[kind]
    with pytest.raises(VerificationError) as refused:
        bundle.verify(make(other), [other.pinned])
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_is_parsed_before_its_signature(key: Pair, other: Pair) -> None:
    line = envelope(b"\x00 no JSON at all", key)
    assert opened(line, [key.pinned])[0] == b"\x00 no JSON at all"
    with pytest.raises(VerificationError, match="pinned"):
        bundle.verify(raw(key, b"["), [other.pinned])
    assert sealed(b"x", other.signer) == envelope(b"x", other)


def test_too_large_a_bundle(monkeypatch: pytest.MonkeyPatch, other: Pair) -> None:
    whole = signed(audited.certificate(), other)
    monkeypatch.setattr(bundle, "MOST_BYTES", len(whole) - 1)
    with pytest.raises(VerificationError, match="at most"):
        bundle.verify(whole, [other.pinned])


@pytest.mark.parametrize("text", ["[1, 2.5, -1e3, null, true]", '{"a": {"b": "\\u00e9"}}'])
def test_plain_json_is_read(text: str) -> None:
    assert strict(text.encode()) == json.loads(text)


def test_no_changed_bit_of_a_public_key_gets_past(key: Pair, tmp_path: Path) -> None:
    whole = signed(audited.certificate(), key)
    for changed in flipped(key.public.read_bytes(), 200):
        path = written(tmp_path, "changed.pub", changed)
        with pytest.raises((InputError, VerificationError)):
            bundle.verify(whole, [keys.pinned(path)])


OTHER_KINDS = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "DSA": lambda: dsa.generate_private_key(2048),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate,
    "X25519": x25519.X25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_keys_of_other_kinds_are_refused(kind: str, tmp_path: Path) -> None:
    made = OTHER_KINDS[kind]()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(InputError, match=r"another kind; Ed25519 and ECDSA P-256 keys are allowed"):
        keys.signer(written(tmp_path, "private", private), None)
    with pytest.raises(InputError, match=r"another kind; Ed25519 and ECDSA P-256 keys are allowed"):
        keys.pinned(written(tmp_path, "public", public))


def test_two_public_keys_in_one_file_are_refused(key: Pair, other: Pair, tmp_path: Path) -> None:
    both = key.public.read_bytes() + other.public.read_bytes()
    with pytest.raises(InputError, match="more or less than one"):
        keys.pinned(written(tmp_path, "both.pub", both))


def test_the_audit_is_found_in_the_pdf() -> None:
    made = audited.repaired()
    pdf = render(made, "pdf")
    assert attached(pdf) == canonical(made)


def test_signatures_are_counted_before_they_are_read(other: Pair, tmp_path: Path) -> None:
    """Each costs something, and a bundle may be large."""
    held, second = parts(other)
    first = json.loads(held)
    real = first["signatures"]
    for number, reason in ((63, ""), (64, "has 65 signatures; at most 64 are allowed")):
        more = [{"keyid": f"{n:064x}", "sig": "AA=="} for n in range(number)]
        whole = compact({**first, "signatures": more + real}) + second
        if not reason:
            assert bundle.verify(whole, [other.pinned]).key.path == other.public
            continue
        with pytest.raises(VerificationError, match=reason):
            bundle.verify(whole, [other.pinned])
    deep = b'{"signatures":' + b"[" * 10 + b'{"sig":' * 65 + b"\n"
    with pytest.raises(VerificationError, match="at most 64"):
        bundle.verify(deep + second, [other.pinned])


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 4_000_000,
        b"\r" * 4_000_000 + b"\n\n",
        b'{"payload":"","payloadType":"","signatures":[' + b"[]," * 1_000_000 + b"[]]}\n{}\n",
    ],
    ids=["lines", "returns", "lists"],
)
def test_nothing_is_made_of_what_cannot_be_one(content: bytes, other: Pair) -> None:
    """Before a signature has been looked at, a file costs a few times its own size."""
    keys = [other.pinned]
    tracemalloc.start()
    try:
        with pytest.raises(VerificationError) as refused:
            bundle.verify(content, keys)
        assert tracemalloc.get_traced_memory()[1] < 5 * len(content)
    finally:
        tracemalloc.stop()
    assert "\n" not in str(refused.value)


def test_only_signatures_said_to_be_of_a_pinned_key_are_tried(
    other: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    whole = SSlibKey.verify_signature

    def counted(self: SSlibKey, *arguments: Any) -> None:
        tried.append(self.keyid)
        whole(self, *arguments)

    monkeypatch.setattr(SSlibKey, "verify_signature", counted)
    first, second = parts(other)
    held = json.loads(first)
    more = [{"keyid": f"{n:064x}", "sig": "AA=="} for n in range(60)]
    held["signatures"] = more + held["signatures"]
    assert bundle.verify(compact(held) + second, [other.pinned])
    assert tried == [other.pinned.key.keyid] * 2


N_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def respelled(line: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return an envelope whose signature is other bytes."""
    held = json.loads(line)
    sig = base64.b64decode(held["signatures"][0]["sig"])
    held["signatures"][0]["sig"] = base64.b64encode(change(sig)).decode()
    return compact(held)


def test_of_two_ecdsa_signatures_that_hold_the_lower_is_written(tmp_path: Path) -> None:
    key = pair(tmp_path, "ecdsa")
    for _ in range(8):  # an even chance each that the library makes the higher
        for line in parts(key):
            sig = base64.b64decode(json.loads(line)["signatures"][0]["sig"])
            assert decode_dss_signature(sig)[1] <= N_P256 // 2


def test_both_are_read_and_say_the_same(tmp_path: Path) -> None:
    """Version 0.1 wrote either."""
    key = pair(tmp_path, "ecdsa")

    def other(sig: bytes) -> bytes:
        r, s = decode_dss_signature(sig)
        return encode_dss_signature(r, N_P256 - s)

    lines = parts(key)
    low = bundle.verify(b"".join(lines), [key.pinned])
    high = bundle.verify(b"".join(respelled(line, other) for line in lines), [key.pinned])
    assert (low.statement, low.document) == (high.statement, high.document)


L_25519 = 2**252 + 27742317777372353535851937790883648493


def test_a_signature_is_spelled_in_one_way(key: Pair) -> None:
    """Ed25519's s below the group's order (RFC 8032, 5.1.7); ECDSA's in DER, nothing behind it."""

    def greater(sig: bytes) -> bytes:
        if key.pinned.key.keytype == "ecdsa":
            return sig + b"\0"
        s = int.from_bytes(sig[32:], "little") + L_25519
        return sig[:32] + s.to_bytes(32, "little")

    one, two = parts(key)
    with pytest.raises(VerificationError, match="no signature of a pinned key"):
        bundle.verify(respelled(one, greater) + two, [key.pinned])


P_25519 = 2**255 - 19
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
"""y of a point of order 8: y⁴ d + 2 y² − 1 = 0, since doubling it gives y = 0."""
WEAK = {
    "the neutral point": 1,
    "order 2": P_25519 - 1,
    "order 4": 0,
    "order 8": ORDER_8,
    "order 8, the other": P_25519 - ORDER_8,
    "0, spelled as p": P_25519,
    "1, spelled as p + 1": P_25519 + 1,
    "any y, spelled as p + y": P_25519 + 3,
    "y of no point": 2,
}


def ed25519_pem(encoded: bytes) -> bytes:
    prefix = bytes.fromhex("302a300506032b6570032100")
    body = base64.b64encode(prefix + encoded).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n".encode()


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("kind", WEAK)
def test_keys_that_anybody_can_sign_with_are_refused(kind: str, sign: int, tmp_path: Path) -> None:
    d = -121665 * pow(121666, -1, P_25519) % P_25519
    assert (d * ORDER_8**4 + 2 * ORDER_8**2 - 1) % P_25519 == 0
    encoded = (WEAK[kind] | sign << 255).to_bytes(32, "little")
    with pytest.raises(InputError, match="Ed25519 key of small order, or spelled in two ways"):
        keys.pinned(written(tmp_path, "weak.pub", ed25519_pem(encoded)))


def test_a_key_of_small_order_would_hold_for_any_message() -> None:
    """What the refusal is for: OpenSSL takes this signature of (nearly) every fourth message."""
    public = Ed25519PublicKey.from_public_bytes((0).to_bytes(32, "little"))
    forged = (1).to_bytes(32, "little") + (0).to_bytes(32, "little")
    held = 0
    for number in range(64):
        with contextlib.suppress(InvalidSignature):
            public.verify(forged, b"%d" % number)
            held += 1
    assert held > 0


def test_two_private_keys_in_one_file_are_refused(key: Pair, other: Pair, tmp_path: Path) -> None:
    both = key.private.read_bytes() + other.private.read_bytes()
    with pytest.raises(InputError, match="more than one private key"):
        keys.signer(written(tmp_path, "both", both), None)
