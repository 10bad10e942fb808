"""HDF5 files that are not as Keras writes them: real files, looked at but never loaded."""

import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect import examine, inspect
from tests.models.inspect.conftest import findings, members, pack, refusal, small_model


@pytest.mark.parametrize("link", ["external", "soft"])
def test_links_are_refused(hdf5: Path, link: str) -> None:
    with h5py.File(hdf5, "r+") as file:
        target = h5py.ExternalLink("/etc/x.h5", "/a") if link == "external" else h5py.SoftLink("/")
        file["model_weights/planted"] = target
    assert "/model_weights/planted: a soft or external link" in refusal(hdf5)


@pytest.mark.parametrize("target", ["/", "/model_weights", "/model_weights/head"])
def test_a_second_name_is_refused(hdf5: Path, target: str) -> None:
    """Cycles without end; or one array that Keras loads once under each of a thousand names."""
    with h5py.File(hdf5, "r+") as file:
        file["model_weights/planted"] = file[target]
    assert "a second name for a node" in refusal(hdf5)


def test_links_inside_an_archive_are_refused(archive: Path, tmp_path: Path) -> None:
    content = members(archive)
    weights = tmp_path / "model.weights.h5"
    weights.write_bytes(content["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file["planted"] = h5py.ExternalLink("/etc/x.h5", "/a")
    pack(archive, content | {"model.weights.h5": weights.read_bytes()})
    assert "model.weights.h5/planted: a soft or external link" in refusal(archive)


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    file.create_virtual_dataset("planted", layout)


def repeated_names(file: Any) -> None:
    names = [name.encode() for name in file["model_weights/head"].attrs["weight_names"]]
    file["model_weights/head"].attrs["weight_names"] = names * 2


def respelled_names(file: Any) -> None:
    names = [name.encode() for name in file["model_weights/head"].attrs["weight_names"]]
    file["model_weights/head"].attrs["weight_names"] = [names[0], b"./" + names[0]]


def references(file: Any) -> None:
    file["model_weights"].attrs["planted"] = file["model_weights"].ref


def attributes(file: Any) -> None:
    for number in range(1500):
        file["model_weights"].attrs[f"a{number}"] = number


PLANTED: dict[str, tuple[Callable[[Any], object], str]] = {
    "external storage": (
        lambda file: file.create_dataset("planted", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
        "/planted: keeps its data in another file",
    ),
    "virtual": (virtual, "/planted: is virtual"),
    "filter": (
        lambda file: file.create_dataset("planted", data=np.zeros(9), fletcher32=True),
        "/planted: is stored in chunks",
    ),
    "compression": (
        lambda file: file.create_dataset("planted", data=np.zeros(10**7), compression="gzip"),
        "/planted: is stored in chunks",
    ),
    "text": (
        lambda file: file.create_dataset("planted", (2,), h5py.string_dtype()),
        "/planted: does not hold numbers",
    ),
    "references": (
        lambda file: file.create_dataset("planted", (2,), h5py.ref_dtype),
        "/planted: does not hold numbers",
    ),
    "compound": (
        lambda file: file.create_dataset("planted", (2,), [("a", "i4"), ("b", "f4")]),
        "/planted: does not hold numbers",
    ),
    "unwritten": (
        lambda file: file.create_dataset("planted", (10**8,), "f4"),
        "/planted: declares 400000000 bytes that the file does not have",
    ),
    "huge": (
        lambda file: file.create_dataset("planted", (10**11,), "f4", chunks=(1000,)),
        "/planted: is stored in chunks",
    ),
    "named type": (
        lambda file: file.__setitem__("planted", np.dtype("f4")),
        "/planted: neither a group nor a dataset",
    ),
    "reference attribute": (references, "attribute planted is neither numbers nor plain text"),
    "repeated names": (repeated_names, "attribute weight_names names the same weights twice"),
    "respelled names": (respelled_names, "attribute weight_names names the same weights twice"),
    "many attributes": (attributes, "attributes"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_keras_does_not_write_is_refused(hdf5: Path, kind: str) -> None:
    change, reason = PLANTED[kind]
    with h5py.File(hdf5, "r+") as file:
        change(file)
    assert reason in refusal(hdf5)


def test_everything_refused_is_told_at_once(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file["planted"] = h5py.SoftLink("/")
        file["other"] = h5py.ExternalLink("/etc/x.h5", "/a")
        file.create_dataset("text", (2,), h5py.string_dtype())
        file.attrs["model_config"] = file.attrs["model_config"].replace("Conv2D", "Lambda")
    found = findings(hdf5)
    assert len(found) == 4
    assert "config.layers[1]: class 'Lambda'" in found[-1]


def test_datasets_that_share_their_bytes_are_refused(hdf5: Path) -> None:
    """A megabyte that Keras would load as many times as there are datasets that claim it."""
    with h5py.File(hdf5, "r+") as file:
        real = file.create_dataset("real", data=np.ones(250_000, "f4"))
        for number in range(3):
            file.create_dataset(f"planted{number}", (250_000,), "f4")
        file.flush()
        start = real.id.get_offset()
    nowhere = b"\xff" * 8 + struct.pack("<Q", 1_000_000)
    content = hdf5.read_bytes()
    assert content.count(nowhere) == 3
    hdf5.write_bytes(content.replace(nowhere, struct.pack("<QQ", start, 1_000_000)))
    assert "bytes of weights but stores" in refusal(hdf5)


@pytest.mark.parametrize("length", [0, 255, 2**64 - 1])
def test_heap_without_an_end_is_refused(hdf5: Path, length: int) -> None:
    """HDF5 follows the lengths of a heap's texts; from these it never comes back."""
    content = bytearray(hdf5.read_bytes())
    first = content.index(b"GCOL") + 16
    struct.pack_into("<Q", content, first + 8, length)
    hdf5.write_bytes(content)
    program = (
        "import sys, pathlib, auditor.models.inspect as i\n"
        "try: i.inspect(pathlib.Path(sys.argv[1]), 'suspect')\n"
        "except i.inspection.InputError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(hdf5)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "suspect: damaged or not HDF5" in told


@pytest.mark.parametrize("length", [2**40, 2**63 + 5])
def test_weights_that_look_like_a_heap_are_weights(hdf5: Path, length: int) -> None:
    looks = b"GCOL\x01" + bytes(3) + struct.pack("<Q", length)
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("weights", data=np.frombuffer(looks * 4, "f4"))
    assert findings(hdf5) == []


def test_weights_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    small_model().save_weights(path)
    assert "no architecture in this file" in refusal(path)


def test_architecture_that_is_no_text_is_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file.attrs["model_config"] = [1, 2]
    assert "not a model saved by Keras" in refusal(hdf5)


def many_nodes(file: Any) -> None:
    group = file.create_group("many")
    for number in range(61_000):
        group.create_group(str(number))


def many_attributes(file: Any) -> None:
    for number in range(600):
        group = file.create_group(f"many{number}")
        for index in range(101):
            group.attrs.create(str(index), 1)


def deep_nodes(file: Any) -> None:
    for _ in range(5000):
        file = file.create_group("d")
    file["planted"] = h5py.SoftLink("/")


@pytest.mark.parametrize("fill", [many_nodes, many_attributes, deep_nodes])
def test_many_nodes_are_answered_in_seconds(hdf5: Path, fill: Callable[[Any], None]) -> None:
    """Unbounded, each costs 40 µs: minutes for a file of a few hundred megabytes."""
    with h5py.File(hdf5, "r+") as file:
        fill(file)
    start = time.process_time()
    assert refusal(hdf5)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("format", ["keras", "h5"])
def test_changed_bytes_never_escape_as_other_errors(archive: Path, hdf5: Path, format: str) -> None:
    path = archive if format == "keras" else hdf5
    content = members(archive)
    original = hdf5.read_bytes() if format == "h5" else content["model.weights.h5"]
    chance = random.Random(3)
    for _ in range(60):
        changed = bytearray(original)
        for _ in range(chance.choice([1, 8])):
            changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
        if format == "h5":
            path.write_bytes(changed)
        else:  # packed again, so that the checksum does not give it away
            pack(path, content | {"model.weights.h5": bytes(changed)})
        try:
            examine(path, path.name)
        except InputError as error:
            assert "\n" not in str(error)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    """HDF5 has no such number; Keras stores bytes."""
    keras = pytest.importorskip("keras")
    path = tmp_path / "model.keras"
    dense = keras.layers.Dense(2, dtype="bfloat16")
    keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), dense]).save(path)
    assert inspect(path, path.name).stored == 2 * 48 + 2
