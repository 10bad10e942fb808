"""What probes cannot have found is refused, from a worker and from a file."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import InputError, WorkError
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import comebacks
from auditor.probe.result import NO_MARGIN, Reactivation
from auditor.records.audit_json import from_document
from auditor.records.canonical import schema, to_document
from auditor.worker import exchange
from tests import audited
from tests.report import probes

jsonschema = pytest.importorskip("jsonschema")
NO_TIME = Skipped("the budget does not reach")


def plain(made: Any) -> dict[str, Any]:
    return json.loads(json.dumps(to_document(made)))


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def change(found: Any) -> None:
        for key in parents:
            found = found[int(key) if isinstance(found, list) else key]
        found[int(last) if isinstance(found, list) else last] = value

    return change


SOUND = [
    probes.back(),
    probes.gone(),
    probes.reactivation(NO_TIME, probes.retuned((4, 4), missing="no time"), margin=NO_TIME),
    probes.back(path=NO_TIME),
    probes.reactivation(NO_TIME, NO_TIME, NO_TIME, NO_TIME, tuning=Skipped("no image tuned")),
    NO_TIME,
]


@pytest.mark.parametrize("found", SOUND)
def test_what_was_found_comes_back_the_same(found, tmp_path: Path) -> None:
    made = audited.probed(found)
    document = plain(made)
    jsonschema.validate(document, schema())
    assert from_document(document).reactivation == found
    if isinstance(found, Reactivation):
        exchange.save(found, tmp_path)
        assert exchange.load(Reactivation, tmp_path) == found


def test_what_has_no_reason_is_not_left_out() -> None:
    """An empty one would be taken for a probe of which nothing is missing."""
    for nothing in ("", "  "):
        document = plain(audited.probed(probes.back()))
        document["reactivation"] = {"skipped": nothing}
        document["verdict"]["warnings"] = []
        with pytest.raises(InputError, match=r"reactivation.*is not a reason"):
            from_document(document)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema())


def test_the_reason_of_a_margin_leaves_every_other_probe_open() -> None:
    found = probes.reactivation(Skipped(NO_MARGIN), Skipped(NO_MARGIN), margin=Skipped(NO_MARGIN))
    back = comebacks(found)
    assert back is not None and back.unknown == NO_MARGIN


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.9])
def test_a_limit_goes_with_it(limit: float) -> None:
    for found in SOUND:
        made = audited.probed(found, limit)
        assert from_document(plain(made)).verdict == made.verdict


TRIAL = "retuning.1.outcome.trials.0"
WRONG = [
    ("recipe.learning_rate", 1e-12),
    ("recipe", {"skipped": "it is not part of this audit"}),
    ("recipe", {"skipped": "no time"}),
    ("retuning.0.outcome.asr", 0.06),
    ("retuning.0.outcome.control", 0.5),
    ("retuning.0.outcome.excess.value", 0.0),
    ("retuning.0.outcome.excess.high", 0.01),
    ("retuning.0.outcome.excess.n", 20),
    ("retuning.0.outcome.missing", "why not"),
    ("retuning.0.outcome.course.asr.2", 0.0),
    ("retuning.0.outcome.course.asr", [0.0, 0.1]),
    ("retuning.0.outcome.trials", []),
    ("retuning.0.images", 10),
    ("retuning.0.images", 0),
    (f"{TRIAL}.alone", 157),
    (f"{TRIAL}.control_alone", 13),
    (f"{TRIAL}.seed", 1),
    (f"{TRIAL}.asr.low", 0.1),
    (f"{TRIAL}.asr.value", 1.5),
    (f"{TRIAL}.clean_accuracy.n", 299),
    ("strengthened.0.outcome.alone", 1),
    ("strengthened.0.outcome.excess.low", -1.0),
    ("strengthened.0.where", "margin"),
    ("strengthened.0.outcome", {"skipped": NO_MARGIN}),
    ("strengthened.0.outcome", {"skipped": ""}),
    ("strengthened.1.outcome", {"skipped": " \n"}),
    ("retuning.0.outcome", {"skipped": NO_MARGIN}),
    ("retuning.0.outcome", {"skipped": ""}),
    ("path", {"skipped": NO_MARGIN}),
    ("path", {"skipped": ""}),
    ("strengthened.0.strength", 300),
    ("path.points.1.share", 0.6),
    ("path.points.0.asr.n", 100),
    ("path.points", []),
    ("tuning", {"skipped": "no image tuned"}),
    ("tuning.sha256", "x"),
    ("tuning.available", 1_019),
    ("tuning.images", 509),
    ("tuning.images", 1_021),
    ("clean", 1),
    ("seconds", 1e9),
    ("before.sha256", "zz"),
    ("retuning.1.outcome.course.asr.0", 0.9),
    ("retuning.1.outcome.course.clean_accuracy.0", 0.5),
    ("path.points.2.asr", asdict(probes.rate(200))),
    ("judged", 299),
    ("seeds", 1),
    ("seeds", 3),
    ("budget", -1),
    ("seconds", float("inf")),
    ("retuning", []),
    ("more", 1),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{p}={v!s:.12}" for p, v in WRONG])
def test_what_no_probe_finds_is_refused(path: str, value: Any, tmp_path: Path) -> None:
    document = plain(audited.probed(probes.back()))
    put(f"reactivation.{path}", value)(document)
    with pytest.raises(InputError):
        from_document(document)
    exchange.save(probes.back(), tmp_path)
    said = json.loads((tmp_path / "result.json").read_text())
    put(path, value)(said)
    (tmp_path / "result.json").write_text(json.dumps(said))
    with pytest.raises(WorkError):
        exchange.load(Reactivation, tmp_path)


def test_a_margin_is_left_out_where_there_is_none_and_nowhere_else() -> None:
    document = plain(audited.probed(probes.back(margin=Skipped(NO_MARGIN))))
    with pytest.raises(InputError, match=r"strengthened\[1\]: is not what the trigger's size"):
        from_document(document)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("verdict.warnings", [], r"\$\.verdict\.warnings: are not what the probes come to"),
        ("verdict.warnings.0.text", "returned to 1 %", "are not what the probes come to"),
        ("reactivation", None, "are not what the probes come to"),
        ("reactivation", {"skipped": "no"}, "are not what the probes come to"),
        ("verdict.status", "fail", "checks come to pass"),
    ],
)
def test_a_warning_cannot_be_taken_away(path: str, value: Any, said: str) -> None:
    document = plain(audited.probed())
    put(path, value)(document)
    with pytest.raises(InputError, match=said):
        from_document(document)


def test_a_check_of_it_cannot_be_taken_away_or_made_kinder() -> None:
    made = audited.probed(limit=0.3)
    for change in (
        lambda d: d["verdict"].update(checks=d["verdict"]["checks"][:-1], status="pass"),
        put("verdict.checks.5.ok", True),
        put("verdict.checks.5.bound", 0.2),
    ):
        document = plain(made)
        assert document["verdict"]["checks"][5]["metric"] == "reactivation"
        change(document)
        with pytest.raises(InputError):
            from_document(document)


def test_audits_without_it_are_read_as_before() -> None:
    document = plain(audited.repaired())
    del document["reactivation"], document["verdict"]["warnings"]
    jsonschema.validate(document, schema())
    read = from_document(document)
    assert read.reactivation is None and read.verdict.warnings == ()
    assert plain(read) == plain(audited.repaired())
