"""Audit a suspected image classifier for a backdoor.

    path   ──models───▶ Classifier ─┐
    source ──data─────▶ Dataset ────┼─ measure ─▶ AuditResult ──┬─ figures ─▶ Verdict ─▶ exit code
    spec   ──triggers─▶ Trigger ────┤                           │                │
                                    ├─ repair ──▶ RepairResult ─┼─ records ─▶ Certificate
                                    └─ search ──▶ SearchResult ─┘                └─ report ─▶ bytes

The command line runs everything up to the results in a worker process of its own, because the
model is not trusted; so do the functions of `auditor.runs`, which hold what the commands do. The
names below run it in this process:

    classifier = auditor.load_classifier("model.keras")
    images, trigger = auditor.open_source("photos/"), auditor.load_trigger("square4")
    result = auditor.audit(classifier, images, trigger)
    print(result.measurement.asr)

    clean = auditor.open_source("clean/")
    task = auditor.RepairTask(
        classifier=classifier, data=clean, trigger=trigger, target=result.target
    )
    print(auditor.repair_classifier(task).reason)  # the classifier has the repaired weights now
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from auditor.data import open_source as open_source
    from auditor.figures.policy import Limits as Limits
    from auditor.figures.policy import judge as judge
    from auditor.measure.audit import audit as audit
    from auditor.measure.audit import audit_all as audit_all
    from auditor.measure.options import Options as Options
    from auditor.models import load_classifier as load_classifier
    from auditor.repair.base import Task as RepairTask
    from auditor.repair.base import repair as repair_classifier
    from auditor.repair.options import RepairOptions as RepairOptions
    from auditor.search.base import search as search_triggers
    from auditor.search.options import SearchOptions as SearchOptions
    from auditor.triggers.spec import load as load_trigger

_PUBLIC = {
    "Limits": ("auditor.figures.policy", "Limits"),
    "Options": ("auditor.measure.options", "Options"),
    "RepairOptions": ("auditor.repair.options", "RepairOptions"),
    "RepairTask": ("auditor.repair.base", "Task"),
    "SearchOptions": ("auditor.search.options", "SearchOptions"),
    "audit": ("auditor.measure.audit", "audit"),
    "audit_all": ("auditor.measure.audit", "audit_all"),
    "judge": ("auditor.figures.policy", "judge"),
    "load_classifier": ("auditor.models", "load_classifier"),
    "load_trigger": ("auditor.triggers.spec", "load"),
    "open_source": ("auditor.data", "open_source"),
    "repair_classifier": ("auditor.repair.base", "repair"),
    "search_triggers": ("auditor.search.base", "search"),
}

__all__ = [
    "Limits",
    "Options",
    "RepairOptions",
    "RepairTask",
    "SearchOptions",
    "audit",
    "audit_all",
    "judge",
    "load_classifier",
    "load_trigger",
    "open_source",
    "repair_classifier",
    "search_triggers",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: importing `auditor` itself costs nothing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'auditor' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)
