"""SARIF 2.1.0 (OASIS, errata 01): what fails or stays open, as results of a static analysis.

A result stands at the model file. The audit does not record lines: where the command named a
trigger file, that file is a related location.
"""

import hashlib
import json
import shlex
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from auditor.figures.verdict import Caution
from auditor.files.origin import is_reference
from auditor.records.audits import Audits, certificates_of
from auditor.records.certificate import Certificate
from auditor.report.certificate.checks import CheckText, told
from auditor.report.certificate.rules import Rule, rule
from auditor.report.words import target_name
from auditor.text import printable

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"exceeded": "error", "open": "warning", "idle": "note"}
_ROOT: Final = "%SRCROOT%"
_TRIGGER_FILES = (".yaml", ".yml", ".json")


def render(audited: Certificate | Audits) -> bytes:
    """Return one run: a result for each limit that is exceeded or could not be judged."""
    audits = certificates_of(audited)
    first = audits[0]
    judged = [(c, check) for c in audits for check in told(c)]
    warned = [(c, warning) for c in audits for warning in c.verdict.warnings]
    names = [check.rule for _, check in judged] + [warning.metric for _, warning in warned]
    rules = list(dict.fromkeys(names))
    run = {
        "tool": {
            "driver": {
                "name": printable(first.tool.name),
                "version": printable(first.tool.version),
                "rules": [_rule(rule(name)) for name in rules],
            }
        },
        "invocations": [
            {
                "commandLine": printable(first.environment.command, 4000),
                "endTimeUtc": first.created,
                "executionSuccessful": True,
            }
        ],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The folder that the audit was started in."}}
        },
        "artifacts": [_model(first)],
        "results": [
            _result(certificate, check, rules.index(check.rule))
            for certificate, check in judged
            if check.outcome in _LEVELS
        ]
        + [_warning(certificate, one, rules.index(one.metric)) for certificate, one in warned],
        "properties": {"verdict": audited.verdict.status, "sandbox": first.safety.sandbox},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, allow_nan=False).encode("ascii") + b"\n"


def _rule(about: Rule) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "backdoor"], "precision": "high"}
    if about.severity:
        properties["security-severity"] = about.severity
    return {
        "id": about.id,
        "name": about.name,
        "shortDescription": {"text": about.short},
        "fullDescription": {"text": about.full},
        "help": {"text": about.help, "markdown": about.markdown},
        "defaultConfiguration": {"level": "error"},
        "properties": properties,
    }


def _result(certificate: Certificate, told: CheckText, index: int) -> dict[str, Any]:
    check = told.check
    found = {
        "metric": check.metric,
        "value": check.value,
        "bound": check.bound,
        "limit": check.limit,
        "ok": check.ok,
    }
    level = _LEVELS[told.outcome]
    return _said(certificate, told.rule, index, level, told.sentence, told.key, found)


def _warning(certificate: Certificate, one: Caution, index: int) -> dict[str, Any]:
    what = one.text.partition(" with ")[2].partition(" (")[0]  # neither ASR nor control
    sentence, found = f"The backdoor {printable(one.text)}.", {"metric": one.metric}
    key = f"{one.metric}: {what}"
    return _said(certificate, one.metric, index, "warning", sentence, key, found)


def _said(
    certificate: Certificate,
    name: str,
    index: int,
    level: str,
    sentence: str,
    key: str,
    found: dict[str, Any],
) -> dict[str, Any]:
    """Return a result: the rule's name and place, what is said, what tells it from others."""
    trigger = certificate.trigger
    # No name of a model or a trigger may become a link or a placeholder (3.11.5, 3.11.6).
    where = f"Trigger {printable(trigger.id, 60)} → {target_name(certificate)}. "
    result = {
        "ruleId": rule(name).id,
        "ruleIndex": index,
        "level": level,
        "message": {"text": _plain(where + sentence)},
        "locations": [{"physicalLocation": {"artifactLocation": _at(certificate.file.path, 0)}}],
        "partialFingerprints": {"bdaudit/v1": _fingerprint(certificate, key)},
        "properties": {**found, "trigger": trigger.id, "trigger_sha256": trigger.sha256},
    }
    if file := _trigger_file(certificate.environment.command):
        result["relatedLocations"] = [
            {
                "physicalLocation": {"artifactLocation": _at(file)},
                "message": {"text": "The trigger file."},
            }
        ]
    return result


def _fingerprint(certificate: Certificate, key: str) -> str:
    """Return what names the finding whenever it is made: neither time nor figures."""
    named = (key, _uri(certificate.file.path), certificate.trigger.sha256)
    return hashlib.sha256("\0".join(named).encode("ascii", "backslashreplace")).hexdigest()


def _model(certificate: Certificate) -> dict[str, Any]:
    return {
        "location": _at(certificate.file.path),
        "roles": ["analysisTarget"],
        "length": certificate.file.bytes,
        "hashes": {"sha-256": certificate.file.sha256},
    }


def _at(path: str, index: int | None = None) -> dict[str, Any]:
    location: dict[str, Any] = {"uri": _uri(path)}
    if not (PurePath(path).is_absolute() or is_reference(path)):
        location["uriBaseId"] = _ROOT
    return location if index is None else location | {"index": index}


def _uri(path: str) -> str:
    """Return a path as a URI (RFC 3986); bytes that are no UTF-8 as they are."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogatepass")
    if is_reference(path):
        return quote(raw, safe="/:@%")
    return ("file://" if raw.startswith(b"/") else "") + quote(raw)


def _trigger_file(command: str) -> str:
    """Return the first trigger file that a command line names; empty where it names none."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    pairs = zip(words, words[1:], strict=False)
    specs = [after for word, after in pairs if word == "--trigger"]
    specs += [word.partition("=")[2] for word in words if word.startswith("--trigger=")]
    files = (spec.partition("#")[0] for spec in specs)
    return next((file for file in files if file.lower().endswith(_TRIGGER_FILES)), "")


def _plain(text: str) -> str:
    for character in "\\[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("{", "{{").replace("}", "}}")
