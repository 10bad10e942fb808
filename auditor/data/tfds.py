"""A folder that TensorFlow Datasets prepared: `~/tensorflow_datasets/mnist/3.0.1/`.

`features.json` names Python classes, which are looked up here and never imported. Images are PNG or
JPEG in the `tf.train.Example` records of TFRecord files. Checksums of records are not checked; the
digest is what fixes the bytes that were used.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data import columns, parts
from auditor.data.choice import digest_of_choice, unless_usual
from auditor.data.class_order import AUTO, MAX_BYTES, ClassOrder
from auditor.data.encoded import EncodedImages, ImageAt, digest_of_files
from auditor.data.folder import check_link
from auditor.data.labels import of_numbers
from auditor.errors import InputError
from auditor.files.image_file import UnreadableImage
from auditor.files.messages import message_class, parsed
from auditor.files.regular_file import read_regular
from auditor.files.strict_json import strict
from auditor.text import printable

INFO, FEATURES = "dataset_info.json", "features.json"

_SHARD = re.compile(r"(?P<name>.+)-(?P<split>[^-]+)\.(?P<kind>[a-z_]+)-\d{5}-of-\d{5}")
_MAX_RECORD = 512 * 2**20
_MAX_RECORDS = 50_000_000
_MAX_NAME = 255
# Of tensorflow/core/example/example.proto and feature.proto.
_EXAMPLE = """
Example: 1 features Features
Features: 1 feature Entry*
Entry: 1 key string, 2 value Feature
Feature: 1 bytes_list BytesList, 2 float_list FloatList, 3 int64_list Int64List
BytesList: 1 value bytes*
FloatList: 1 value float*
Int64List: 1 value int64*
"""

_HEADER, _FOOTER = 12, 4
"""Bytes around a record: its length (8, little-endian) and that one's checksum; its own."""


class TfdsImages(EncodedImages):
    """Images in the records of a prepared data set."""

    def __init__(
        self,
        folder: str | Path,
        order: str | ClassOrder = AUTO,
        words: tuple[str, ...] = (),
        *,
        source: str = "",
        exif: bool = False,
    ) -> None:
        """Read what the features are, and the label of every record.

        Args:
            folder: Of one version of a data set, with `features.json`.
            order: `AUTO`, or the classes in their order.
            words: What the user asked for: a split, a label feature.
            source: What the user gave; the folder unless given.
            exif: Whether images are turned as their EXIF orientation says.

        Raises:
            InputError: It is incomplete, damaged, or of another kind, and which.
        """
        self._where = printable(str(folder))
        root = Path(folder)
        splits = _splits(root, self._where)
        split, rest = parts.asked(splits, words)
        if len(rest) > 1:
            raise InputError(f"{self._where}: takes SPLIT:LABEL behind it, no more")
        part = parts.choose(splits, split, self._where)
        parts.check_whole(splits[part], self._where)
        self._paths = splits[part]
        self._image, label, names_file = _features(root, "".join(rest[:1]), self._where)
        names = _class_names(names_file) if names_file else None
        self._beside = [root / FEATURES, *filter(None, [names_file])]
        self._chosen = unless_usual(
            (self._image, label), lambda: _features(root, "", self._where)[:2]
        )
        places: list[tuple[int, int, int]] = []
        labels = []
        for number, path in enumerate(self._paths):
            for start, record in _records(path):
                places.append((number, start, len(record)))
                labels.append(_label(record, label, path))
            if len(labels) > _MAX_RECORDS:
                raise InputError(f"{self._where}: has more than {_MAX_RECORDS:,} records")
        if (count := _count(root, part)) not in (None, len(labels)):
            raise InputError(
                f"{self._where}: {part} has {len(labels):,} records of the {count:,} that {INFO} "
                "tells of; prepare the data set again"
            )
        self._places = np.array(places, np.int64).reshape(-1, 3)
        super().__init__(
            source or str(folder),
            of_numbers(np.array(labels, np.int64), names, order, self._where),
            exif=exif,
        )
        split = parts.said(part, splits)
        self.taken = "; ".join(filter(None, (split, f"images {self._image} and labels {label}")))

    def name_of(self, index: int) -> str:
        """`NAME-test.tfrecord-00000-of-00001: record 17`."""
        number = int(self._places[index, 0])
        first = int(np.argmax(self._places[:, 0] == number))
        return f"{self._paths[number].name}: record {index - first}"

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of what `sha256sum` prints of the split's files and of those that describe them.

        These are `features.json` and the labels' names; the label that the user chose is a part.
        """
        whole = digest_of_files([*self._paths, *self._beside], self._where)
        return digest_of_choice(whole, self._chosen)

    def _images_at(self, order: NDArray[np.int64]) -> ImageAt:
        return lambda place: self._content(int(order[place]))

    def _content(self, index: int) -> bytes:
        number, start, length = self._places[index].tolist()
        try:
            with self._paths[number].open("rb") as file:
                record = os.pread(file.fileno(), length, start)
            return _bytes(record, self._image)
        except (OSError, ValueError) as error:
            raise UnreadableImage(f"cannot be read: {printable(str(error), 100)}") from None


def is_prepared(folder: Path) -> bool:
    """Whether TensorFlow Datasets wrote a folder."""
    return (folder / INFO).is_file() and (folder / FEATURES).is_file()


def is_shard(path: Path) -> bool:
    """Whether a file is one of those that a data set is written in, by its name."""
    return _SHARD.fullmatch(path.name) is not None


def _splits(root: Path, where: str) -> dict[str, list[Path]]:
    """Return the TFRecord files of each split, sorted."""
    found: dict[str, list[Path]] = defaultdict(list)
    others = set()
    for path in sorted(root.iterdir()):
        match = _SHARD.fullmatch(path.name)
        if match and match["kind"] == "tfrecord" and path.is_file():
            check_link(path, root.resolve())
            found[match["split"]].append(path)
        elif match:
            others.add(match["kind"])
    if not found:
        kinds = printable(", ".join(sorted(others)), 60) or "none"
        raise InputError(
            f"{where}: has no TFRecord files (found: {kinds}); prepare the data set with "
            "file_format='tfrecord'"
        )
    return dict(found)


def _count(root: Path, split: str) -> int | None:
    """Return how many records a split has by `dataset_info.json`; None where it does not say."""
    try:
        splits = strict(read_regular(root / INFO, MAX_BYTES))["splits"]
        lengths = next(one["shardLengths"] for one in splits if one["name"] == split)
        return sum(int(length) for length in lengths)
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def _features(root: Path, asked: str, where: str) -> tuple[str, str, Path | None]:
    """Return the features that are images and labels, and the file with the labels' names."""
    path = root / FEATURES
    try:
        tree = strict(read_regular(path, MAX_BYTES))
        features = tree["featuresDict"]["features"]
        kinds = {
            str(name): str(feature["pythonClassName"]).rpartition(".")[2]
            for name, feature in features.items()
        }
        images = [name for name, kind in kinds.items() if kind == "Image"]
        labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
        image = columns.one(images, list(kinds), "images", "", where)
        label = columns.one(
            [name for name in labels if asked in ("", name)], list(kinds), "labels", asked, where
        )
        details = features[image].get("image", {})
        dtype = details.get("dtype", "uint8")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{printable(str(path))}: does not say which features are the image and its label; "
            "prepare the data set again with a current tensorflow_datasets"
        ) from None
    if dtype != "uint8":
        raise InputError(
            f"{where}: its images are of {printable(str(dtype), 30)}; those of uint8 are read"
        )
    names = _names_file(root, label, where)
    return image, label, names if names.is_file() else None


