"""Models in a real MLflow server on this machine, and what a hostile one can do."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Ran, Workshop, assert_refusal, bdaudit
from tests.references.mlflow_server import Registry, serving

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.server")  # of all of MLflow, not of its client alone

FOLDERS = Path(__file__).with_name("mlflow_model")


@dataclass
class Server:
    """A real server and what is in it.

    Attributes:
        url: Its address.
        run: The run that has left everything.
    """

    url: str
    run: str


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def filled(uri: str, logged: bool) -> str:
    """Register the folders that MLflow has saved; return the run."""
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.create_experiment("signs")
    run = client.create_run(experiment).info.run_id
    for folder in ("keras", "tensorflow", "onnx", "sklearn"):
        client.log_artifacts(run, str(FOLDERS / folder), f"models/{folder}")
        client.create_registered_model(folder)
        source = f"runs:/{run}/models/{folder}"
        client.create_model_version(folder, source, run)
    client.create_model_version("keras", f"runs:/{run}/models/keras", run)
    client.set_registered_model_alias("keras", "champion", "1")
    client.log_artifact(run, str(FOLDERS / "keras" / "data" / "model.keras"), "plain")
    if logged:
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run(run):
            import keras

            model = keras.models.load_model(FOLDERS / "keras" / "data" / "model.keras")
            mlflow.keras.log_model(model, name="net", registered_model_name="logged")
    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{folder}/store.db",
             "--artifacts-destination", str(folder / "artifacts")],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            cwd=folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", url)
            yield Server(url, filled(url, logged=True))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def look(reference: str, *flags: str, cwd: Path | None = None, **environment: str) -> Ran:
    return bdaudit("inspect", reference, *flags, cwd=cwd, **environment)


def found(reference: str, *flags: str, **environment: str) -> dict:
    ran = look(reference, "-f", "json", *flags, **environment)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


@pytest.mark.parametrize(
    ("reference", "file", "version"),
    [
        ("models:/keras/1", "keras/data/model.keras", "1"),
        ("models:/keras@champion", "keras/data/model.keras", "1"),
        ("models:/keras/latest", "keras/data/model.keras", "2"),
        ("models:/tensorflow/1", "tensorflow/data/model.keras", "1"),
        ("runs:/{run}/models/keras", "keras/data/model.keras", ""),
        ("runs:/{run}/models/keras/data/model.keras", "keras/data/model.keras", ""),
        ("runs:/{run}/plain/model.keras", "keras/data/model.keras", ""),
        ("runs:/{run}/plain", "keras/data/model.keras", ""),
    ],
)
def test_a_reference_is_to_the_models_own_file(
    server: Server, reference: str, file: str, version: str
) -> None:
    reference = reference.format(run=server.run)
    looked = found(reference)
    origin = looked["origin"]
    assert looked["sha256"] == sha256(FOLDERS / file)
    assert (origin["reference"], origin["version"], origin["run"]) == (
        reference, version, server.run,
    )  # fmt: skip
    name = reference.removeprefix("models:/").replace("@", "/").split("/")[0]
    assert origin["pinned"] == (f"models:/{name}/{version}" if version else reference)


def test_a_model_as_log_model_leaves_it(server: Server) -> None:
    """MLflow 3 keeps it apart from the run's artifacts."""
    by_version, by_run = found("models:/logged/1"), found(f"runs:/{server.run}/net")
    assert by_version["sha256"] == by_run["sha256"]
    assert by_version["origin"]["run"] == server.run
    client = mlflow.MlflowClient(server.url)
    source = client.get_model_version("logged", "1").source
    assert found(source)["sha256"] == by_run["sha256"]


def test_an_onnx_model_with_its_numbers_beside_it(server: Server) -> None:
    ran = look("models:/onnx/1")
    assert ran.code == 3
    assert "--allow-external-data" in ran.out
    here = bdaudit("inspect", FOLDERS / "onnx" / "model.onnx", "-f", "json",
                   "--allow-external-data")  # fmt: skip
    there = found("models:/onnx/1", "--allow-external-data")
    assert there["sha256"] == json.loads(here.out)["sha256"]


