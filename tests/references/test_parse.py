"""How references are written, which names may be paths, and what an MLmodel says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import InputError, UsageError
from auditor.references import HubReference, RegistryReference, RunReference, mlmodel, parse
from auditor.references.base import is_safe, said
from auditor.references.choice import choose, models
from auditor.references.mlmodel import place
from tests.conftest import assert_refusal, bdaudit

FOLDERS = Path(__file__).with_name("mlflow_model")


def test_what_is_written_is_read() -> None:
    found = parse("hf://owner/net.v2@refs%2Fpr%2F1/onnx/model.onnx")
    assert isinstance(found, HubReference)
    assert (found.repository, found.revision, found.file, found.suffix) == (
        "owner/net.v2", "refs/pr/1", "onnx/model.onnx", ".onnx",
    )  # fmt: skip
    assert found.at(found.revision, found.file) == found.text
    found = parse("models:/traffic signs@champion")
    assert isinstance(found, RegistryReference)
    assert (found.name, found.version, found.alias) == ("traffic signs", "", "champion")
    found = parse("runs:/0a1b/models/net")
    assert isinstance(found, RunReference)
    assert (found.run, found.path) == ("0a1b", "models/net")


@pytest.mark.parametrize("text", ["model.keras", "/a/b.onnx", "a:b.keras", "./hf:/x", "C:\\x", ""])
def test_a_path_is_no_reference(text: str) -> None:
    assert parse(text) is None


def test_a_file_may_be_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be no reference was taken as a file, and is; a reference is never a folder here."""
    monkeypatch.chdir(tmp_path)
    Path("models:net.keras").touch()
    assert parse("models:net.keras") is None
    Path("hf:", "owner", "net").mkdir(parents=True)
    assert isinstance(parse("hf://owner/net"), HubReference)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("hf://owner", "hf://OWNER/NAME"),
        ("hf:/owner/net", "hf://OWNER/NAME"),
        ("hf:owner/net", "hf://OWNER/NAME"),
        ("hf:///owner/net", "hf://OWNER/NAME"),
        ("hf://owner/net@", "commit"),
        ("hf://owner/net@../x/y", "revision"),
        ("hf://owner/net@main/../x", "without .."),
        ("hf://owner/net/a\\b", "without .."),
        ("hf://datasets/owner/net", "datasets are not models"),
        ("models:name", "models:/NAME/VERSION"),
        ("models:/name", "models:/NAME/VERSION"),
        ("models://name/1", "models:/NAME/VERSION"),
        ("models:/a/1/b", "models:/NAME/VERSION"),
        ("models:/a@b@c", "models:/NAME/VERSION"),
        ("runs:/only", "runs:/RUN_ID/PATH"),
        ("runs:/id/../x", "runs:/RUN_ID/PATH"),
        ("s3://bucket/net.keras", "s3: is not fetched"),
        ("https://huggingface.co/owner/net", "https: is not fetched"),
        ("file:///etc/passwd", "file: is not fetched"),
    ],
)
def test_another_form_is_refused_with_the_right_one(text: str, form: str) -> None:
    with pytest.raises(UsageError, match="^[^\n]+$") as refused:
        parse(text)
    assert form in str(refused.value)


def test_every_command_takes_references(tmp_path: Path) -> None:
    for command in ("scan", "repair", "search", "compare", "inspect"):
        flags = {"scan": ["--trigger", "square4"], "search": ["--output", "a.yaml"], "inspect": []}
        own = flags.get(command, ["--trigger", "square4", "--output", "a.onnx", "--run-dir", "a"])
        ran = bdaudit(command, "hf://owner", *own, cwd=tmp_path)
        assert_refusal(ran, 2, "hf://owner: expected hf://OWNER/NAME")


def test_what_is_compared_by_digest_is_a_file(tmp_path: Path) -> None:
    for command in ("verify", "gate", "sign"):
        ran = bdaudit(command, "audit.json", "--model", "hf://owner/net", cwd=tmp_path)
        assert_refusal(ran, 2, "is a reference; fetch it")


@given(st.text(max_size=40) | st.text("./\\a:\0\n", max_size=10))
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    if is_safe(name):
        joined = Path("/folder") / name
        assert joined.resolve().is_relative_to("/folder")
        assert str(joined) == f"/folder/{name}"


def test_nothing_shows_a_password() -> None:
    text = "GET http://user:p%40ss@host:5000/x: failed through http://me@proxy"
    assert said(ValueError(text)) == "GET http://host:5000/x: failed through http://proxy"


@pytest.mark.parametrize(
    ("folder", "path"),
    [("keras", "data/model.keras"), ("tensorflow", "data/model.keras"), ("onnx", "model.onnx")],
)
def test_an_mlmodel_says_where_its_model_is(folder: str, path: str) -> None:
    """Folders that MLflow itself has saved."""
    names = {
        file.relative_to(FOLDERS / folder).as_posix()
        for file in (FOLDERS / folder).rglob("*")
        if file.is_file()
    }
    where = place(FOLDERS / folder / mlmodel.NAME, "models:/net/1").path
    assert choose(names, where, "models:/net/1", str).path == path
    flags = ["--allow-external-data"] if folder == "onnx" else []
    assert bdaudit("inspect", FOLDERS / folder / path, *flags).code == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("flavors: {onnx: {data: ../../x}}", "does not say where"),
        ("flavors: {onnx: {data: /etc/passwd}}", "does not say where"),
        ("flavors: {onnx: {data: 3}}", "does not say where"),
        ("flavors: {onnx: {}}", "does not say where"),
        ("flavors: {pytorch: {data: x}}", "none, but pytorch"),
        ("flavors: [onnx]", "says nothing of flavors"),
        ("", "says nothing of flavors"),
        ("flavors: !!python/object/apply:os.system [id]", "tag"),
        ("flavors: &a {onnx: *a}", "line 1"),
        ("flavors: {onnx: {data: a}, onnx: {data: b}}", "twice"),
        ("\xff", "flavors"),
        ("[" * 200, "line 1"),
        ("a: " + "x" * (1 << 20), "cannot be read"),
    ],
)
def test_an_mlmodel_is_read_as_data_only(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / mlmodel.NAME
    file.write_text(text)
    with pytest.raises(InputError, match="^[^\n]+$") as refused:
        place(file, "models:/net/1")
    assert word in str(refused.value)


def test_models_among_files() -> None:
    names = ["README.md", "a.keras", "b/saved_model.pb", "b/variables/variables.index", "c.ONNX"]
    assert models(names) == ["a.keras", "b", "c.ONNX"]
    assert choose(names, "b", "hf://o/n", str).files == {
        "b/saved_model.pb": "b/saved_model.pb",
        "b/variables/variables.index": "b/variables/variables.index",
    }
    with pytest.raises(InputError, match="3 models are there"):
        choose(names, "", "hf://o/n", str)


def test_a_name_that_no_file_can_have_is_a_path_or_a_reference() -> None:
    assert parse("a" * 300) is None
    with pytest.raises(UsageError, match="expected models:/NAME/VERSION"):
        parse("models:" + "a" * 300)
