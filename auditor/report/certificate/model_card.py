"""The audit inside a Hugging Face model card: a marked section, and results in its front matter.

Everything else in the card stays as it is, byte for byte.
"""

import json
import re
from typing import Final

from auditor.errors import InputError
from auditor.records.audits import Audits, certificates_of
from auditor.records.certificate import Certificate
from auditor.report.certificate.front_matter import with_results
from auditor.report.certificate.markdown import text
from auditor.report.words import TITLES, middle, model_name
from auditor.text import printable

BEGIN: Final = "<!-- bdaudit:begin -->"
END: Final = "<!-- bdaudit:end -->"

_METRICS: Final = {
    "clean_accuracy": "accuracy",
    "robust_accuracy": "robust_accuracy",
    "asr": "attack_success_rate",
    "tar": "trigger_attention_ratio",
}
"""Figure → its type in a model index."""


def into_card(card: bytes, audited: Certificate | Audits) -> bytes:
    """Put an audit into a model card, or renew it there.

    Args:
        card: The `README.md`.
        audited: The audit.

    Returns:
        The card; given back once more with the same audit, it does not change.

    Raises:
        InputError: It is no UTF-8, its front matter is broken, or its marks are.
    """
    try:
        found = card.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is no UTF-8 at byte {error.start}") from error
    name = _quoted(model_name(certificates_of(audited)[0]))
    return with_results(_with_section(found, audited), name, _results(audited)).encode("utf-8")


def _with_section(card: str, audited: Certificate | Audits) -> str:
    newline = "\r\n" if "\r\n" in card.partition("\n")[0] + "\n" else "\n"
    section = f"{BEGIN}\n## Backdoor audit\n\n{text(audited, 3)}{END}".replace("\n", newline)
    begins, ends = _lines(BEGIN, card), _lines(END, card)
    if len(begins) != len(ends) or len(begins) > 1 or begins > ends:
        raise InputError(f"must have one {BEGIN} and then one {END}, each on a line of its own")
    if begins:
        return card[: begins[0]] + section + card[ends[0] + len(END) :]
    if card and not card.endswith("\n"):
        card += newline
    apart = newline if card and not card.endswith(newline * 2) else ""
    return f"{card}{apart}{section}{newline}"


def _lines(mark: str, card: str) -> list[int]:
    """Return where a mark stands on a line of its own."""
    return [found.start() for found in re.finditer(rf"^{re.escape(mark)}(?=\r?$)", card, re.M)]


def _results(audited: Certificate | Audits) -> list[str]:
    """Return the lines of a list of results, one a trigger."""
    said = []
    for certificate in certificates_of(audited):
        source = certificate.data.source
        said += [
            "- task:",
            "    type: image-classification",
            "    name: Image Classification",
            "  dataset:",
            f"    name: {_quoted(printable(source, 120))}",
            f"    type: {_quoted(_slug(source))}",
            "  metrics:",
            *(line for metric in _METRICS for line in _metric(certificate, metric)),
        ]
    return said


def _metric(certificate: Certificate, metric: str) -> list[str]:
    value = middle(getattr(certificate.judged, metric))
    if value is None:
        return []
    name = TITLES[metric]
    if metric != "clean_accuracy":
        name += f", {printable(certificate.trigger.id, 60)}"
    return [
        f"  - type: {_METRICS[metric]}",
        f"    value: {value:.4f}",
        f"    name: {_quoted(name)}",
    ]


def _slug(source: str) -> str:
    """Return a data set's name as the type that a model index wants."""
    last = re.split(r"[\\/]", source.rstrip("\\/"))[-1]
    return re.sub(r"[^a-z0-9._-]+", "-", last.lower()).strip("-")[:60] or "data"


def _quoted(name: str) -> str:
    """Return text as a YAML scalar in double quotes (YAML 1.2, 7.3.1)."""
    return json.dumps(name, ensure_ascii=False)
