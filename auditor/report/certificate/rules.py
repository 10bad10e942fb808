"""What each limit guards against, and what to do when it is exceeded: the help of a finding."""

from dataclasses import dataclass
from typing import Final

from auditor.report.words import MEANINGS, TITLES


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    Attributes:
        id: `bdaudit/asr`.
        name: In Pascal case, as SARIF wants it.
        short: Its title.
        full: What the figure is, in a sentence.
        help: What an excess means and what to do.
        markdown: The same in Markdown.
        severity: From 0 to 10, as CVSS has it; empty for what is no matter of security by itself.
    """

    id: str
    name: str
    short: str
    full: str
    help: str
    markdown: str
    severity: str


_MEANT: Final = {
    "asr": (
        "Stamped images are led to one class: the model answers to the trigger. Do not ship it. "
        "Repair it and audit it again, or train it again from data that you trust.",
        "9.0",
    ),
    "tar": (
        "The model looks at the trigger rather than at the object, even where its answer does not "
        "turn. Look at the heatmaps of the certificate; repair the model and audit it again.",
        "7.0",
    ),
    "clean_accuracy": (
        "The model recognises too few images without any trigger, so it is not fit for use, or the "
        "audit did not fit the model: see that the order of the classes and the input range are "
        "right.",
        "",
    ),
    "accuracy_drop": (
        "The repair took more accuracy than is allowed. Repair with more clean images, with "
        "another method (bdaudit compare shows them side by side), or for fewer epochs.",
        "",
    ),
    "reactivation": (
        "The repair hid the backdoor and did not remove it: whoever knows the trigger opens it "
        "again with little. Repair with another method (bdaudit compare --probe shows which ones "
        "remove it), or train the model again from data that you trust.",
        "7.0",
    ),
}

_COMMANDS: Final = {
    "asr": "bdaudit repair MODEL --trigger SPEC --output REPAIRED",
    "tar": "bdaudit scan MODEL --trigger SPEC -o certificate.html",
    "clean_accuracy": "bdaudit inspect MODEL",
    "reactivation": "bdaudit compare MODEL --trigger SPEC --run-dir DIR --probe",
    "accuracy_drop": "bdaudit compare MODEL --trigger SPEC --run-dir DIR",
}


def rule(name: str) -> Rule:
    """Return what is known of a limit on the figure `name`, be it one that is not known here."""
    title = TITLES.get(name, name)
    about = MEANINGS.get(name, "A figure that a limit was set on.")
    meant, severity = _MEANT.get(name, ("A limit is exceeded, or could not be judged.", ""))
    command = _COMMANDS.get(name, "bdaudit --help")
    return Rule(
        id=f"bdaudit/{name}",
        name="".join(part.capitalize() for part in name.split("_")),
        short=title,
        full=about,
        help=f"{about} {meant} Next: {command}",
        markdown=f"{about}\n\n{meant}\n\n```sh\n{command}\n```",
        severity=severity,
    )
