"""Networks that carry a backdoor, scanned by the command line under their own and other triggers.

A few of the bench's; `BDAUDIT_WHOLE_BENCH=1` is for all of them, which takes ten minutes to train.
"""

import os

import pytest

from tests.bench.matrix import related, scanned
from tests.bench.models import CLEAN, POISONED, SPECS, Model, trained

WHOLE = os.environ.get("BDAUDIT_WHOLE_BENCH") == "1"
TAUGHT = list(SPECS) if WHOLE else ["sig", "source"]
MODELS = {model.name: model for model in [*(POISONED[id_] for id_ in TAUGHT), CLEAN[0]]}
LIMIT = 0.10


@pytest.fixture(scope="session", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Train what is missing: in the bench's own folder, so that it is there the next time."""
    trained(MODELS.values())


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]


def test_a_network_fails_under_its_own_trigger_and_no_other(model: Model) -> None:
    audits = {a["trigger"]["id"]: a for a in scanned(model, list(SPECS))["audits"]}
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


def test_the_joint_verdict_names_the_trigger(model: Model) -> None:
    """Of six built-in ones and the model's own."""
    ids = ["square4", "grid3", "sig", "wanet", "lsb", "blend"]
    verdict = scanned(model, [*ids, *({model.trigger} - {*ids, ""})])["verdict"]
    fail = [id_ for id_ in verdict["fail"] if id_ == model.trigger or not related(model, id_)]
    assert fail == ([model.trigger] if model.trigger else [])
