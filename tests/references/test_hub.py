"""Models on a Hugging Face hub: which bytes a reference names, and what a hostile hub can do."""

import hashlib
import html
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Workshop, assert_refusal, bdaudit
from tests.references.conftest import FIRST, SECOND, Desk

pytest.importorskip("huggingface_hub")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def found(desk: Desk, *arguments: object, **environment: str) -> dict:
    ran = desk.run("inspect", *arguments, "-f", "json", **environment)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


@pytest.mark.parametrize(
    ("reference", "commit"),
    [
        ("hf://owner/net/model.keras", SECOND),
        ("hf://owner/net@main/model.keras", SECOND),
        ("hf://owner/net@v1/model.keras", FIRST),
        (f"hf://owner/net@{FIRST}/model.keras", FIRST),
        ("hf://owner/net@v1", FIRST),
    ],
)
def test_a_reference_is_to_the_bytes_of_its_commit(desk: Desk, reference: str, commit: str) -> None:
    file = found(desk, reference)
    assert file["path"] == file["origin"]["reference"] == reference
    assert file["origin"]["commit"] == commit
    assert file["origin"]["pinned"] == f"hf://owner/net@{commit}/model.keras"
    assert file["sha256"] == sha256(desk.hub.files[commit]["model.keras"])
    assert desk.written() == set()
    (snapshot,) = desk.cache.rglob("model.keras")  # as the hub's own programs keep it
    assert snapshot.is_symlink() and snapshot.resolve().parent.name == "blobs"


def test_the_terminal_says_the_pinned_form(desk: Desk) -> None:
    ran = desk.run("inspect", "hf://owner/net/model.keras")
    pinned = f"hf://owner/net@{SECOND}/model.keras"
    assert f"bdaudit: hf://owner/net/model.keras: is {pinned}" in ran.err
    assert f"pinned    {pinned}" in ran.out
    ran = desk.run("inspect", pinned)
    assert ran.err == ""


def test_what_is_in_the_cache_is_found_offline(desk: Desk) -> None:
    pinned = f"hf://owner/net@{SECOND}/model.keras"
    found(desk, pinned)
    asked = len(desk.hub.asked)
    assert found(desk, pinned, HF_HUB_OFFLINE="1")["origin"]["commit"] == SECOND
    assert found(desk, pinned, HF_ENDPOINT="http://127.0.0.1:9")["origin"]["commit"] == SECOND
    assert found(desk, f"hf://owner/net@{SECOND}", HF_HUB_OFFLINE="1")["origin"]["pinned"] == pinned
    assert len(desk.hub.asked) == asked
    ran = desk.run("inspect", "hf://owner/net/model.keras", HF_HUB_OFFLINE="1")
    assert_refusal(ran, 3, "HF_HUB_OFFLINE is set", "which commit", SECOND)
    ran = desk.run("inspect", f"hf://owner/net@{FIRST}/model.keras", HF_HUB_OFFLINE="1")
    assert_refusal(ran, 3, "HF_HUB_OFFLINE is set", SECOND)
    ran = desk.run("inspect", "hf://owner/net/model.keras", HF_ENDPOINT="http://127.0.0.1:9")
    assert_refusal(ran, 3, "the hub could not be asked", SECOND)


def test_what_the_hub_was_not_asked_for_says_so(desk: Desk) -> None:
    """A cache is a folder that anybody may have filled."""
    pinned = f"hf://owner/net@{SECOND}/model.keras"
    assert found(desk, pinned)["origin"]["unchecked"] is False
    assert found(desk, pinned, HF_HUB_OFFLINE="1")["origin"]["unchecked"] is True
    ran = desk.run("inspect", pinned, HF_ENDPOINT="http://127.0.0.1:9")
    assert "as the cache has it, not checked with the hub" in ran.out
    assert "as the cache has it, not checked with the hub: the hub could not be asked" in ran.err


