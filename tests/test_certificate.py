"""`audit.json`: valid, read back, and refused when it is not one."""

import json

import jsonschema
import numpy as np
import pytest

from auditor.certificate import canonical, from_document, schema, to_document
from auditor.errors import InputError, UsageError
from auditor.results import Measurement
from tests.report.conftest import certificate, certified, result

__all__ = ["certificate", "result"]


def test_every_contract_key_is_there(certificate) -> None:
    document = json.loads(canonical(certificate))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert list(document) == [
        "schema", "tool", "created", "subject", "data", "trigger", "target", "attention",
        "measurements", "repair", "verdict", "safety", "environment", "evidence",
    ]  # fmt: skip
    subject = "path format sha256 bytes parameters input_shape classes class_names".split()
    assert set(subject) <= set(document["subject"])
    measured = document["measurements"]["before"]
    assert set(measured["asr"]) == {"value", "low", "high", "n"}
    assert set(measured["tar"]) == set("mean median low high n undefined ceiling".split())
    assert set(measured["controls"]) == {"tar", "tar_density", "trigger_mass"}
    assert document["measurements"]["after"] is None
    assert set("metric limit value bound ok".split()) <= set(document["verdict"]["checks"][0])
    assert document["target"]["class"] == 0


def test_it_comes_back_the_same(certificate) -> None:
    back = from_document(json.loads(canonical(certificate)))
    assert canonical(back) == canonical(certificate)
    for one, other in zip(back.evidence.examples, certificate.evidence.examples, strict=True):
        np.testing.assert_array_equal(one.stamped, other.stamped)
        np.testing.assert_array_equal(one.stamped_heat, other.stamped_heat)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["measurements", "before", "asr", "value"], 1.5, "asr"),
        (["measurements", "before", "asr"], None, "asr"),
        (["subject", "sha256"], "XYZ", "sha256"),
        (["schema"], "bdaudit.audit/v9", "bdaudit.audit/v9"),
        (["extra"], 1, "extra"),
        (["evidence", "examples", 0, "clean", "png"], "AAAA", "picture"),
        (["evidence", "examples", 0, "clean_heat", "shape"], [3, 3], "heatmap"),
    ],
)
def test_what_is_wrong_is_named(certificate, path: list, value: object, words: str) -> None:
    document = to_document(certificate)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=words):
        from_document(document)


def test_no_number_is_nan(certificate) -> None:
    with pytest.raises(InputError):
        from_document([])
    text = canonical(certificate).decode("ascii")
    assert "NaN" not in text
    assert "Infinity" not in text


def test_the_clock_can_be_set(result, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.certificate import now

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert now() == "1970-01-01T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH='soon'"):
        certified(result)


def test_the_schema_covers_every_figure() -> None:
    """A figure added to `Measurement` and not to the schema would be refused at the first write."""
    figures = schema()["$defs"]["measurement"]
    assert set(figures["required"]) == set(Measurement.__dataclass_fields__)
