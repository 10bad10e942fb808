"""What holds of an attestation, in a line for a person or as JSON."""

from pathlib import Path
from typing import Any

from auditor.records.audits import Audits, certificates_of
from auditor.records.statement import judged
from auditor.records.verification import SCHEMA, Verification
from auditor.report.certificate.joint import listed
from auditor.report.lines import lines
from auditor.text import printable

_SHORT = 16
"""Digits of a key's id for people: a name, not what was checked."""


def line(verified: Verification) -> str:
    """Return what holds, in one line."""
    about = {file.digest["sha256"] for file in judged(verified.audited)}
    models = [printable(str(p)) for p, sha256 in verified.models.items() if sha256 in about]
    before = [printable(str(p)) for p, sha256 in verified.models.items() if sha256 not in about]
    parts = [
        f"Verified: {', '.join(models)}: {_verdict(verified)}",
        *(f"{path} is the model as it came" for path in before),
        *(_paper(path, whole=whole) for path, whole in verified.papers.items()),
        f"audited {printable(certificates_of(verified.audited)[0].created)}",
        f"signed by {printable(str(verified.key))} (key id {verified.key_id[:_SHORT]}…)",
    ]
    return "; ".join(parts)


def document(verified: Verification) -> dict[str, Any]:
    """Return the same for machines."""
    found, about = certificates_of(verified.audited), judged(verified.audited)
    judged_digests = {file.digest["sha256"] for file in about}
    return {
        "schema": SCHEMA,
        "signed_by": {"key_id": verified.key_id, "path": str(verified.key)},
        "statement": {"sha256": verified.statement},
        "models": [
            {"path": str(path), "sha256": sha256, "judged": sha256 in judged_digests}
            for path, sha256 in verified.models.items()
        ],
        "certificates": [
            {"path": str(path), "signed": "whole" if whole else "attached audit.json"}
            for path, whole in verified.papers.items()
        ],
        "created": found[0].created,
        "verdict": verified.document["verdict"],
        "audits": [
            {"trigger": c.trigger.id, "status": c.verdict.status, "checks": checks}
            for c, checks in zip(found, _checks(verified), strict=True)
        ],
    }


def _verdict(verified: Verification) -> str:
    """Return the verdict and its limits; of one trigger also the figures."""
    audited, first = verified.audited, certificates_of(verified.audited)[0]
    limited = [one for one in lines(first) if one.limit]
    if not isinstance(audited, Audits):
        under = printable(first.trigger.id, 60)
        figures = [f"{one.name} {one.value}, limit {one.limit}" for one in limited]
    else:
        ids = audited.verdict.fail or audited.verdict.inconclusive
        under = f"{listed(ids)}, of " if ids else "each of "
        under += f"{len(audited.audits)} triggers"
        figures = [f"{one.name} {one.limit}" for one in limited]
    return f"{audited.verdict.status.upper()} under {under} ({'; '.join(figures)})"


def _checks(verified: Verification) -> list[list[dict[str, Any]]]:
    values = verified.document
    return [audit["verdict"]["checks"] for audit in values.get("audits", [values])]


def _paper(path: Path, *, whole: bool) -> str:
    shown = printable(str(path))
    if whole:
        return f"{shown} was signed along"
    return f"{shown} carries the signed audit.json, its pages are not signed"
