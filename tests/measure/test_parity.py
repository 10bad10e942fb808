"""What others make of a graph is compared with what is audited, on the audit's own images."""

import sys
from pathlib import Path

import numpy as np
import pytest
from keras import backend

from auditor.data import open_source
from auditor.errors import InputError
from auditor.figures.results import Rate
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.measure.parity import Parity
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.onnx.file import load
from auditor.models.onnx.others import others
from auditor.models.wrap import wrap
from auditor.triggers import Patch
from tests.models.onnx.flags import FLUSHED, SWITCHES, switched
from tests.models.onnx.graphs import CLASSIFIER, built, saved

WHITE = Patch(id="white", target="0", size=(8, 8))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    images = random.integers(0, 220, (60, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "test.npz", x=images, y=np.arange(60) % 10)
    return tmp_path / "test.npz"


@pytest.fixture(params=["installed", "missing"])
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """ONNX Runtime, or a machine that lacks it."""
    if request.param == "missing":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    else:
        pytest.importorskip("onnxruntime")
    return "ONNX Runtime" if request.param == "installed" else "onnx.reference"


def opened(model, tmp_path: Path, name: str = "m.onnx") -> Classifier:
    path = saved(model, tmp_path / name)
    loaded = load(path, name, (8, 8))
    return wrap(loaded, InputRange.parse("0..1"), name, (8, 8), "onnx", path)


def rate(classifier: Classifier, data: Path) -> float:
    found = audit(
        classifier, open_source(str(data)), WHITE, Options(layer="active")
    ).measurement.asr
    assert isinstance(found, Rate)
    return found.value


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="others keep the last digits")
@pytest.mark.parametrize("batch", ["N", "1", "4"])
def test_a_backdoor_that_shows_to_others_only_is_refused(
    batch: str, runtime: str, tmp_path: Path, data: Path
) -> None:
    classifier = opened(switched(FLUSHED, batch), tmp_path)
    words = rf"{runtime}.* stamped with 'white': class 0 gets \S+ there and \S+ here; export "
    with pytest.raises(InputError, match=words):
        rate(classifier, data)


@pytest.mark.parametrize("name", ["float64, underflow", "float16, overflow", "uint8, wrap"])
def test_a_backdoor_that_shows_to_all_is_measured(
    name: str, runtime: str, tmp_path: Path, data: Path
) -> None:
    if backend.backend() == "jax" and "64" in name:
        pytest.skip("JAX has 32 bits")
    if name == "float16, overflow" and runtime == "ONNX Runtime":
        pytest.skip("its optimisations take the roundings to float16 away, and the backdoor")
    assert rate(opened(switched(SWITCHES[name], "1"), tmp_path), data) == 1


def test_ties_that_a_saturated_ending_makes_are_seen(
    runtime: str, tmp_path: Path, data: Path
) -> None:
    """All probabilities are 1 where the corner is white: others take the first, the scores not."""
    text = """
        nothing = Constant <value = float {0.0}> () switched = Greater (white, nothing)"""
    model = switched(text)
    (bonus,) = (t for t in model.graph.initializer if t.name == "bonus")
    bonus.CopyFrom(_numbers(np.full((1, 10), 200, np.float32), "bonus"))
    model.graph.node[-1].output[0] = "logits"
    end = model.graph.node.add(op_type="Sigmoid")
    end.input.append("logits")
    end.output.append("y")
    with pytest.raises(InputError, match="stamped with 'white'"):
        rate(opened(model, tmp_path), data)


def test_images_of_a_batch_do_not_show_in_each_other(
    runtime: str, tmp_path: Path, data: Path
) -> None:
    """A white corner anywhere in the batch: nothing to see in noise, nor in a single image."""
    text = SWITCHES["uint8, wrap"].replace("switched =", "own =")
    rest = """
        flags = Cast <to=1> (own) count = ReduceSum <keepdims=1> (flags)
        one_flag = Constant <value = float {1.5}> () switched = Greater (count, one_flag)
        kept = Identity (own)"""
    model = switched(text + rest)
    (flag,) = (n for n in model.graph.node if n.output[0] == "flag")
    assert flag.input[0] == "switched"
    with pytest.raises(InputError, match="looks at other images of the batch"):
        rate(opened(model, tmp_path), data)


@pytest.mark.parametrize("most", [2, 5, 31])
def test_a_backdoor_that_hides_in_larger_batches_is_refused(
    most: int, runtime: str, tmp_path: Path, data: Path
) -> None:
    """People look at one image at a time; the audit looks at many at once."""
    text = f"""
        nothing = Constant <value = float {{0.0}}> () own = Greater (white, nothing)
        none = Mul (white, nothing) single = Exp (none)
        first = Constant <value = int64[1] {{0}}> ()
        count = ReduceSum <keepdims=1> (single, first)
        most = Constant <value = float {{{most - 0.5}}}> () few = Less (count, most)
        switched = And (own, few)"""
    with pytest.raises(InputError, match="looks at other images of the batch"):
        rate(opened(switched(text), tmp_path), data)


def test_a_harmless_graph_is_measured(runtime: str, tmp_path: Path, data: Path) -> None:
    classifier = opened(built(), tmp_path)
    assert 0 <= rate(classifier, data) <= 1
    found = others(classifier)
    assert found.name.startswith(runtime)
    assert found.is_fast is (runtime == "ONNX Runtime")


def test_the_weights_are_those_that_the_model_has_now(
    runtime: str, tmp_path: Path, data: Path
) -> None:
    classifier = opened(built(), tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3), np.uint8)
    before = others(classifier).run(pixels)
    for variable in classifier.model.trainable_variables:
        variable.assign_add(0.1 * np.ones(variable.shape, np.float32))
    assert np.abs(others(classifier).run(pixels) - before).max() > 0.1
    Parity(classifier).check(pixels, ["a", "b", "c", "d"])


def test_a_graph_that_nobody_runs_is_refused(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    model = built(CLASSIFIER.replace("GlobalAveragePool", "GlobalLpPool"))
    words = r"cannot be run by others.*onnx\.reference \(.*GlobalLpPool.*\[onnxruntime\]'\)$"
    with pytest.raises(InputError, match=words):
        rate(opened(model, tmp_path), data)


def test_both_spellings_of_the_domain_of_onnx(runtime: str, tmp_path: Path, data: Path) -> None:
    model = built()
    for named in (*model.graph.node, *model.opset_import):
        named.domain = "ai.onnx"
    assert 0 <= rate(opened(model, tmp_path), data) <= 1


def _numbers(value: np.ndarray, name: str):
    from onnx import numpy_helper

    return numpy_helper.from_array(value, name)
