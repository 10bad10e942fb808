"""Hostile HDF5 files, and files that are no model of the kind that they say."""

import os
import pickle
import shutil
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.cli.hostile_models import Bait, Make, Sample, members


def hdf5(change: Callable[[Any, Bait], object]) -> Make:
    """Change a whole model in HDF5."""

    def make(path: Path, bait: Bait) -> None:
        shutil.copy(bait.shelf / "poisoned.h5", path)
        with h5py.File(path, "r+") as file:
            change(file, bait)

    return make


def external_link(file: Any, bait: Bait) -> None:
    del file["model_weights/first"]
    file["model_weights/first"] = h5py.ExternalLink("/etc/passwd", "/first")


def external_storage(file: Any, bait: Bait) -> None:
    file.create_dataset("model_weights/x", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual(file: Any, bait: Bait) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", (4,))
    file.create_virtual_dataset("model_weights/x", layout)


def many_attributes(file: Any, bait: Bait) -> None:
    for number in range(1100):
        file["model_weights"].attrs[f"a{number}"] = number


def second_architecture(file: Any, bait: Bait) -> None:
    file.attrs["model_config"] = [file.attrs["model_config"]] * 2


def weights_only(path: Path, bait: Bait) -> None:
    path.write_bytes(members(bait.shelf / "clean.keras")["model.weights.h5"])


def user_block(path: Path, bait: Bait) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = 1
    with path.open("r+b") as file:
        file.write(b"#!/bin/sh\nid\n")


def dataset(**more: Any) -> Make:
    return hdf5(lambda file, bait: file.create_dataset("model_weights/x", **more))


HDF5: dict[str, Sample] = {
    "external link": ("m.h5", hdf5(external_link), ["/model_weights/first", "external link"]),
    "soft link": (
        "m.h5",
        hdf5(lambda file, bait: file.update({"model_weights/x": h5py.SoftLink("/")})),
        ["/model_weights/x", "soft or external link"],
    ),
    "a loop": (
        "m.h5",
        hdf5(lambda file, bait: file["model_weights"].update({"x": file["model_weights"]})),
        ["/model_weights/x", "second name"],
    ),
    "external storage": ("m.h5", hdf5(external_storage), ["/model_weights/x", "in another file"]),
    "virtual dataset": ("m.h5", hdf5(virtual), ["/model_weights/x", "is virtual"]),
    "a filter": ("m.h5", dataset(data=np.zeros(999), compression=1), ["/x", "chunks"]),
    "huge dataset": ("m.h5", dataset(shape=(10**12,), dtype="f4"), ["/x", "4000000000000 bytes"]),
    "texts for weights": ("m.h5", dataset(data=["a", "b"]), ["/x", "does not hold numbers"]),
    "references": (
        "m.h5",
        dataset(shape=(2,), dtype=h5py.ref_dtype),
        ["/model_weights/x", "does not hold numbers"],
    ),
    "a type for a node": (
        "m.h5",
        hdf5(lambda file, bait: file.update({"x": np.dtype("f4")})),
        ["/x", "neither a group nor a dataset"],
    ),
    "attribute bomb": ("m.h5", hdf5(many_attributes), ["/model_weights", "attributes"]),
    "two architectures": ("m.h5", hdf5(second_architecture), ["m.h5", "not a model saved by"]),
    "no weights": (
        "m.h5",
        hdf5(lambda file, bait: file.pop("model_weights")),
        ["m.h5", "not a model saved by Keras"],
    ),
    "weights only": ("m.h5", weights_only, ["no architecture in this file"]),
    "user block": ("m.h5", user_block, ["m.h5", "unknown kind"]),
}


class Act:
    """Runs code when it is unpickled."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.source,)


def pickled(protocol: int) -> Make:
    return lambda path, bait: path.write_bytes(pickle.dumps(Act(bait.source), protocol))


def torch_archive(path: Path, bait: Bait) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Act(bait.source), 2))
        file.writestr("archive/version", "3\n")


def objects(path: Path, bait: Bait) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([Act(bait.source)], object), allow_pickle=True)


def script(path: Path, bait: Bait) -> None:
    path.write_text(f"#!/usr/bin/env python\n{bait.source}\n")
    path.chmod(0o755)


def tar(path: Path, bait: Bait) -> None:
    with tarfile.open(path, "w:gz") as file:
        file.add(bait.shelf / "clean.keras", "../../m.keras")


def sparse(path: Path, bait: Bait) -> None:
    """Make a file of 9 GiB that takes no room, behind a link: the tests hash all in a folder."""
    path.parent.symlink_to(bait.elsewhere)
    shutil.copy(bait.shelf / "poisoned.h5", path)
    os.truncate(path, 9 << 30)


def bound(path: Path, bait: Bait) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path) if len(str(path)) > 100 else str(path))


def behind_links(path: Path, bait: Bait) -> None:
    """Make a chain of symbolic links that ends outside, at a Lambda."""
    shutil.copy(bait.shelf / "lambda.keras", bait.elsewhere / "m.keras")
    (bait.elsewhere / "link").symlink_to(bait.elsewhere / "m.keras")
    path.symlink_to(bait.elsewhere / "link")


def nothing(path: Path, bait: Bait) -> None:
    pass


FILES: dict[str, Sample] = {
    "pickle": ("m.keras", pickled(4), ["m.keras", "a Python pickle"]),
    "pickle in text": ("m.h5", pickled(0), ["m.h5", "a Python pickle"]),
    "PyTorch called .keras": ("m.keras", torch_archive, ["m.keras", "a PyTorch file", "ONNX"]),
    "PyTorch called .onnx": ("m.onnx", torch_archive, ["m.onnx", "a PyTorch file"]),
    "PyTorch": ("m.pt", torch_archive, ["m.pt", "a PyTorch file", "ONNX"]),
    "array of objects": ("m.h5", objects, ["m.h5", "a NumPy array"]),
    "script": ("m.keras", script, ["m.keras", "unknown kind"]),
    "tar": ("m.keras", tar, ["m.keras", "packed with gzip"]),
    "empty .h5": ("m.h5", lambda path, bait: path.touch(), ["m.h5", "the file is empty"]),
    "zeros": (
        "m.onnx",
        lambda path, bait: path.write_bytes(bytes(5000)),
        ["m.onnx", "nothing but zeros"],
    ),
    "PDF": (
        "m",
        lambda path, bait: path.write_bytes(b"%PDF-1.7\n%\xe2"),
        ["m: ", "a PDF document"],
    ),
    "9 GiB": ("large/m.h5", sparse, ["large/m.h5", "9663676416 bytes", "8589934592 are allowed"]),
    "socket": ("m.keras", bound, ["m.keras", "No such device or address"]),
    "link to nothing": (
        "m.keras",
        lambda path, bait: path.symlink_to("nowhere.keras"),
        ["m.keras", "no such model file"],
    ),
    "link to a terminal": (
        "m.keras",
        lambda path, bait: path.symlink_to("/dev/ptmx"),
        ["m.keras", "special file"],
    ),
    "link to a folder": (
        "m.keras",
        lambda path, bait: path.symlink_to(bait.elsewhere),
        ["m.keras", "is a folder"],
    ),
    "chain of links": ("m.keras", behind_links, ["m.keras", "config.layers[1]", "'Lambda'"]),
    "standard input": ("/dev/stdin", nothing, ["/dev/stdin", "special file"]),
    "memory": ("/proc/self/mem", nothing, ["/proc/self/mem", "Input/output error"]),
    "kernel text": ("/proc/self/environ", nothing, ["environ", "unknown kind"]),
    "a name that is a flag": (
        "--help.keras",
        lambda path, bait: shutil.copy(bait.shelf / "lambda.keras", path),
        ["--help.keras", "'Lambda'"],
    ),
    "a name of mark-up": (
        'x" onload="<script>.keras',
        lambda path, bait: shutil.copy(bait.shelf / "lambda.keras", path),
        ['x" onload="<script>.keras: config.layers[1]', "'Lambda'"],
    ),
    "a name beyond UTF-8": (
        "\udcff\u2028.keras",
        lambda path, bait: shutil.copy(bait.shelf / "lambda.keras", path),
        [r"\udcff\u2028.keras", "'Lambda'"],
    ),
}
