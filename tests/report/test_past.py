"""Earlier versions of `audit.json` are read, and rendered in every format."""

import json

import pytest

from auditor.figures.skipped import Skipped
from auditor.records.canonical import dumped
from auditor.report.formats import CERTIFICATE, render
from tests.report.past import NAMES, file, past


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", [name for name in CERTIFICATE if name != "pdf"])
def test_every_format(name: str, format_: str) -> None:
    assert render(past(name), format_)


def test_it_comes_back_as_it_was_but_for_keys_added_later_which_are_empty() -> None:
    document = json.loads(render(past("audit-v1"), "json"))
    empty = {
        "repair": {"device": ""},
        "environment": {"unused_gpu": ""},
        "attention": {"instead_of": ""},
        "evidence": {"neighbours": []},
        "data": {"class_order": "", "unused": [], "turned": 0, "exif": False, "taken": ""},
        "subject": {
            "probabilities": False,
            "origin": None,
            "log_odds": False,
            "flattened": False,
            "output": "",
        },
    }
    for part, keys in empty.items():
        assert {key: document[part].pop(key) for key in keys} == keys
    assert document["repair"]["evidence"].pop("neighbours") == []
    for measured in document["measurements"].values():
        assert measured.pop("balanced_accuracy") == {"skipped": "it is not part of this audit"}
    assert document.pop("reactivation") is None
    assert document["verdict"].pop("warnings") == []
    assert dumped(document) == file("audit-v1").read_bytes()


def test_what_was_added_later_is_missing_and_said_to_be() -> None:
    document = json.loads(file("audit-v1-first").read_bytes())
    assert "inferred" not in document["trigger"]
    assert "placebo_rate" not in document["measurements"]["before"]
    assert "placebos" not in document["evidence"]
    found = past("audit-v1-first")
    assert found.trigger.inferred is False
    assert isinstance(found.measurements.before.placebo_rate, Skipped)
    assert found.evidence.placebos == ()
