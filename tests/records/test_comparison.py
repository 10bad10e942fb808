"""Repairs side by side: what they come to, written, read back, and refused when they do not fit."""

import dataclasses
import json
import math
import statistics
from typing import Any

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.skipped import Skipped
from auditor.records.canonical import canonical
from auditor.records.certificate import neighbours_of
from auditor.records.comparison import Comparison, Entry, compared
from auditor.records.comparison_json import from_document
from tests.report.comparisons import worse
from tests.report.conftest import after, certificate, comparison, helpless, repaired, result

__all__ = ["after", "certificate", "comparison", "helpless", "repaired", "result"]


def entry(name: str, certificate) -> Entry:
    return Entry(name, "unlearn", certificate, "", 1.0, 10)


def test_the_best_has_forgotten_and_is_most_often_right(certificate, repaired) -> None:
    found = compared(certificate, [entry("a", worse(repaired)), entry("b", repaired)])
    assert found.outcome.forgotten == ("a", "b")
    assert found.outcome.best == "b"
    assert found.outcome.passed == ("a", "b")
    assert found.outcome.status == "pass"


def test_who_answers_to_the_trigger_is_not_the_best(certificate, repaired) -> None:
    """However accurate: its ASR is surely above the clean target rate."""
    answering = worse(repaired, turned=80)
    found = compared(certificate, [entry("a", answering), entry("b", worse(repaired))])
    assert (found.outcome.forgotten, found.outcome.best) == (("b",), "b")
    assert compared(certificate, [entry("a", answering)]).outcome.best is None


@pytest.mark.parametrize("name", ["asr", "clean_accuracy", "robust_accuracy", "clean_target_rate"])
def test_what_was_not_measured_is_not_the_best(certificate, repaired, name: str) -> None:
    after = dataclasses.replace(repaired.measurements.after, **{name: Skipped("none")})
    measured = dataclasses.replace(repaired.measurements, after=after)
    blind = dataclasses.replace(repaired, measurements=measured)
    assert compared(certificate, [entry("a", blind)]).outcome.best is None


def unmeasured(repaired):
    """Return the repair, its ASR unknown."""
    measured = repaired.measurements
    after = dataclasses.replace(measured.after, asr=Skipped("none"))
    return dataclasses.replace(repaired, measurements=dataclasses.replace(measured, after=after))


@pytest.mark.parametrize(
    ("statuses", "status", "passed"),
    [
        (("fail", "pass", "inconclusive"), "pass", ("b",)),
        (("fail", "inconclusive"), "inconclusive", ()),
        (("fail", "fail"), "fail", ()),
    ],
)
def test_one_that_keeps_every_limit_is_enough(
    certificate, repaired, statuses: tuple[str, ...], status: str, passed: tuple[str, ...]
) -> None:
    which = {
        "pass": repaired,
        "fail": worse(repaired, turned=80),
        "inconclusive": unmeasured(repaired),
    }
    judged = [entry(name, which[s]) for name, s in zip("abc", statuses, strict=False)]
    outcome = compared(certificate, judged).outcome
    assert (outcome.status, outcome.passed) == (status, passed)


def test_of_many_repairs_one_passes_only_where_chance_would_not_do(certificate, repaired) -> None:
    """Each alone within its limit at 95 %; with eight to choose from, that is no proof.

    The bounds are worked out here: Wilson's, at 1 − 0.05 / 8.
    """
    n, limit = repaired.measurements.after.asr.n, 0.1
    turned = max(k for k in range(n) if wilson(k, n).high <= limit)
    barely = worse(repaired, turned=turned)
    assert barely.verdict.status == "pass"
    z = statistics.NormalDist().inv_cdf(1 - 0.05 / 8 / 2)
    p = turned / n
    spread = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (p + z**2 / (2 * n) + spread) / (1 + z**2 / n) > limit
    entries = [entry(f"m{i}", barely) for i in range(8)]
    assert compared(certificate, entries[:1]).outcome.passed == ("m0",)
    outcome = compared(certificate, entries).outcome
    assert (outcome.among, outcome.status, outcome.passed) == (8, "fail", ())
    surely = [*entries[:7], entry("sure", worse(repaired, turned=0))]
    assert compared(certificate, surely).outcome.passed == ("sure",)


def test_how_much_choosing_flatters_is_the_most_that_chance_gives(certificate, repaired) -> None:
    """Of equally good repairs, drawn a thousand times over: the best one's lead is never more."""
    middling = worse(repaired)
    entries = [entry(f"m{i}", middling) for i in range(4)]
    outcome = compared(certificate, entries).outcome
    assert outcome.flattery is not None
    assert compared(certificate, entries[:1]).outcome.flattery is None
    after, random = middling.measurements.after, np.random.default_rng(0)
    rates = (after.clean_accuracy, after.robust_accuracy)
    drawn = sum(random.binomial(r.n, r.value, (1000, 4)) / r.n for r in rates)
    lead = drawn.max(axis=1).mean() - sum(r.value for r in rates)
    assert 0.005 < lead < outcome.flattery < 6 * lead


