"""Which columns of Parquet files are the images and the labels, and how these are read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data import columns
from auditor.data.choice import unless_usual
from auditor.data.labels import Texts, classes
from auditor.errors import InputError
from auditor.text import printable

_MAX_COLUMNS = 10_000
_MAX_SCHEMA_TEXT = 16 * 2**20
_LABELS_AT_ONCE, _IMAGES_AT_ONCE = 4096, 16


class Columns:
    """The columns of images and labels, and what the schema says of them.

    Attributes:
        names: One a class, where the schema has them.
        said: Which were taken, in words.
        chosen: The two, where the user chose others than are taken without a word.
    """

    def __init__(self, file: Any, words: tuple[str, ...], where: str) -> None:
        import pyarrow

        self._pyarrow, self._where = pyarrow, where
        schema = file.schema_arrow
        if len(schema.names) > _MAX_COLUMNS or len(set(schema.names)) < len(schema.names):
            raise InputError(f"{where}: has too many columns, or two of one name")
        features = _features(schema)
        if len(words) > 2:
            raise InputError(f"{where}: takes two columns behind colons at most, IMAGE:LABEL")
        image, label = (*("", "")[len(words) :], *words)
        self._image = self._image_column(schema, image)
        self._label = self._label_column(schema, features, label)
        self.chosen = unless_usual(
            (self._image, self._label),
            lambda: (self._image_column(schema, ""), self._label_column(schema, features, "")),
        )
        self.names = _class_names(features.get(self._label))
        self.said = f"images {self._image} and labels {self._label}"
        self._schema = schema

    def check(self, file: Any, path: Path) -> None:
        """Refuse a shard that has not the columns of the first."""
        other = file.schema_arrow
        for name in (self._image, self._label):
            if name not in other.names or other.field(name).type != self._schema.field(name).type:
                raise InputError(
                    f"{printable(str(path))}: has not the column {printable(name, 60)} of the "
                    "files before it; give files of one data set"
                )

    def labels(self, file: Any, texts: Texts) -> Iterator[NDArray[np.int64]]:
        """Give the labels of a file, numbers or places in `texts`, some at a time."""
        types, start = self._pyarrow.types, 0
        where = f"{self._where}: column {printable(self._label, 60)}"
        for batch in file.iter_batches(_LABELS_AT_ONCE, columns=[self._label], use_threads=False):
            # By its name, since columns come along whose names begin with this one and a dot.
            column = batch.column(self._label)
            if column.null_count:
                raise InputError(f"{where} has empty cells; each image needs a label")
            if types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if types.is_string(column.type) or types.is_large_string(column.type):
                yield np.array(texts.numbers(column.to_pylist()), np.int64)
            else:
                yield classes(column.to_numpy(zero_copy_only=False), start, where)
            start += len(column)

    def images(self, file: Any, group: int) -> Iterator[Any]:
        """Give the images of a row group, arrays of bytes, some at a time."""
        is_struct = self._pyarrow.types.is_struct(self._schema.field(self._image).type)
        name = f"{self._image}.bytes" if is_struct else self._image
        for batch in file.iter_batches(
            _IMAGES_AT_ONCE, row_groups=[group], columns=[name], use_threads=False
        ):
            column = batch.column(self._image)
            yield column.field("bytes") if is_struct else column

    def _image_column(self, schema: Any, asked: str) -> str:
        held = [field.name for field in schema if self._holds_images(field.type)]
        if asked or len(held) == 1:
            return columns.images(held, asked or held[0], self._where)
        if held:
            return columns.images(held, "", self._where)
        paths = [f.name for f in schema if columns.is_image(f.name)]
        if paths:
            raise InputError(
                f"{self._where}: column {printable(paths[0], 60)} holds no images, at most their "
                "paths; list them in a metadata.csv (file_name, label) beside them, and give that"
            )
        return columns.one([], schema.names, "images", "", self._where)

    def _holds_images(self, kind: Any) -> bool:
        types = self._pyarrow.types
        if types.is_struct(kind):
            inner = [kind.field(i) for i in range(kind.num_fields)]
            return any(f.name == "bytes" and self._is_binary(f.type) for f in inner)
        return self._is_binary(kind)

    def _is_binary(self, kind: Any) -> bool:
        return bool(
            self._pyarrow.types.is_binary(kind) or self._pyarrow.types.is_large_binary(kind)
        )

    def _label_column(self, schema: Any, features: dict[str, Any], asked: str) -> str:
        held = [f.name for f in schema if self._holds_labels(f.type)]
        named = [name for name in held if _class_names(features.get(name)) is not None]
        if named and not asked:
            return columns.one(named, named, "labels", "", self._where)
        floats = [f.name for f in schema if self._pyarrow.types.is_floating(f.type)]
        if asked or not columns.has_labels(held):  # which pandas makes of numbers beside gaps
            held += floats
        if asked in held or columns.has_labels(held):
            return columns.labels(held, asked, self._where)
        if asked in schema.names:
            raise InputError(
                f"{self._where}: column {printable(asked, 60)} holds "
                f"{printable(str(schema.field(asked).type), 60)}; labels are numbers of classes, "
                "or their names"
            )
        return columns.labels([], asked, self._where, of=schema.names)

    def _holds_labels(self, kind: Any) -> bool:
        types = self._pyarrow.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        return bool(
            types.is_integer(kind)
            or types.is_boolean(kind)
            or types.is_string(kind)
            or types.is_large_string(kind)
        )


def _features(schema: Any) -> dict[str, Any]:
    """Return what Hugging Face's `datasets` says of each column."""
    text = (schema.metadata or {}).get(b"huggingface", b"")
    try:
        found = json.loads(text)["info"]["features"] if len(text) < _MAX_SCHEMA_TEXT else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _class_names(feature: Any) -> tuple[str, ...] | None:
    """Return the names of a `ClassLabel`; None where a column is something else."""
    names = feature.get("names") if isinstance(feature, dict) else None
    good = isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    return tuple(names) if good and isinstance(names, list) else None