def filled(desk: Desk, name: str, commit: str, content: bytes) -> str:
    """Put a file into the cache, as a file or as a blob with its digest; return the reference."""
    folder = desk.cache / f"models--owner--{name}"
    snapshot = folder / "snapshots" / commit
    (folder / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (folder / "blobs" / sha256(content)).write_bytes(content)
    (snapshot / "model.keras").symlink_to(f"../../blobs/{sha256(content)}")
    return f"hf://owner/{name}@{commit}/model.keras"


def test_a_commit_in_the_cache_is_held_against_the_hub(desk: Desk) -> None:
    """Its content has its own digest, and is another than the hub has of that commit."""
    reference = filled(desk, "net", SECOND, desk.hub.files[FIRST]["model.keras"])
    assert_refusal(desk.run("inspect", reference), 3, "is not what the hub has")
    ran = desk.run("inspect", reference, HF_HUB_OFFLINE="1")
    assert "not checked with the hub" in ran.err + ran.out


def test_a_repository_that_the_hub_does_not_know_is_not_pinned(desk: Desk) -> None:
    reference = filled(desk, "unknown", SECOND, desk.hub.files[FIRST]["model.keras"])
    assert_refusal(desk.run("inspect", reference), 3, "no such repository")
    assert desk.run("inspect", reference, HF_HUB_OFFLINE="1").code == 0


def test_a_branch_is_known_offline_where_the_cache_has_it(desk: Desk) -> None:
    """As `hf download owner/net` leaves it."""
    found(desk, f"hf://owner/net@{SECOND}/model.keras")
    refs = desk.cache / "models--owner--net" / "refs"
    refs.mkdir()
    (refs / "main").write_text(SECOND)
    ran = desk.run("inspect", "hf://owner/net/model.keras", HF_HUB_OFFLINE="1")
    assert ran.code == 0
    assert f"pinned    hf://owner/net@{SECOND}/model.keras" in ran.out
    assert "HF_HUB_OFFLINE is set" in ran.err


def test_of_several_models_one_must_be_named(desk: Desk) -> None:
    files = desk.hub.files[SECOND]
    files["onnx/net.keras"] = files["model.keras"]
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "2 models", "hf://owner/net/model.keras, hf://owner/net/onnx/net.keras")
    assert found(desk, "hf://owner/net/onnx")["origin"]["pinned"].endswith("/onnx/net.keras")
    ran = desk.run("inspect", "hf://owner/net/nothing.keras")
    assert_refusal(ran, 3, "there is no 'nothing.keras'", "hf://owner/net/model.keras")
    desk.hub.files[SECOND] = {"model.safetensors": b"weights", "config.json": b"{}"}
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "no model file", "config.json, model.safetensors", "export")


@pytest.mark.parametrize("folder", ["saved_model", ""])
def test_a_saved_model_comes_as_a_folder(
    desk: Desk, workshop: Workshop, tmp_path: Path, folder: str
) -> None:
    """Its digest is that of the same folder on this machine."""
    import keras

    keras.models.load_model(workshop.clean).export(tmp_path / "own", verbose=False)
    own = {p.relative_to(tmp_path / "own").as_posix(): p for p in (tmp_path / "own").rglob("*")}
    files = {name: path.read_bytes() for name, path in own.items() if path.is_file()}
    before = f"{folder}/" if folder else ""
    desk.hub.files[SECOND] = {f"{before}{n}": c for n, c in files.items()} | {"README.md": b"#"}
    there = found(desk, "hf://owner/net" + (f"/{folder}" if folder else ""))
    here = bdaudit("inspect", tmp_path / "own", "-f", "json")
    assert there["format"] == "savedmodel"
    assert there["sha256"] == json.loads(here.out)["sha256"]


def test_an_onnx_file_brings_its_numbers_along(desk: Desk, tmp_path: Path) -> None:
    import onnx

    from tests.models.onnx.graphs import built

    onnx.save(built(), tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0,
              location="net.onnx_data")  # fmt: skip
    names = ("net.onnx", "net.onnx_data")
    desk.hub.files[SECOND] = {f"a/{name}": (tmp_path / name).read_bytes() for name in names}
    here = bdaudit("inspect", tmp_path / "net.onnx", "-f", "json", "--allow-external-data")
    there = found(desk, "hf://owner/net/a/net.onnx", "--allow-external-data")
    assert there["sha256"] == json.loads(here.out)["sha256"]
    ran = desk.run("inspect", "hf://owner/net")
    assert ran.code == 3
    assert "--allow-external-data" in ran.out


