"""JUnit XML, as CI servers read it: a suite for each audit, a case for each limit.

A limit that is exceeded is a failure. One that could not be judged is an error where the verdict
waits for it, so that no server shows it in green, and skipped where it does not.
"""

from xml.etree import ElementTree as ET

from auditor.records.audits import Audits, certificates_of
from auditor.records.certificate import Certificate
from auditor.report.certificate.checks import CheckText, told
from auditor.report.certificate.finding import headline
from auditor.report.words import model_name
from auditor.text import printable

_ELEMENTS = {"exceeded": "failure", "open": "error", "idle": "skipped"}


def render(audited: Certificate | Audits) -> bytes:
    """Return XML 1.0 in UTF-8."""
    root = ET.Element("testsuites", name="bdaudit")
    for certificate in certificates_of(audited):
        _suite(root, certificate)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    written: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(root: ET.Element, certificate: Certificate) -> None:
    checks = told(certificate)
    outcomes = [check.outcome for check in checks]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{model_name(certificate)} under {printable(certificate.trigger.id, 60)}",
        tests=str(len(checks)),
        failures=str(outcomes.count("exceeded")),
        errors=str(outcomes.count("open")),
        skipped=str(outcomes.count("idle")),
        timestamp=certificate.created.removesuffix("Z"),
    )
    if certificate.repair:  # of a scan alone the time is not recorded
        suite.set("time", f"{certificate.repair.seconds:.3f}")
    _properties(suite, certificate)
    for check in checks:
        _case(suite, certificate, check)
    ET.SubElement(suite, "system-out").text = headline(certificate)
    if warnings := certificate.verdict.warnings:
        said = "\n".join(f"Warning: the backdoor {printable(one.text)}." for one in warnings)
        ET.SubElement(suite, "system-err").text = said


def _properties(suite: ET.Element, certificate: Certificate) -> None:
    c = certificate
    given = {
        "verdict": c.verdict.status,
        "model": c.subject.path,
        "model.sha256": c.subject.sha256,
        "data": c.data.source,
        "data.sha256": c.data.sha256,
        "images": str(c.data.images),
        "trigger.sha256": c.trigger.sha256,
    }
    if c.subject.origin:
        given["model.pinned"] = c.subject.origin.facts
    if c.repair and c.repair.output:
        given["repaired"] = c.repair.output.path
        given["repaired.sha256"] = c.repair.output.sha256
    properties = ET.SubElement(suite, "properties")
    for name, value in given.items():
        ET.SubElement(properties, "property", name=name, value=printable(value))


def _case(suite: ET.Element, certificate: Certificate, told: CheckText) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"bdaudit.{printable(certificate.trigger.id, 60)}",
        name=f"{told.title} ({told.key})" if told.key != told.rule else told.title,
    )
    if element := _ELEMENTS.get(told.outcome):
        ET.SubElement(case, element, message=told.sentence, type=told.rule).text = told.sentence
