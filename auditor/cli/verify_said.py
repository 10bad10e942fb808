"""What `bdaudit verify` says: who signed what about which model, in a line or as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.audits import Audits, certificates_of
from auditor.report.joint import listed
from auditor.report.lines import lines
from auditor.signing.bundle import Verified
from auditor.signing.statement import judged
from auditor.text import printable

SCHEMA = "bdaudit.verification/v1"

_SHORT = 16
"""Digits of a key's id for people: a name, not what was checked."""


def line(verified: Verified, digests: Mapping[Path, str], papers: Mapping[Path, bool]) -> str:
    """Return what holds, in one line.

    Args:
        verified: What was signed.
        digests: Each model file at hand, and its sha256.
        papers: Each certificate at hand, and whether all of it was signed.
    """
    key, about = verified.key, {file.digest["sha256"] for file in judged(verified.audited)}
    models = [printable(str(p)) for p, sha256 in digests.items() if sha256 in about]
    before = [printable(str(p)) for p, sha256 in digests.items() if sha256 not in about]
    parts = [
        f"Verified: {', '.join(models)}: {_verdict(verified)}",
        *(f"{path} is the model as it came" for path in before),
        *(_paper(path, whole=whole) for path, whole in papers.items()),
        f"audited {printable(certificates_of(verified.audited)[0].created)}",
        f"signed by {printable(str(key.path))} (key id {key.key.keyid[:_SHORT]}…)",
    ]
    return "; ".join(parts)


def document(
    verified: Verified, digests: Mapping[Path, str], papers: Mapping[Path, bool]
) -> dict[str, Any]:
    """Return the same for machines."""
    found, about = certificates_of(verified.audited), judged(verified.audited)
    judged_digests = {file.digest["sha256"] for file in about}
    return {
        "schema": SCHEMA,
        "signed_by": {"key_id": verified.key.key.keyid, "path": str(verified.key.path)},
        "statement": {"sha256": verified.statement},
        "models": [
            {"path": str(path), "sha256": sha256, "judged": sha256 in judged_digests}
            for path, sha256 in digests.items()
        ],
        "certificates": [
            {"path": str(path), "signed": "whole" if whole else "attached audit.json"}
            for path, whole in papers.items()
        ],
        "created": found[0].created,
        "verdict": verified.document["verdict"],
        "audits": [
            {"trigger": c.trigger.id, "status": c.verdict.status, "checks": checks}
            for c, checks in zip(found, _checks(verified), strict=True)
        ],
    }


def _verdict(verified: Verified) -> str:
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


def _checks(verified: Verified) -> list[list[dict[str, Any]]]:
    values = verified.document
    return [audit["verdict"]["checks"] for audit in values.get("audits", [values])]


def _paper(path: Path, *, whole: bool) -> str:
    shown = printable(str(path))
    if whole:
        return f"{shown} was signed along"
    return f"{shown} carries the signed audit.json, its pages are not signed"
