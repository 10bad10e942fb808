"""Mutations of HDF5 files by h5py itself: links, attributes, number types, shapes, storage."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz import raw, values

_TYPES = (
    "f2", "f4", ">f8", "i1", "u8", "S3", "S5000", "V2", "V9", "bool", "c8", "(2,3)f4",
    h5py.string_dtype(), h5py.ref_dtype, h5py.vlen_dtype("i4"), h5py.enum_dtype({"A": 1}),
    [("a", "f4"), ("b", h5py.string_dtype())],
)  # fmt: skip
_MOST_WRITTEN = 100_000
_SHAPES = ((), (0,), (1,), (3, 0, 2**40), (7, 5), (2**31,), (2**40, 2), (1,) * 20, None)


def mutate(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return the file with one to five changes, and in one case of three its bytes changed too."""
    if rng.random() < 0.75:
        buffer = io.BytesIO(data)
        with h5py.File(buffer, "r+") as file:
            for _ in range(rng.choice((1, 1, 2, 5))):
                with suppress(Exception):  # what HDF5 itself does not do is no mutation
                    rng.choice(_CHANGES)(file, rng, baits)
        data = buffer.getvalue()
        if rng.random() < 0.7:
            return data
    return raw.mutate(data, rng)


def _nodes(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visit(names.append)
    return names


def _any(file: h5py.File, rng: Random) -> Any:
    return file[rng.choice(["/", *_nodes(file)])]


def _new_name(file: h5py.File, rng: Random) -> str:
    """Return where to put something: an old name, freed, or a new one beside it."""
    name = rng.choice(_nodes(file))
    if rng.random() < 0.7:
        del file[name]
        return name
    return name + rng.choice(("x", "/x", "\u202e", ":0", " "))


def _config(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    name = rng.choice([key for key in ("model_config", "training_config") if key in file.attrs])
    hostile = values.HOSTILE + values.KERAS * 3 + baits
    changed = values.text(values.mutate(json.loads(file.attrs[name]), rng, hostile))
    file.attrs[name] = changed if rng.random() < 0.7 else changed.encode()


def _attribute(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    node = _any(file, rng)
    known = ["model_config", "keras_version", "backend", "layer_names", "weight_names", *node.attrs]
    name = rng.choice(known)
    if rng.random() < 0.2:
        del node.attrs[name]
    elif rng.random() < 0.4:
        node.attrs[name] = rng.choice(("", "3.0.0", "2.1", 7, b"\xff", [b"a"] * 40, [1.5], *baits))
    else:
        shape = rng.choice(((), (0,), (3,), (50, 9), (8000,), None))
        kind = rng.choice(_TYPES)
        empty = h5py.Empty(kind) if shape is None else None
        node.attrs.create(name, empty, shape, None if shape is None else kind)


def _link(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    target = rng.choice(["/", *_nodes(file)])
    links = (file[target], h5py.SoftLink(target), h5py.ExternalLink(rng.choice(baits), target))
    file[_new_name(file, rng)] = rng.choice(links)


def _move(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    old = rng.choice(_nodes(file))
    if rng.random() < 0.5:
        del file[old]
    else:
        file.move(old, _new_name(file, rng))


def _dataset(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    """Other numbers in place of some: many of them declared, few or none stored."""
    shape, kind = rng.choice(_SHAPES), rng.choice(_TYPES)
    settings: dict[str, Any] = {}
    if rng.random() < 0.4 and shape:
        settings |= {"chunks": tuple(min(max(side, 1), 16) for side in shape)}
        settings |= rng.choice(
            ({}, {"compression": "gzip"}, {"fletcher32": True}, {"maxshape": (None,) * len(shape)})
        )
    elif rng.random() < 0.2:
        settings |= {"external": [(rng.choice(baits), 0, h5py.h5f.UNLIMITED)]}
    elif rng.random() < 0.2:
        settings |= {"fillvalue": 1}
    if shape is None:
        file.create_dataset(_new_name(file, rng), data=h5py.Empty("f4"))
    else:
        file.create_dataset(_new_name(file, rng), shape, kind, **settings)


def _virtual(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(rng.choice((*baits, ".")), "a", (4, 3))
    file.create_virtual_dataset(_new_name(file, rng), layout)


def _weights(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    """Weights of the same shape that are no weights."""
    datasets = [name for name in _nodes(file) if isinstance(file[name], h5py.Dataset)]
    name = rng.choice(datasets)
    shape, kind = file[name].shape, file[name].dtype
    if file[name].size > _MOST_WRITTEN:  # declared by another change, and not stored
        return
    number = rng.choice((float("nan"), float("inf"), -1e38, 0.0))
    del file[name]
    file[name] = np.full(shape[::-1] if rng.random() < 0.3 else shape, number, kind)


def _other_node(file: h5py.File, rng: Random, baits: tuple[str, ...]) -> None:
    name = _new_name(file, rng)
    if rng.random() < 0.4:
        file[name] = np.dtype(rng.choice(_TYPES))
    else:
        file.create_group(name + "/x" * rng.choice((0, 1, 30, 500)))


Change = Callable[[h5py.File, Random, tuple[str, ...]], None]
_CHANGES: tuple[Change, ...] = (
    _config, _config, _config, _config, _attribute, _attribute, _link, _move, _dataset, _dataset,
    _virtual, _weights, _other_node,
)  # fmt: skip