def test_a_comparison_of_an_earlier_version_is_read_as_it_was_judged(comparison) -> None:
    document = json.loads(canonical(comparison))
    for key in ("among", "flattery"):
        del document["outcome"][key]
    back = from_document(document)
    assert back.outcome.passed == comparison.outcome.passed
    assert (back.outcome.among, back.outcome.flattery) == (1, None)


def test_a_repair_that_handed_back_nothing_counts_as_none(certificate, helpless) -> None:
    lost = Entry("a", "unlearn", helpless, "no epoch helped", 1.0, 10)
    failed = Entry("b", "nad", None, "no layer", 1.0, 0)
    assert compared(certificate, [lost, failed]).outcome.status == "fail"


def test_without_a_repair_the_model_itself_is_judged(certificate) -> None:
    assert compared(certificate, []).outcome.status == certificate.verdict.status


def test_it_comes_back_the_same(comparison: Comparison) -> None:
    written = canonical(comparison)
    back = from_document(json.loads(written))
    assert canonical(back) == written
    assert back.outcome == comparison.outcome


def _set(document: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    if value is KeyError:
        del document[path[-1]]
    else:
        document[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["schema"], "bdaudit.comparison/v9", "schema is 'bdaudit.comparison/v9'"),
        (["extra"], 1, "its keys must be"),
        (["outcome"], KeyError, "its keys must be"),
        (["entries"], {}, "$.entries: not a list"),
        (["entries", 0, "name"], "unlearn", "two have the same name"),
        (["entries", 0, "name"], 1, "$.entries[0].name"),
        (["entries", 0, "seconds"], -1, "$.entries[0].seconds: is -1.0, but must be"),
        (["entries", 0, "seconds"], KeyError, "'seconds' is missing"),
        (["entries", 0, "extra"], 1, "unknown key 'extra'"),
        (["entries", 0, "failed"], "why", "$.entries[0].failed"),
        (["entries", 3, "failed"], "", "$.entries[3].failed"),
        (["entries", 0, "method"], "nad", "is not of the method 'nad'"),
        (["entries", 1, "certificate"], None, "$.entries[1].failed"),
        (["entries", 1, "certificate", "repair"], None, "repair: there is none"),
        (["entries", 1, "certificate", "repair", "output"], None, "repair.output"),
        (["entries", 1, "certificate", "subject", "sha256"], "0" * 64, "is of another model"),
        (["entries", 1, "certificate", "data", "sha256"], "0" * 64, "other images"),
        (["entries", 1, "certificate", "measurements", "after", "asr", "value"], 2, "asr"),
        (["entries", 1, "certificate", "evidence", "examples", 0, "clean", "png"], "A", "picture"),
        (["before", "verdict", "status"], "fine", "$.before"),
        (["outcome", "best"], "nad", "$.outcome: is not what the entries come to"),
        (["outcome", "status"], "fail", "$.outcome: is not what the entries come to"),
    ],
)
def test_what_contradicts_itself_is_refused(
    comparison: Comparison, path: list[Any], value: Any, words: str
) -> None:
    document = json.loads(canonical(comparison))
    _set(document, path, value)
    with pytest.raises(InputError) as refusal:
        from_document(document)
    assert words in str(refusal.value)


def test_the_model_as_it_came_is_not_a_repaired_one(comparison: Comparison) -> None:
    document = json.loads(canonical(comparison))
    document["before"] = document["entries"][1]["certificate"]
    with pytest.raises(InputError, match="as it came"):
        from_document(document)


@pytest.mark.parametrize("document", [None, [], 1, {}, {"schema": "bdaudit.audit/v1"}])
def test_what_is_no_comparison_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match="not a comparison of this version"):
        from_document(document)


def test_small_numbers_are_lenient(certificate, repaired) -> None:
    """Its lower bound counts: three of forty may be none."""
    few = dataclasses.replace(repaired.measurements.after, asr=wilson(1, 40))
    measured = dataclasses.replace(repaired.measurements, after=few)
    found = compared(
        certificate, [entry("a", dataclasses.replace(repaired, measurements=measured))]
    )
    assert found.outcome.best == "a"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_repairs_judged_by_other_limits_are_not_side_by_side(
    comparison: Comparison, number: int
) -> None:
    """The page names the limits once; who passes was judged by them."""
    entry = comparison.entries[number]
    c = entry.certificate
    drop = next(
        ((x.value, 0.0, x.bound) for x in c.verdict.checks if x.metric.endswith("drop")), None
    )
    limits = Limits(max_asr=1.0, max_accuracy_drop=0.1)
    near = neighbours_of(c)
    lenient = judge(c.judged, limits, c.subject.classes, drop, neighbours=near)
    entries = list(comparison.entries)
    entries[number] = dataclasses.replace(
        entry, certificate=dataclasses.replace(c, verdict=lenient)
    )
    written = canonical(compared(comparison.before, entries))
    with pytest.raises(InputError, match=r"^\$\.entries: are not all judged by the same limits"):
        from_document(json.loads(written))
