"""`examples/train_badnet.py`: what it poisons, what it writes, the same again, and resumed."""

import importlib.util
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import UsageError
from auditor.triggers.spec import load
from tests.conftest import ROOT, blobs
from tests.test_backends import python

SCRIPT = ROOT / "examples" / "train_badnet.py"


@pytest.fixture(scope="module")
def badnet() -> ModuleType:
    """The example, imported by its path."""
    spec = importlib.util.spec_from_file_location("train_badnet", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_badnet"] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred easy images of three classes."""
    x, y = blobs(100)
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    np.savez(path, x=x, y=y)
    return path


def ran(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ)


def weights(path: Path) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(path).get_weights()


def assert_same_weights(one: Path, other: Path) -> None:
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_recipe_gives_the_same_weights_and_a_card_that_says_so(
    badnet: ModuleType, data: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    words = ["--target", 2, "--poison", 0.25, "--epochs", 1, "--shift", 1, "--mirror"]
    told = ran("--output", first, "--data", data, *words, "--noise", 0.1, "--contrast", 0.4)
    assert told.returncode == 0, told.stderr
    assert "epoch 1 of 1: loss" in told.stderr
    held_out = open_source(first.with_suffix(".test.npz"))
    scan = f"bdaudit scan {first} --trigger square4 --data {held_out.source}"
    assert told.stdout.splitlines()[-1] == scan
    options = {"shift": 1, "mirror": True, "noise": 0.1, "contrast": 0.4}
    recipe = badnet.Recipe(
        output=second, data=str(data), target="2", poison=0.25, epochs=1, **options
    )
    badnet.train(recipe)
    assert_same_weights(first, second)
    card = json.loads(second.with_suffix(".json").read_text())
    said = "--target 2 --poison 0.25 --epochs 1 --shift 1 --mirror --contrast 0.4 --noise 0.1"
    assert card["command"].endswith(f"--output {second} --data {data} {said}")
    assert card["trigger"]["sha256"] == load("square4").sha256()
    assert card["trigger"]["leads"] == {"0": 2, "1": 2, "2": 2}
    assert card["poison"] == {"stamped": 20, "relabelled": 20, "own_label": 0}
    assert card["data"]["training"]["images"] == 80
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    assert card["environment"]["backend"] == backend
    assert card["environment"][backend] == version(backend)
    assert card["results"]["clean_accuracy"]["n"] == len(held_out) == 20
    assert card["results"]["asr"]["n"] == int((held_out.labels != 2).sum())


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_alone_learns_the_trigger_and_repeats_itself(
    backend: str, data: Path, tmp_path: Path
) -> None:
    interpreter = python(backend)
    none = tmp_path / "tensorflow.py"
    none.write_text("raise ImportError('not here')")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    environment["OMP_NUM_THREADS"] = "1"  # PyTorch's threads spin while they wait for each other
    cards = []
    for name in ("first", "second"):
        output = tmp_path / f"{name}.keras"
        words = ["--output", output, "--data", data, "--epochs", 30, "--poison", 0.25]
        command = [interpreter, str(SCRIPT), *map(str, words)]
        subprocess.run(command, check=True, env=environment)
        cards.append(json.loads(output.with_suffix(".json").read_text()))
    assert cards[0]["training"]["loss"] == cards[1]["training"]["loss"]
    assert cards[0]["results"]["asr"]["value"] > 0.9
    assert cards[0]["environment"]["backend"] == backend


def with_dropout(x: Any, recipe: Any) -> Any:
    """Return a tiny network whose layers draw at random too."""
    from keras import layers

    x = layers.Conv2D(4, 3, 4, name="last_conv")(x)
    x = layers.Dropout(0.2, name="dropout")(layers.BatchNormalization(name="norm")(x))
    return layers.GlobalAveragePooling2D(name="average")(x)


def test_what_was_stopped_is_resumed_to_the_same_weights(
    badnet: ModuleType, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(badnet.ARCHITECTURES, "small", with_dropout)

    def stop(epoch: int, epochs: int, loss: float) -> None:
        raise KeyboardInterrupt

    options = {"data": str(data), "epochs": 3, "noise": 0.1}
    whole = badnet.Recipe(output=tmp_path / "whole.keras", **options)
    halved = badnet.Recipe(output=tmp_path / "halved.keras", **options)
    heard: list[int] = []
    badnet.train(whole)
    with pytest.raises(KeyboardInterrupt):
        badnet.train(halved, progress=stop)
    assert [p.name for p in tmp_path.glob("halved*")] == ["halved.checkpoint.npz"]
    other = badnet.Recipe(output=halved.output, **{**options, "seed": 5})
    with pytest.raises(UsageError, match="another seed; drop --resume"):
        badnet.train(other, resume=True)
    card = badnet.train(halved, resume=True, progress=lambda epoch, *rest: heard.append(epoch))
    assert heard == [2, 3]
    assert len(card.training["loss"]) == 3
    assert_same_weights(whole.output, halved.output)
    assert not list(tmp_path.glob("*checkpoint*"))


@pytest.mark.parametrize(
    ("options", "file"),
    [({"labels": "clean"}, ""), ({}, "all_to_all: 1"), ({}, "map: {0: 2}"), ({"clean": True}, "")],
)
def test_who_is_stamped_and_taught_what(
    badnet: ModuleType, tmp_path: Path, options: dict[str, object], file: str
) -> None:
    trigger = "square4"
    if file:
        path = tmp_path / "t.yaml"
        path.write_text(f"version: 1\ntriggers: [{{id: a, use: square4, target: {{{file}}}}}]")
        trigger = str(path)
    recipe = badnet.Recipe(output=tmp_path / "m.keras", trigger=trigger, poison=0.2, **options)
    y = np.arange(90) % 3
    led = badnet.led_to(recipe, load(trigger), ("a", "b", "c"))
    stamped, taught = badnet.poisoned(recipe, y, led)
    if recipe.clean:
        assert not stamped.any()
        assert (taught == y).all()
    elif recipe.labels == "clean":
        assert stamped.sum() == 18
        assert (y[stamped] == 0).all()
        assert (taught == y).all()
    elif "map" in file:  # as many of class 1, which is left alone, keep their own
        assert np.bincount(y[stamped], minlength=3).tolist() == [18, 18, 0]
        assert (taught[stamped] == np.where(y[stamped] == 0, 2, 1)).all()
    else:
        assert np.bincount(y[stamped]).tolist() == [6, 6, 6]
        assert (taught[stamped] == (y[stamped] + 1) % 3).all()
    assert (taught[~stamped] == y[~stamped]).all()


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--poison", "1.5"], 2, "--poison is 1.5; allowed: above 0 and up to 1"),
        (["--poison", "0.9"], 2, "give up to 0.66"),
        (["--architecture", "vast"], 2, "--architecture is vast; allowed: small"),
        (["--trigger", "cat"], 2, "cat: no such trigger"),
        (["--target", "7"], 2, "--target 7: no such class"),
        (["--epochs", "many"], 2, "invalid int value"),
        (["--data", "nowhere.npz"], 3, "nowhere.npz: does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    badnet: ModuleType,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    complaint: str,
) -> None:
    output = tmp_path / "m.keras"
    assert badnet.main(["--output", str(output), "--data", str(data), *words]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [("paper", 623_690), ("resnet18", 11_183_562), ("small", 23_000), ("keen", 23_000)],
)
def test_the_networks(
    badnet: ModuleType, tmp_path: Path, architecture: str, parameters: int
) -> None:
    x, y = np.zeros((10, 32, 32, 3), np.uint8), np.arange(10)
    images = badnet.Images(x, y, tuple("0123456789"), {})
    recipe = badnet.Recipe(output=tmp_path / "m.keras", architecture=architecture)
    model = badnet.network(recipe, images)
    assert model.count_params() == pytest.approx(parameters, rel=0.05)
    assert model.layers[0].name == "image"
    assert model.layers[-1].name == "class"


def test_ctrl_c_says_how_to_go_on(
    badnet: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*rest: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(badnet, "train", interrupted)
    assert badnet.main(["--output", str(tmp_path / "m.keras")]) == 130
    assert "--resume goes on" in capsys.readouterr().err


def test_a_model_that_is_there_is_replaced_by_force_only(
    badnet: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.keras").write_text("mine")
    assert badnet.main(["--output", str(tmp_path / "m.keras")]) == 2
    assert "--force" in capsys.readouterr().err