def _names_file(root: Path, label: str, where: str) -> Path:
    """Return the file that may have a label's names, which need not be there."""
    name = f"{label}.labels.txt"
    # That a feature may be called anything is no way to other folders, nor to what is no name.
    if set("/\\\0") & set(name) or len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME:
        raise InputError(
            f"{where}: {FEATURES} calls the label {printable(label, 60)}, which no file of class "
            "names can be called by; prepare the data set again under another name"
        )
    check_link(root / name, root.resolve())
    return root / name


def _class_names(path: Path) -> tuple[str, ...]:
    """Return the names in a labels file, a line each."""
    try:
        return tuple(read_regular(path, MAX_BYTES).decode("utf-8").splitlines())
    except (OSError, ValueError):
        raise InputError(f"{printable(str(path))}: is not UTF-8 text with a name a line") from None


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give each record of a TFRecord file, and where in the file it starts."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            at = 0
            while at < size:
                length = int.from_bytes(file.read(_HEADER)[:8], "little")
                end = at + _HEADER + length + _FOOTER
                if length > _MAX_RECORD or end > size:
                    raise InputError(f"{shown}: is cut off or damaged at byte {at}")
                yield at + _HEADER, file.read(length)
                file.read(_FOOTER)
                at = end
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}") from None


def _label(record: bytes, name: str, path: Path) -> int:
    try:
        feature = _feature(record, name)
    except ValueError as error:
        raise InputError(f"{printable(str(path))}: {error}; prepare the data set again") from None
    values = [] if feature is None else feature.int64_list.value
    if len(values) != 1:
        raise InputError(
            f"{printable(str(path))}: a record has {len(values)} labels {printable(name, 60)}; one "
            "is needed"
        )
    return int(values[0])


def _bytes(record: bytes, name: str) -> bytes:
    feature = _feature(record, name)
    values = [] if feature is None else feature.bytes_list.value
    if len(values) != 1:
        raise ValueError(f"its record has {len(values)} images")
    return bytes(values[0])


def _feature(record: bytes, name: str) -> Any:
    """Return a feature of a `tf.train.Example`; None where it has none of that name.

    Raises:
        ValueError: It is no such record.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        features = _example_class().FromString(record).features.feature
    except DecodeError:
        raise ValueError("a record is not a tf.train.Example") from None
    # Of a name that stands twice, the last counts, as in every reader of such a map.
    found = next((entry.value for entry in reversed(features) if entry.key == name), None)
    if found is not None and len(found.ListFields()) > 1:
        raise ValueError("a record has a feature of two kinds")
    return found


@cache
def _example_class() -> Any:
    return message_class("Example", parsed(_EXAMPLE))