def test_a_stage_is_what_mlflow_makes_of_it(server: Server) -> None:
    client = mlflow.MlflowClient(server.url, server.url)
    with pytest.warns(FutureWarning):
        client.transition_model_version_stage("tensorflow", "1", "Production")
    assert found("models:/tensorflow/Production")["origin"]["pinned"] == "models:/tensorflow/1"
    assert_refusal(look("models:/tensorflow/Staging"), 3, "no version is in that stage", "@ALIAS")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("models:/sklearn/1", ("flavors", "python_function, sklearn", "ONNX")),
        ("models:/nothing/1", ("127.0.0.1", "not found")),
        ("models:/keras/9", ("127.0.0.1", "not found")),
        ("models:/keras@nobody", ("nobody", "not found")),
        ("runs:/{run}/nothing", ("there is no 'nothing'",)),
        ("runs:/0123456789abcdef/net", ("not found",)),
    ],
)
def test_what_is_not_there_or_cannot_be_audited_is_said(
    server: Server, reference: str, words: tuple[str, ...]
) -> None:
    assert_refusal(look(reference.format(run=server.run)), 3, *words)


def test_whom_to_ask_must_be_said() -> None:
    ran = look("models:/keras/1", MLFLOW_TRACKING_URI="")
    assert_refusal(ran, 2, "MLFLOW_TRACKING_URI is not set", "export MLFLOW_TRACKING_URI=http")
    ran = look("models:/keras/1", MLFLOW_TRACKING_URI="databricks")
    assert_refusal(ran, 2, "databricks is not asked", "http://")
    ran = look("models:/keras/1", MLFLOW_TRACKING_URI="mysql://user:secret@host/x")
    assert_refusal(ran, 2, "mysql")
    assert "secret" not in ran.err
    ran = look("models:/keras/1", MLFLOW_TRACKING_URI="http://user:secret@127.0.0.1:9")
    assert_refusal(ran, 3, "127.0.0.1")
    assert "secret" not in ran.err


