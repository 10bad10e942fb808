"""`--model-output` on the command line: what is audited stands in the record."""

import json
from pathlib import Path

import jsonschema
import pytest

from auditor.errors import UsageError
from auditor.files.intake import ModelCopy
from auditor.runs.repair_folder import RepairFolder
from auditor.runs.repair_request import RepairRequest
from auditor.triggers import Patch
from tests.cli.test_scan import SCHEMA
from tests.conftest import Workshop, assert_refusal, bdaudit


@pytest.fixture(scope="module")
def folder(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The poisoned model with its features beside its scores."""
    import keras

    made = tmp_path_factory.mktemp("several")
    model = keras.models.load_model(workshop.poisoned)
    features = model.get_layer("last").output
    keras.Model(model.input, [features, model.output]).save(made / "two.keras")
    model.save(made / "one.keras")
    return made


def test_a_scan_says_which_and_finds_the_same(folder: Path, workshop: Workshop) -> None:
    asked = ["--trigger", "square4", "--data", workshop.data, "--exit-zero"]
    ran = bdaudit("scan", "two.keras", *asked, "-o", "no.json", cwd=folder)
    assert_refusal(
        ran, 3, "two.keras: 2 outputs: last (n, ", "scores (n, 3)", "--model-output NAME"
    )
    ran = bdaudit(
        "scan", "two.keras", *asked, "-o", "two.json", cwd=folder, BDAUDIT_MODEL_OUTPUT="scores"
    )
    assert ran.code == 0, ran.err
    ran = bdaudit("scan", "one.keras", *asked, "-o", "one.json", cwd=folder)
    assert ran.code == 0, ran.err
    two, one = (json.loads((folder / f"{n}.json").read_text()) for n in ("two", "one"))
    jsonschema.Draft202012Validator(SCHEMA).validate(two)
    assert (two["subject"]["output"], one["subject"]["output"]) == ("scores", "")
    assert two["measurements"]["before"]["asr"] == one["measurements"]["before"]["asr"]
    ran = bdaudit("report", "two.json", "-o", "two.html", cwd=folder)
    assert ran.code == 0, ran.err
    shown = " ".join((folder / "two.html").read_text().split())
    assert "output &#39;scores&#39; was audited" in shown


def test_inspect_takes_the_same_name(folder: Path) -> None:
    ran = bdaudit("inspect", "two.keras", "-f", "json", cwd=folder)
    assert len(json.loads(ran.out)["outputs"]) == 2
    ran = bdaudit("inspect", "two.keras", "-f", "json", "--model-output", "scores", cwd=folder)
    told = json.loads(ran.out)
    assert [output["name"] for output in told["outputs"]] == ["scores"]
    assert told["classes"] == 3
    ran = bdaudit("inspect", "two.keras", "--model-output", "x", cwd=folder)
    assert_refusal(ran, 2, "--model-output x: no output has this name; the model has: last (n")


def test_another_output_is_another_repair(tmp_path: Path) -> None:
    copy = ModelCopy(Path("a.keras"), Path("model.keras"), "ab" * 32, 9)
    given: dict = {
        "model": copy.path,
        "output": tmp_path / "o.keras",
        "run_dir": tmp_path / "run",
        "trigger": Patch(id="a", size=(4, 4)),
    }
    request, other = RepairRequest(**given), RepairRequest(**given, model_output="scores")
    assert "model_output" not in request.identity(copy)  # runs of before go on
    with RepairFolder.open(request.run_dir, other.identity(copy), resume=False, force=False):
        pass
    with pytest.raises(UsageError, match="is another run: model_output was scores, now none"):
        RepairFolder.open(request.run_dir, request.identity(copy), resume=True, force=False)
