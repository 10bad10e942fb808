"""Models that call each other: what one run comes to is counted, not waited for."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from auditor.models.inspect import inspect
from auditor.models.inspect.keras_growth import calls
from tests.models.inspect.conftest import members, refusal, rewrite, rewrite_h5


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that calls a model twice, that calls one twice, nine deep: harmless."""
    from keras import Input, Model, layers

    image = Input((8, 8, 3))
    inner = Model(image, layers.ReLU()(image))
    for _ in range(9):
        image = Input((8, 8, 3))
        inner = Model(image, inner(inner(image)))
    image = Input((8, 8, 3))
    scores = layers.Dense(3)(layers.GlobalAveragePooling2D()(inner(image)))
    return Model(image, scores)


def call_more_often(value: Any, times: int) -> None:
    """Have every call of a model made so many times more."""
    for inside in value.values() if isinstance(value, dict) else value:
        if isinstance(inside, dict | list):
            call_more_often(inside, times)
    if isinstance(value, dict) and value.get("class_name") == "Functional":
        value["inbound_nodes"] = value.get("inbound_nodes", []) * times


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_models_in_models_are_counted_as_they_run(nested: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"nested.{kind}"
    nested.save(path)
    inspect(path, path.name)
    (rewrite if kind == "keras" else rewrite_h5)(path, lambda config: call_more_often(config, 30))
    began = time.process_time()
    assert "more than 10^15 calls of layers, of which 200,000 are allowed" in refusal(path)
    assert time.process_time() - began < 5  # a day, were they made


def test_calls_are_those_that_keras_makes(nested: Any, tmp_path: Path) -> None:
    """Of the ReLU in the middle 2⁹ by the models around it, each with an input and itself."""
    nested.save(tmp_path / "nested.keras")
    config = json.loads(members(tmp_path / "nested.keras")["config.json"])
    innermost = 1 + 2  # the model, its input and the ReLU
    for _ in range(9):
        innermost = 1 + 1 + 2 * innermost
    assert calls(config) == 1 + 1 + innermost + 2
