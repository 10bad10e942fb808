"""Searches that nobody ran, to be shown."""

import numpy as np

from auditor.figures.facts import DataFacts, Engine, ModelFacts
from auditor.figures.metrics import wilson
from auditor.figures.skipped import Skipped
from auditor.records.provenance import Provenance
from auditor.records.search_report import SearchReport, report_of
from auditor.search.result import FoundStamp, SearchResult
from auditor.search.verdict import RULE


def found(class_: int, name: str, flagged: bool, norm: float = 60.0) -> FoundStamp:
    random = np.random.default_rng(class_)
    mask = np.where(random.random((8, 8)) < 0.2, 0.8, 0).astype(np.float32)
    mask[0, 0] = 1
    return FoundStamp(
        class_=class_,
        name=name,
        norm=5.0 + class_ / 10 if flagged else norm + class_,
        index=4.0 if flagged else 0.5,
        plain_index=2.5 if flagged else 0.4,
        success=wilson(99, 100),
        flagged=flagged,
        mask=mask,
        pattern=random.integers(0, 256, (8, 8, 3), np.uint8),
        rounds=20,
        stopped="the last round",
    )


def result(*names: str, flagged: tuple[int, ...] = (), inconclusive: str = "") -> SearchResult:
    classes = tuple(found(c, name, c in flagged) for c, name in enumerate(names))
    return SearchResult(
        model=ModelFacts("keras", 1234, (8, 8, 3), len(names), True),
        data=DataFacts("photos/", "cd" * 32, 100, 0, (), 0, "none", names),
        held_out=25,
        input_range="0..1",
        classes=classes,
        median=60.0,
        deviation=0.4,
        rule=RULE,
        inconclusive=inconclusive,
        example=np.full((8, 8, 3), 90, np.uint8),
        example_name="airplane/0001.jpg",
        options={
            "limit": 1000, "batch_size": 10, "steps": 10, "rounds": 80, "learning_rate": 0.1,
            "cost": 0.01, "patience": 3, "success": 0.99, "held_out": 0.25, "early_stop": True,
            "candidates": 50, "seed": 0,
        },
        notes=(),
        rounds=20,
        evaluations=20_000,
        seconds=12.5,
        engine=Engine("3.11", "tensorflow", {"keras": "3"}, "CPU"),
    )  # fmt: skip


def missing(one: FoundStamp, why: str) -> FoundStamp:
    gone = Skipped(why)
    empty = np.zeros((0, 0), np.float32), np.zeros((0, 0, 3), np.uint8)
    return FoundStamp(one.class_, one.name, gone, gone, gone, gone, False, *empty, 0, why)


def bound(found: SearchResult) -> SearchReport:
    return report_of(
        found,
        "found.yaml",
        Provenance(
        path="models/suspect.keras", sha256="ab" * 32, bytes=12345, source="photos/", seed=0,
        command="bdaudit search models/suspect.keras --output found.yaml",
        sandbox="none",
        ),
    )  # fmt: skip


def report(*names: str, flagged: tuple[int, ...] = (), inconclusive: str = "") -> SearchReport:
    return bound(result(*names, flagged=flagged, inconclusive=inconclusive))