def test_a_scan_has_the_figures_of_the_file_and_says_what_it_was(
    desk: Desk, workshop: Workshop
) -> None:
    common = ["--data", workshop.data, "--trigger", workshop.trigger, "-q"]
    reference = "hf://owner/net"
    written = ["-o", "a.json", "-o", "a.md", "-o", "a.html", "-o", "a.junit.xml", "-o", "a.sarif"]
    ran = desk.run("scan", reference, *common, *written)
    bdaudit("scan", workshop.poisoned, *common, "-o", desk.home / "b.json")
    assert ran.code == 1, ran.err
    there, here = (json.loads((desk.home / name).read_text()) for name in ("a.json", "b.json"))
    assert there["measurements"] == here["measurements"]
    assert there["subject"]["sha256"] == here["subject"]["sha256"]
    assert there["subject"]["path"] == reference
    pinned = f"hf://owner/net@{SECOND}/model.keras"
    assert there["subject"]["origin"] == {
        "reference": reference, "pinned": pinned, "commit": SECOND, "version": "", "run": "",
        "path": "", "unchecked": False,
    }  # fmt: skip
    assert here["subject"]["origin"] is None
    for page in ("a.md", "a.html", "a.junit.xml"):
        text = (desk.home / page).read_text().replace("<!-- -->", "")  # which no reader shows
        assert pinned in html.unescape(text)
    sarif = json.loads((desk.home / "a.sarif").read_text())
    assert sarif["runs"][0]["artifacts"][0]["location"] == {"uri": reference}


def test_a_private_repository_has_the_users_token_and_nobody_else(desk: Desk) -> None:
    """The second host never gets it, and the process that opens the model has no such variable."""
    desk.hub.token = "hf_secretsecret"
    ran = desk.run("inspect", "hf://owner/net/model.keras")
    assert_refusal(ran, 3, "no such repository", "hf auth login", "HF_TOKEN")
    ran = desk.run("inspect", "hf://owner/net/model.keras", HF_TOKEN=desk.hub.token)
    assert ran.code == 0, ran.err
    assert desk.hub.token not in ran.out + ran.err
    tokens = {host: {t for h, _, _, t in desk.hub.asked if h == host} for host in ("hub", "store")}
    assert tokens == {"hub": {"", f"Bearer {desk.hub.token}"}, "store": {""}}


def test_the_same_commit_is_fetched_when_a_repair_goes_on(desk: Desk, workshop: Workshop) -> None:
    """Though the branch has moved meanwhile."""
    command = ["repair", "hf://owner/net/model.keras", "--trigger", workshop.trigger, "--data",
               workshop.data, "--output", "repaired.keras", "--epochs", "1", "-q"]  # fmt: skip
    first = desk.run(*command)
    assert first.code in (0, 1), first.err
    run = json.loads((desk.home / "repaired.run" / "run.json").read_text())
    assert run["identity"]["pinned"] == f"hf://owner/net@{SECOND}/model.keras"
    desk.hub.refs["main"] = FIRST
    again = desk.run(*command, "--resume", "--force")
    assert again.code == first.code, again.err
    audit = json.loads((desk.home / "repaired.run" / "audit.json").read_text())
    assert audit["subject"]["origin"]["commit"] == SECOND
    other = desk.run(*[f"hf://owner/net@{FIRST}/model.keras" if "hf://" in str(word) else word
                       for word in command], "--resume", "--force")  # fmt: skip
    assert_refusal(other, 2, "is another run", "pinned was")


@pytest.mark.parametrize(
    "name",
    ["../../escaped.keras", "/tmp/escaped.keras", "..\\escaped.keras", "a/../../escaped.keras",
     "a\u202eb.keras", "a\x1b[2Jb.keras"],
)  # fmt: skip
def test_no_name_that_the_hub_gives_leads_out(desk: Desk, name: str) -> None:
    desk.hub.files[SECOND] = {name: desk.hub.files[SECOND]["model.keras"]}
    before = desk.written()
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "leads out of its folder or cannot be shown")
    assert "\x1b" not in ran.err and "\u202e" not in ran.err
    assert desk.written() == before
    assert not any(desk.home.rglob("*escaped*")) and not Path("/tmp/escaped.keras").exists()