def test_a_store_on_this_machine_is_named_from_the_users_folder(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run = filled(f"sqlite:///{tmp_path}/own.db", logged=False)
    ran = look("models:/keras@champion", "-f", "json", cwd=tmp_path,
               MLFLOW_TRACKING_URI="sqlite:///own.db")  # fmt: skip
    assert ran.code == 0, ran.err
    looked = json.loads(ran.out)
    assert looked["sha256"] == sha256(FOLDERS / "keras" / "data" / "model.keras")
    assert looked["origin"]["run"] == run


def test_a_scan_says_version_and_run(server: Server, workshop: Workshop, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(server.url, server.url)
    client.log_artifact(server.run, str(workshop.poisoned), "scanned")
    client.create_registered_model("scanned")
    client.create_model_version("scanned", f"runs:/{server.run}/scanned", server.run)
    client.set_registered_model_alias("scanned", "new", "1")
    common = ["--data", workshop.data, "--trigger", workshop.trigger, "-q"]
    ran = bdaudit("scan", "models:/scanned@new", *common, "-o", tmp_path / "a.json")
    assert ran.code == 1, ran.err
    bdaudit("scan", workshop.poisoned, *common, "-o", tmp_path / "b.json")
    there, here = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert there["measurements"] == here["measurements"]
    assert there["subject"]["sha256"] == sha256(workshop.poisoned)
    assert there["subject"]["origin"] == {
        "reference": "models:/scanned@new", "pinned": "models:/scanned/1", "commit": "",
        "version": "1", "run": server.run, "path": "scanned/model.keras", "unchecked": False,
    }  # fmt: skip


MODEL = (FOLDERS / "keras" / "data" / "model.keras").read_bytes()


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with serving(Registry({"model.keras": MODEL})) as registry:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.url)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret-token")
        monkeypatch.setenv("TMPDIR", str(scratch))
        yield registry
    assert list(scratch.iterdir()) == []


def test_a_server_that_answers_as_it_should(hostile: Registry) -> None:
    """The stand-in is one that is taken where it does nothing hostile."""
    assert found("models:/net@new")["origin"]["pinned"] == "models:/net/3"
    assert {token for _, token in hostile.asked} == {"Bearer secret-token"}


@pytest.mark.parametrize(
    "place",
    ["file:///etc", "/etc", "mlflow-artifacts://127.0.0.1:9/model", "s3://bucket/model",
     "http://127.0.0.1:9/api/2.0/mlflow-artifacts/artifacts/model", "FILE:///etc", "etc",
     "hdfs://a/b", "ftp://a/b"],
)  # fmt: skip
def test_artifacts_are_nowhere_but_on_the_server(hostile: Registry, place: str) -> None:
    """Neither this machine's files nor another host, which would be sent the token."""
    hostile.place = place
    assert_refusal(look("models:/net/3"), 3, "not kept by the MLflow server")


@pytest.mark.parametrize("name", ["../escaped.keras", "/tmp/escaped.keras", "a\\escaped.keras",
                                  "%2e%2e/escaped.keras", "a\x1b[2J.keras", "..", ""])  # fmt: skip
def test_no_name_that_the_server_gives_leads_out(hostile: Registry, name: str) -> None:
    hostile.listed = lambda path, entries: [{"path": name, "is_dir": False, "file_size": 3}]
    ran = look("models:/net/3")
    assert_refusal(ran, 3)
    assert "\x1b" not in ran.err
    assert not list(Path("/tmp").glob("escaped*"))


def test_folders_without_end_are_not_gone_through(hostile: Registry) -> None:
    hostile.listed = lambda path, entries: [{"path": "deeper", "is_dir": True}]
    assert_refusal(look("models:/net/3"), 3, "folders 20 deep")
    hostile.listed = lambda path, entries: [
        {"path": f"{n}.keras", "is_dir": False, "file_size": 1} for n in range(1_001)
    ]
    assert_refusal(look("models:/net/3"), 3, "more than 1,000 files")


def test_sizes_are_held_to(hostile: Registry) -> None:
    sized = {"path": "model.keras", "is_dir": False}
    hostile.listed = lambda path, entries: [{**sized, "file_size": 9 << 30}]
    assert_refusal(look("models:/net/3"), 3, "9,663,676,416 bytes; at most")
    hostile.listed = lambda path, entries: [{**sized, "file_size": len(MODEL) + 1}]
    assert_refusal(look("models:/net/3"), 3, "by what the server says")
    hostile.listed = lambda path, entries: [{**sized, "file_size": -5}]
    assert_refusal(look("models:/net/3"), 3)


def endless(content: bytes) -> Iterator[bytes]:
    while True:
        yield b"\0" * (1 << 20)


def test_a_body_that_does_not_end_is_cut_off(hostile: Registry) -> None:
    hostile.body = endless
    began = time.monotonic()
    assert_refusal(look("models:/net/3"), 3, "models:/net/3")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_no_file(hostile: Registry, where: str) -> None:
    hostile.redirect = where
    assert_refusal(look("models:/net/3"), 3, "models:/net/3")


def test_a_redirect_to_another_host_takes_no_token_along(hostile: Registry) -> None:
    with serving(Registry({"model.keras": MODEL})) as other:
        hostile.redirect = other.url.replace("127.0.0.1", "localhost") + (
            "/api/2.0/mlflow-artifacts/artifacts/model/model.keras"
        )
        assert look("models:/net/3").code == 0
        assert {token for _, token in other.asked} == {""}


def test_a_number_that_is_none_is_refused(hostile: Registry) -> None:
    hostile.number = "3/../../x"
    assert_refusal(look("models:/net@new"), 3, "no number of a version")
