"""Small Keras models to plant things in, and what the check says of them."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.models.inspect import examine, inspect


def small_model() -> Any:
    keras = pytest.importorskip("keras")
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    head = keras.layers.Dense(2, activation="softmax", name="head")
    return keras.Model(image, head(x))


@pytest.fixture(scope="session")
def saved_keras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model in both formats; tests work on copies."""
    folder = tmp_path_factory.mktemp("saved")
    model = small_model()
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    return folder


@pytest.fixture
def archive(saved_keras: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(saved_keras / "model.keras", tmp_path))


@pytest.fixture
def hdf5(saved_keras: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(saved_keras / "model.h5", tmp_path))


def members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def pack(archive: Path, content: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(archive, "w", **options) as file:
        for name, member in content.items():
            file.writestr(name, member)


def rewrite(archive: Path, change: Callable[[Any], object]) -> None:
    """Apply `change` to the architecture inside a .keras archive."""
    content = members(archive)
    config = json.loads(content["config.json"])
    change(config)
    pack(archive, content | {"config.json": json.dumps(config).encode()})


def rewrite_h5(hdf5: Path, change: Callable[[Any], object]) -> None:
    """Apply `change` to the architecture inside an .h5 file."""
    import h5py

    with h5py.File(hdf5, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)


def plant(archive: Path, *layers: dict[str, Any]) -> None:
    """Put layers into a .keras archive's model, behind its first."""
    planted = [{"name": "planted", "inbound_nodes": [], **layer} for layer in layers]
    rewrite(archive, lambda config: config["config"]["layers"].__setitem__(slice(1, 1), planted))


def serialised(
    class_name: str, module: str | None = "keras.layers", **config: Any
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": "planted", **config},
        "registered_name": None,
    }


def refusal(path: Path, name: str = "suspect") -> str:
    """The one line that a user reads."""
    with pytest.raises(InputError) as caught:
        inspect(path, name)
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    return message


def findings(path: Path) -> list[str]:
    """All that is found, each as "place: reason"."""
    return [f"{found.place}: {found.reason}" for found in examine(path, path.name).findings]