def one_header(name: str, value: str):
    return lambda given: given.update({name: value})


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Repo-Commit", "../../../../escaped"),
        ("X-Repo-Commit", "/tmp/escaped"),
        ("X-Linked-ETag", '"../../../../escaped"'),
        ("X-Linked-ETag", '"/tmp/escaped"'),
    ],
)
def test_no_header_of_the_hub_becomes_a_path(desk: Desk, header: str, value: str) -> None:
    desk.hub.headers = one_header(header, value)
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "not one of a Hugging Face hub")
    assert not any(desk.home.rglob("*escaped*")) and not list(Path("/tmp").glob("escaped*"))


def test_another_commit_than_asked_is_refused(desk: Desk) -> None:
    desk.hub.headers = one_header("X-Repo-Commit", FIRST)
    ran = desk.run("inspect", f"hf://owner/net@{SECOND}/model.keras")
    assert_refusal(ran, 3, "of another commit")
    desk.hub.headers = lambda given: None
    desk.hub.listed = lambda found: found.update(sha=FIRST)
    ran = desk.run("inspect", f"hf://owner/net@{SECOND}")
    assert_refusal(ran, 3, "another commit", FIRST)
    desk.hub.listed = lambda found: found.update(sha="../../x")
    assert_refusal(desk.run("inspect", "hf://owner/net"), 3, "another commit")


def test_a_damaged_cache_is_not_audited(desk: Desk) -> None:
    reference = f"hf://owner/net@{SECOND}/model.keras"
    found(desk, reference)
    (snapshot,) = desk.cache.rglob("model.keras")
    content = bytearray(snapshot.read_bytes())
    content[100] ^= 1
    snapshot.resolve().write_bytes(content)
    ran = desk.run("inspect", reference)
    assert_refusal(ran, 3, "is not what the hub has", str(snapshot.resolve()))


def endless(content: bytes) -> Iterator[bytes]:
    while True:
        yield b"\0" * (1 << 20)


def test_a_body_that_does_not_end_is_cut_off(desk: Desk) -> None:
    desk.hub.body = endless
    began = time.monotonic()
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "more comes than", "bytes")
    assert time.monotonic() - began < 60
    left = [p for p in desk.home.rglob("*") if p.is_file() and p.stat().st_size > 1 << 16]
    assert left == []


def test_other_content_than_the_hub_has_is_refused(desk: Desk) -> None:
    desk.hub.body = lambda content: iter([content[:-1] + b"x"])
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "is not what the hub has")
    desk.hub.body = lambda content: iter([content[:-100]])
    ran = desk.run("inspect", f"hf://owner/net@{FIRST}/model.keras")
    assert_refusal(ran, 3, "could not be downloaded")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_no_file(desk: Desk, location: str) -> None:
    desk.hub.location = location
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "could not be downloaded")


def test_a_model_larger_than_may_be_is_refused_before_it_comes(desk: Desk) -> None:
    def large(found: dict) -> None:
        found["siblings"][1]["size"] = 9 << 30

    desk.hub.listed = large
    ran = desk.run("inspect", "hf://owner/net")
    assert_refusal(ran, 3, "9,663,676,416 bytes; at most")
    assert {host for host, *_ in desk.hub.asked} == {"hub"}


def test_ctrl_c_leaves_nothing_but_the_caches_own(desk: Desk, tmp_path: Path) -> None:
    """The body comes by drops, and the command is interrupted meanwhile."""
    import signal
    import subprocess
    import sys

    def slowly(content: bytes) -> Iterator[bytes]:
        yield content[:100]
        time.sleep(30)

    desk.hub.body = slowly
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "HF_ENDPOINT": desk.hub.url, "HF_HOME": str(desk.home / "hf"),
                   "TMPDIR": str(scratch)}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "inspect", "hf://owner/net"],
        env=environment, cwd=tmp_path, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not any(host == "store" for host, *_ in desk.hub.asked):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert list(scratch.iterdir()) == []
    desk.hub.body = None
    assert desk.run("inspect", "hf://owner/net").code == 0
