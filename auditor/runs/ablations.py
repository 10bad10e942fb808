"""The variants of `unlearn` that `bdaudit compare --ablate` sets side by side."""

from collections.abc import Mapping
from statistics import mean
from typing import Any, Final

from auditor.repair.options import RepairOptions

ABLATED: Final = "unlearn"
"""The method whose parts are taken away one by one."""

_ALPHA: Final = mean(RepairOptions.of(ABLATED).alpha)

ABLATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    ABLATED: {},
    "no-recovery": {"recovery_epochs": 0},
    "no-anchor": {"anchor_weight": 0.0},
    "no-ascent": {"alpha": (0.0, 0.0)},
    "fisher-anchor": {"anchor": "fisher"},
    "constant-alpha": {"alpha": (_ALPHA, _ALPHA)},
}
"""Variant → the fields of `RepairOptions` that it sets otherwise. To add one, add its line."""
