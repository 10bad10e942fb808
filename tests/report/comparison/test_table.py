"""The table of a comparison, its sentences, and the CSV."""

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from auditor.figures.policy import with_comebacks
from auditor.probe.comebacks import comebacks
from auditor.records.comparison import Comparison, compared
from auditor.report.comparison.finding import broken, failures, finding, headline, limits
from auditor.report.comparison.scatter import scatter
from auditor.report.comparison.table import COLUMNS, cells, columns_of, rows
from auditor.report.comparison.text import summary
from auditor.report.formats import COMPARISON, render
from tests.report import probes
from tests.report.comparisons import FAILED


def lines(comparison: Comparison) -> dict[str, dict[str, str]]:
    text = render(comparison, "csv").decode("utf-8")
    return {line["name"]: line for line in csv.DictReader(io.StringIO(text))}


def test_the_csv_says_what_the_json_says(comparison: Comparison) -> None:
    document = json.loads(render(comparison, "json"))
    found = lines(comparison)
    assert list(found) == ["before", "no-anchor", "unlearn", "no-ascent", "nad"]
    measured = {"before": document["before"]["measurements"]["before"]}
    for entry in document["entries"][:2]:
        measured[entry["name"]] = entry["certificate"]["measurements"]["after"]
        line = found[entry["name"]]
        assert float(line["seconds"]) == entry["seconds"]
        assert int(line["images"]) == entry["images"]
        repair = entry["certificate"]["repair"]
        assert float(line["der"]) == repair["der"]
        near = [n["after"] for n in repair["neighbours"] if "value" in n["after"]]
        worst = max(near, key=lambda rate: rate["value"])
        assert float(line["worst_neighbour_asr"]) == worst["value"]
        target = document["before"]["target"]["class"]
        classes = repair["evidence"]["classes"]
        accuracy = next(c["accuracy"] for c in classes if c["class"] == target)
        assert float(line["target_class_accuracy"]) == accuracy["value"]
        assert line["verdict"] == entry["certificate"]["verdict"]["status"]
    for name, figures in measured.items():
        for rate in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate"):
            for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
                assert float(found[name][f"{rate}{suffix}"]) == figures[rate][key]
        assert float(found[name]["tar"]) == figures["tar"]["median"]
        assert float(found[name]["tar_low"]) == figures["tar"]["low"]


def test_what_failed_is_a_line_that_says_why(comparison: Comparison) -> None:
    found = lines(comparison)
    for name, why in (("nad", FAILED), ("no-ascent", "No epoch lowered ASR")):
        assert found[name]["failed"].startswith(why)
        figures = [c.key for c in COLUMNS]
        assert {found[name][key] for key in figures} == {""}
    assert {found[name]["best"] for name in ("no-anchor", "no-ascent", "nad")} == {"0"}
    assert found["unlearn"]["best"] == "1"
    assert [name for name, _ in failures(comparison)] == ["no-ascent", "nad"]


def test_the_best_of_a_column_is_marked(comparison: Comparison) -> None:
    table = rows(comparison)
    marked = {
        column.key: {row.name for row, found in zip(table, cells(table), strict=True)
                     if found[index].best}
        for index, column in enumerate(columns_of(table))
    }  # fmt: skip
    assert marked["clean_accuracy"] == {"unlearn"}
    assert marked["seconds"] == marked["images"] == {"no-anchor"}
    assert marked["clean_target_rate"] == set()  # neither end is better
    assert marked["der"] == {"unlearn"}
    assert all("before" not in names for names in marked.values())


def test_the_sentences(comparison: Comparison, certificate, helpless) -> None:
    assert headline(comparison).startswith("PASS  no-anchor and unlearn, of 4 repairs, keep every")
    assert finding(comparison).startswith("Unlearn serves best: ")
    lost = compared(certificate, comparison.entries[2:])
    assert headline(lost) == "FAIL  none of 2 repairs keeps every limit"
    assert finding(lost) == "No repair helped, so none handed back a model."
    assert any("chosen by the figures" in sentence for sentence in limits(comparison))
    alone = compared(certificate, comparison.entries[2:3])
    name = comparison.entries[2].name
    assert headline(alone) == f"FAIL  {name}, the only repair, does not keep every limit"
    broken = [replace(e, certificate=None, failed="it died") for e in comparison.entries]
    assert finding(compared(certificate, broken)).startswith("Every repair failed before it was")
    none = compared(certificate, [])
    assert "nothing to compare" in finding(none)
    assert "none was tried" in headline(none)
    assert not any("chosen by the figures" in sentence for sentence in limits(none))


def test_the_dots_lie_where_the_figures_are(comparison: Comparison) -> None:
    drawn = scatter(rows(comparison), "unlearn")
    by_name = {dot.name: dot for dot in drawn.dots}
    assert set(by_name) == {"before", "no-anchor", "unlearn"}
    measured = comparison.before.measurements.before
    assert by_name["before"].left == 100 * measured.asr.value
    assert by_name["unlearn"].top < by_name["no-anchor"].top
    assert drawn.dots[-1].name == "unlearn"
    labels = sorted(dot.label for dot in drawn.dots if not dot.flipped)
    assert min(b - a for a, b in zip(labels, labels[1:], strict=False)) >= 7 - 1e-9
    assert scatter(rows(comparison)[:1], None) is None


@pytest.mark.parametrize("format_", COMPARISON)
def test_every_format_of_every_outcome(comparison: Comparison, certificate, format_: str) -> None:
    for found in (
        comparison,
        compared(certificate, []),
        compared(certificate, comparison.entries[3:]),
    ):
        assert len(render(found, format_)) > 100


def test_what_nobody_tried_is_no_column_to_look_at(comparison: Comparison) -> None:
    asked = {"comes_back", "comes_back_control"}
    assert not asked & {column.key for column in columns_of(rows(comparison))}
    entries = [
        replace(entry, certificate=replace(entry.certificate, reactivation=probes.back()))
        if entry.name == "unlearn"
        else entry
        for entry in comparison.entries
    ]
    table = rows(replace(comparison, entries=tuple(entries)))
    keys = [column.key for column in columns_of(table)]
    assert asked < set(keys)
    found = {row.name: cells_ for row, cells_ in zip(table, cells(table), strict=True)}
    assert found["unlearn"][keys.index("comes_back")].text == "86.0 %"
    assert found["unlearn"][keys.index("comes_back_control")].text == "6.0 %"
    assert found["before"][keys.index("comes_back")].text == "–"


def test_the_limit_that_a_repair_does_not_keep_is_named(comparison: Comparison) -> None:
    one, back = comparison.entries[1], probes.back()
    verdict = with_comebacks(one.certificate.verdict, comebacks(back), 0.3)
    probed = replace(one, certificate=replace(one.certificate, reactivation=back, verdict=verdict))
    made = compared(comparison.before, [probed])
    assert lines(made)["unlearn"]["failed_checks"].split()[-1] == "reactivation"
    assert lines(made)["before"]["failed_checks"] == ""
    assert "Brought back 80.0 points, judged by" in dict(broken(made))["unlearn"]
    console = Console(width=2_000, file=io.StringIO())
    console.print(summary(made, 2_000))
    for text in (console.file.getvalue(), render(made, "html").decode()):
        assert "does not keep: " in text and "limit 30.0 points." in text
