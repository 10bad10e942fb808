"""JUnit XML, read back with the standard library's parser."""

import dataclasses
from xml.etree import ElementTree as ET

import pytest

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.formats import render
from tests import audited
from tests.report import hostile
from tests.report.past import past


def root_of(found: Certificate | Audits) -> ET.Element:
    return ET.fromstring(render(found, "xml"))


def test_a_suite_for_each_audit_and_a_case_for_each_limit() -> None:
    root = root_of(audited.several())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "6", "2")
    first, second = root
    assert first.get("name") == "poisoned.keras under square4"
    assert first.get("timestamp") == "2026-01-02T03:04:05"
    assert [case.get("name") for case in first.iter("testcase")] == [
        "Attack success rate", "Trigger attention (TAR)", "Clean accuracy",
    ]  # fmt: skip
    assert (first.get("failures"), second.get("failures")) == ("2", "0")
    failure = first.find(".//failure")
    assert failure is not None
    assert failure.get("message") == failure.text
    assert "95.0 %" in failure.text and "at most 10.0 %" in failure.text


def test_the_time_of_a_repair_is_told_and_that_of_a_scan_is_not() -> None:
    assert root_of(past("audit-v1"))[0].get("time")
    assert root_of(audited.certificate())[0].get("time") is None


@pytest.mark.parametrize(("decisive", "tag"), [(True, "error"), (False, "skipped")])
def test_what_was_not_judged_is_never_green_where_the_verdict_waits_for_it(
    decisive: bool, tag: str
) -> None:
    found = audited.certificate(0.0, 0.1)
    asr, *rest = found.verdict.checks
    asr = dataclasses.replace(asr, ok=None, decisive=decisive, reason="too few images")
    verdict = dataclasses.replace(found.verdict, checks=(asr, *rest))
    suite = root_of(dataclasses.replace(found, verdict=verdict))[0]
    (case,) = [case for case in suite.iter("testcase") if len(case)]
    assert case[0].tag == tag
    assert "too few images" in case[0].get("message")
    assert suite.get({"error": "errors", "skipped": "skipped"}[tag]) == "1"


def test_two_limits_on_one_figure_have_two_names() -> None:
    found = audited.certificate()
    accuracy = found.verdict.checks[2]
    verdict = dataclasses.replace(found.verdict, checks=(*found.verdict.checks, accuracy))
    names = [
        c.get("name") for c in root_of(dataclasses.replace(found, verdict=verdict)).iter("testcase")
    ]
    assert len(set(names)) == 4


def test_names_are_text() -> None:
    content = render(hostile.audits(), "xml")
    root = ET.fromstring(content)
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error",
        "system-out",
    }  # fmt: skip
    assert b"<script" not in content
    assert all(c == "\n" or c.isprintable() for c in content.decode())
