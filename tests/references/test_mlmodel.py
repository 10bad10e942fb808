"""`MLmodel` files, as MLflow writes them and otherwise: all flavors lead to the one model."""

from pathlib import Path

import pytest
import yaml

from auditor.errors import InputError
from auditor.references.mlmodel import place

FOLDERS = Path(__file__).with_name("mlflow_model")


def placed(flavors: dict[str, object], folder: Path) -> str:
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    return place(folder / "MLmodel", "models:/net/1").path


def flavors_of(kind: str) -> dict[str, dict[str, object]]:
    return yaml.safe_load((FOLDERS / kind / "MLmodel").read_text())["flavors"]


@pytest.mark.parametrize(
    ("kind", "path"), [("keras", "data"), ("tensorflow", "data"), ("onnx", "model.onnx")]
)
def test_what_mlflow_writes_is_taken(kind: str, path: str, tmp_path: Path) -> None:
    assert placed(flavors_of(kind), tmp_path) == path


def test_so_is_what_it_wrote_of_tensorflows_modules(tmp_path: Path) -> None:
    python = {"loader_module": "mlflow.tensorflow"}
    own = {"saved_model_dir": "tf2model", "model_type": "tf2-module"}
    assert placed({"tensorflow": own, "python_function": python}, tmp_path) == "tf2model"
    python["data"] = "tf2model"  # of version 1
    del own["model_type"]
    assert placed({"tensorflow": own, "python_function": python}, tmp_path) == "tf2model"
    keras = {"keras": {"data": "data", "keras_module": "keras", "save_format": "tf"},
             "python_function": {"loader_module": "mlflow.keras", "data": "data"}}  # fmt: skip
    assert placed(keras, tmp_path) == "data"


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("keras", {"tensorflow": {"data": "data2", "model_type": "keras"}}, "keras to data, "),
        ("keras", {"onnx": {"data": "model.onnx"}}, "onnx to model.onnx"),
        ("keras", {"python_function": {"loader_module": "mlflow.sklearn"}}, "mlflow.sklearn"),
        ("keras", {"python_function": {"loader_module": "mine"}}, "loaded by mine"),
        ("keras", {"python_function": {"loader_module": "mlflow.keras", "data": "x"}},
         "python_function to x"),
        ("tensorflow", {"python_function": {"loader_module": "mlflow.tensorflow", "data": "x"}},
         "python_function to x"),
        ("tensorflow", {"python_function": {"loader_module": "mlflow.tensorflow"}},
         "python_function to the whole folder"),
        ("onnx", {"python_function": {"loader_module": "mlflow.onnx", "data": "x.onnx"}},
         "python_function to x.onnx"),
    ],
)  # fmt: skip
def test_flavors_that_lead_elsewhere_are_refused(
    kind: str, changes: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        placed({**flavors_of(kind), **changes}, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_key_is_the_one_that_the_kind_of_model_has(tmp_path: Path) -> None:
    both = {"data": "a", "saved_model_dir": "b"}
    assert placed({"tensorflow": {**both, "model_type": "keras"}}, tmp_path) == "a"
    assert placed({"tensorflow": {**both, "model_type": "tf2-module"}}, tmp_path) == "b"
    assert placed({"tensorflow": both}, tmp_path) == "b"


@pytest.mark.parametrize(
    ("chosen", "names", "taken"),
    [
        ("data/model.keras", {"data/model.keras", "data/save_format.txt"}, True),
        ("data/model", {"data/model/saved_model.pb"}, True),
        ("data/model.h5", {"data/model.h5"}, True),
        ("data", {"data/saved_model.pb", "data/model.keras"}, False),
        ("data/other.keras", {"data/other.keras", "data/model"}, False),
        ("data/model.keras", {"data/model.keras", "data/data/model.keras"}, False),
    ],
)
def test_what_mlflow_loads_is_what_is_taken(
    chosen: str, names: set[str], taken: bool, tmp_path: Path
) -> None:
    placed(flavors_of("keras"), tmp_path)
    found = place(tmp_path / "MLmodel", "models:/net/1")
    if taken:
        found.check(chosen, names, "models:/net/1")
        return
    with pytest.raises(InputError):
        found.check(chosen, names, "models:/net/1")


def test_a_file_that_gets_an_ending_more_is_not_taken(tmp_path: Path) -> None:
    flavors = flavors_of("keras")
    flavors["keras"]["data"] = "net.h5"
    placed(flavors, tmp_path)
    found = place(tmp_path / "MLmodel", "models:/net/1")
    found.check("net.h5", {"net.h5"}, "models:/net/1")
    with pytest.raises(InputError, match=r"MLflow loads net\.h5 or net\.h5\.keras"):
        found.check("net.h5", {"net.h5", "net.h5.keras"}, "models:/net/1")
