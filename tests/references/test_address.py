"""Addresses with passwords in them, and what is said of them."""

import socket
from pathlib import Path

import pytest

from auditor.references.address import hidden
from tests.conftest import assert_refusal, bdaudit

REFERENCES = {
    "MLFLOW_TRACKING_URI": ("models:/net/1", "mlflow"),
    "HF_ENDPOINT": ("hf://owner/net", "huggingface_hub"),
}


@pytest.mark.parametrize("variable", REFERENCES)
@pytest.mark.parametrize(
    "address",
    ["http://user:topsecret/x@127.0.0.1:9", "http://user:12/topsecret@127.0.0.1:9",
     "http://user:topsecret?x@127.0.0.1:9", "http://user:topsecret#x@127.0.0.1:9",
     "http://[::1:topsecret", "http://127.0.0.1:topsecret", "http://:topsecret"],
)  # fmt: skip
def test_one_that_cannot_be_read_is_named_and_not_shown(
    variable: str, address: str, tmp_path: Path
) -> None:
    reference, package = REFERENCES[variable]
    pytest.importorskip(package)
    environment = {variable: address, "HF_HOME": str(tmp_path)}
    ran = bdaudit("inspect", reference, cwd=tmp_path, **environment)
    assert_refusal(ran, 2, f"{variable}: ", "percent-encoded")
    assert "topsecret" not in ran.out + ran.err


@pytest.mark.parametrize("variable", REFERENCES)
@pytest.mark.parametrize("password", ["topsecret x", "topsecret@x", "topsecret%2Fx"])
def test_a_password_is_in_no_message(variable: str, password: str, tmp_path: Path) -> None:
    reference, package = REFERENCES[variable]
    pytest.importorskip(package)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # of nobody, once it is closed
    environment = {variable: f"http://user:{password}@127.0.0.1:{port}", "HF_HOME": str(tmp_path)}
    ran = bdaudit("inspect", reference, cwd=tmp_path, **environment)
    assert_refusal(ran, 3, reference)
    assert "topsecret" not in ran.out + ran.err


def test_no_scheme_shows_no_password(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    ran = bdaudit("inspect", "models:/net/1", MLFLOW_TRACKING_URI="//user:topsecret@host")
    assert_refusal(ran, 2, "MLFLOW_TRACKING_URI: its value is not asked")


def test_every_way_of_writing_is_hidden() -> None:
    address = "http://user:a /b@c@host:5000/x"
    environment = {"MLFLOW_TRACKING_URI": address, "HTTPS_PROXY": "http://us:proxied@there"}
    for said in (address, "failed: a /b@c", "a%20/b%40c", "a%20%2Fb%40c", "via proxied",
                 "http://user:a /b@c@host", "user:a%20%2Fb%40c", "user: unknown"):  # fmt: skip
        found = hidden(f"x {said} y", environment)
        assert found.startswith("x ") and found.endswith(" y")
        assert not any(word in found for word in ("user", "b@c", "b%40c", "proxied"))
    short = {"HF_ENDPOINT": "http://u:p@host"}
    assert hidden("could not be opened: p, http://u:p@host/x", short) == (
        "could not be opened: ***, ***/x"
    )
    assert (
        hidden("Connection to 127.0.0.1 refused", environment) == "Connection to 127.0.0.1 refused"
    )
