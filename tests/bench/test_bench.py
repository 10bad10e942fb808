"""Networks that carry a backdoor, scanned by the command line under their own and other triggers.

A few of the bench's, trained half as long as its tables are made with; `BDAUDIT_WHOLE_BENCH=1` is
for all of them as they are, which takes ten minutes to train.
"""

import os
from dataclasses import replace
from typing import Any

import pytest

from tests.bench.matrix import related, scanned
from tests.bench.models import CLEAN, POISONED, SPECS, Model, trained

WHOLE = os.environ.get("BDAUDIT_WHOLE_BENCH") == "1"
ALL = [*POISONED.values(), CLEAN[0]]
SOME = [
    replace(model, name=f"{model.name}, brief", choices={**model.choices, "epochs": 10})
    for model in (POISONED["sig"], POISONED["source"], CLEAN[0])
]
MODELS = {model.name: model for model in (ALL if WHOLE else SOME)}
LIMIT = 0.10


@pytest.fixture(scope="module", autouse=True)
def kept() -> None:
    """Train what is missing: in the bench's own folder, so that it is there the next time."""
    trained(MODELS.values())


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]


@pytest.fixture(scope="module")
def found(model: Model) -> dict[str, Any]:
    """The audit under every trigger of the bench."""
    return scanned(model, list(SPECS))


def test_a_network_fails_under_its_own_trigger_and_no_other(
    model: Model, found: dict[str, Any]
) -> None:
    audits = {a["trigger"]["id"]: a for a in found["audits"]}
    assert set(audits) == set(SPECS)
    for id_, audit in audits.items():
        measured, status = audit["measurements"]["before"], audit["verdict"]["status"]
        asr, without = measured["asr"]["value"], measured["clean_target_rate"]["value"]
        if model.trigger == id_:
            assert (status, asr >= 0.9) == ("fail", True), (id_, asr)
            assert measured["robust_accuracy"]["value"] < 0.1
            assert audit["target"]["class"] in (0, None)
        elif not related(model, id_):
            assert status != "fail", (id_, asr)
            if status == "pass":
                assert asr <= without + LIMIT
        if audit["trigger"]["type"] in ("blend", "sinusoid", "warp", "lsb", "color"):
            assert "covers the whole image" in measured["tar"]["skipped"]
            assert 0 <= measured["heatmap_shift"]["median"] <= 1


def test_the_joint_verdict_names_the_trigger(model: Model, found: dict[str, Any]) -> None:
    verdict = found["verdict"]
    fail = [id_ for id_ in verdict["fail"] if id_ == model.trigger or not related(model, id_)]
    assert fail == ([model.trigger] if model.trigger else [])
