"""CycloneDX: valid under the official strict schema of 1.7, which cyclonedx-python-lib ships."""

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.formats import render
from tests import audited
from tests.report import hostile
from tests.report.past import past

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_7)


def bill_of(found: Certificate | Audits) -> dict[str, Any]:
    content = render(found, "cdx.json").decode("ascii")
    assert VALIDATOR.validate_str(content) is None
    return json.loads(content)


def test_the_model_with_its_digest_and_its_figures() -> None:
    found = audited.certificate()
    model, data = bill_of(found)["components"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "poisoned.keras")
    assert model["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert data["hashes"] == [{"alg": "SHA-256", "content": found.data.sha256}]
    card = model["modelCard"]
    assert card["modelParameters"]["datasets"] == [{"ref": data["bom-ref"]}]
    asr, *_ = card["quantitativeAnalysis"]["performanceMetrics"]
    measured = found.measurements.before.asr
    assert asr == {
        "type": "Attack success rate",
        "value": "0.95",
        "slice": "photos/, trigger square4; 200 images",
        "confidenceInterval": {
            "lowerBound": repr(measured.low), "upperBound": repr(measured.high),
        },
    }  # fmt: skip
    assert {"name": "bdaudit:verdict", "value": "fail"} in model["properties"]
    assert any(
        "Only the trigger" in said for said in card["considerations"]["technicalLimitations"]
    )


def test_a_repaired_model_has_the_one_it_came_from_as_its_ancestor() -> None:
    model = bill_of(audited.repaired())["components"][0]
    (came,) = model["pedigree"]["ancestors"]
    assert (model["name"], came["name"]) == ("repaired.keras", "poisoned.keras")
    values = [
        component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"]
        for component in (came, model)
    ]
    assert values == ["0.95", "0.0"]


def test_each_trigger_is_a_slice_and_clean_accuracy_stands_once() -> None:
    model = bill_of(audited.several())["components"][0]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    rates = [m["slice"] for m in metrics if m["type"] == "Attack success rate"]
    assert [("square4" in s, "grid3" in s) for s in rates] == [(True, False), (False, True)]
    assert len([m for m in metrics if m["type"] == "Clean accuracy"]) == 1


@pytest.mark.parametrize(
    "found", [hostile.certificate(), hostile.audits(), past("audit-v1"), past("audit-v1-first")]
)
def test_it_is_valid_whatever_the_names(found: Certificate | Audits) -> None:
    def strings(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [s for inner in value.values() for s in strings(inner)]
        if isinstance(value, list):
            return [s for inner in value for s in strings(inner)]
        return [str(value)]

    assert all(text.isprintable() for text in strings(bill_of(found)))


def test_the_same_audit_gives_the_same_bill() -> None:
    assert bill_of(audited.certificate()) == bill_of(audited.certificate())
    other = bill_of(audited.certificate(0.5))["serialNumber"]
    assert bill_of(audited.certificate())["serialNumber"] != other
