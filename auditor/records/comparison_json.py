"""`comparison.json`, read back."""

from typing import Any, Final

from auditor.errors import InputError
from auditor.figures.values import MOST_AUDITS
from auditor.files.codec import Unpacker, from_json, no_array, to_json
from auditor.records import comparison
from auditor.records.audit_json import read_certificate
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison, Entry, comparable, compared
from auditor.records.consistency import check_limits
from auditor.records.pictures import unpacking

_LATER: Final = frozenset({"among", "flattery"})
"""Keys of an outcome that earlier versions did not write."""


def from_document(document: Any) -> Comparison:
    """Read a `comparison.json` back.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != comparison.SCHEMA:
        raise InputError(
            f"not a comparison of this version: schema is {schema!r:.60}, not {comparison.SCHEMA}"
        )
    if set(document) != {"schema", "before", "entries", "outcome"}:
        raise InputError("$: its keys must be schema, before, entries and outcome")
    if not isinstance(document["entries"], list) or len(document["entries"]) > MOST_AUDITS:
        raise InputError(f"$.entries: not a list of at most {MOST_AUDITS}")
    unpack = unpacking()
    before = read_certificate(document["before"], "$.before", unpack)
    if before.repair is not None:
        raise InputError("$.before.repair: must be null: it is the model as it came")
    entries = [
        _entry(entry, f"$.entries[{i}]", unpack) for i, entry in enumerate(document["entries"])
    ]
    if len({entry.name for entry in entries}) < len(entries):
        raise InputError("$.entries: two have the same name")
    for number, entry in enumerate(entries):
        _check(entry, before, f"$.entries[{number}]")
    repaired = [entry.certificate for entry in entries if entry.certificate]
    check_limits([before, *repaired], "$.entries")
    outcome = document["outcome"]
    alone = isinstance(outcome, dict) and not _LATER & outcome.keys()
    read = compared(before, entries, alone=alone)
    found = to_json(read.outcome, no_array)
    if outcome != {key: found[key] for key in found if not alone or key not in _LATER}:
        raise InputError("$.outcome: is not what the entries come to")
    return read


def _entry(value: Any, where: str, unpack: Unpacker) -> Entry:
    if isinstance(value, dict) and value.get("certificate") is not None:
        certificate = read_certificate(value["certificate"], f"{where}.certificate", unpack)
        value = {**value, "certificate": certificate}
    entry = from_json(Entry, value, no_array, where)
    assert isinstance(entry, Entry)
    return entry


def _check(entry: Entry, before: Certificate, where: str) -> None:
    """Refuse an entry that contradicts itself, or is about another model or other images."""
    certificate = entry.certificate
    if bool(entry.failed) != (entry.after is None):
        raise InputError(f"{where}.failed: says why no model was handed back, and only then")
    if certificate is None:
        return
    if certificate.repair is None or certificate.repair.method != entry.method:
        raise InputError(f"{where}.certificate.repair: is not of the method {entry.method!r:.60}")
    if not comparable(certificate, before):
        raise InputError(f"{where}.certificate: is of another model, trigger or other images")
