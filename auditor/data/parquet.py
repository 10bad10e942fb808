"""Parquet files as Hugging Face and pandas write them: one, or a folder of shards.

Images are in a column of `{bytes, path}` structs or of plain binary, in the formats of image files;
labels are numbers, named by a `ClassLabel` in the schema where there is one, or texts. Columns are
read row group by row group, page by page, by one thread of pyarrow's.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data import parts
from auditor.data.choice import digest_of_choice
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.encoded import EncodedImages, ImageAt, InOrder, digest_of_files
from auditor.data.folder import check_link
from auditor.data.labels import Labels, Texts, of_names, of_numbers
from auditor.data.parquet_columns import Columns
from auditor.data.splits import split_of
from auditor.errors import InputError, not_installed
from auditor.text import printable

MAGIC = b"PAR1"

_MAX_ROWS = 50_000_000
_BUFFER = 2**20
_THRIFT = {"thrift_string_size_limit": 64 * 2**20, "thrift_container_size_limit": 2**20}


class ParquetImages(EncodedImages):
    """Images in the rows of Parquet files."""

    def __init__(
        self,
        path: str | Path,
        order: str | ClassOrder = AUTO,
        words: tuple[str, ...] = (),
        *,
        source: str = "",
        exif: bool = False,
    ) -> None:
        """Check the columns and read the labels.

        Args:
            path: A file, or a folder of shards.
            order: Of labels that are texts, one of `class_order.ORDERS`; or the classes.
            words: What the user asked for: a split, a column of labels, one of images before it.
            source: What the user gave; the path unless given.
            exif: Whether images are turned as their EXIF orientation says.

        Raises:
            InputError: pyarrow is not installed, the files are damaged or incomplete, or there are
                no such columns.
        """
        self._where = printable(str(path))
        splits = _splits(Path(path), self._where)
        split, words = parts.asked(splits, words)
        part = parts.choose(splits, split, self._where)
        self._paths = splits[part]
        if part:  # a shard may also be given by itself
            parts.check_whole(self._paths, self._where)
        texts = Texts(self._where)
        found: list[NDArray[np.int64]] = []
        groups: list[tuple[int, int, int]] = []
        for number, file_path in enumerate(self._paths):
            with self._open(file_path) as file:
                if not number:
                    self._columns = Columns(file, words, self._where)
                self._columns.check(file, file_path)
                of_file = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
                groups.extend((number, i, rows) for i, rows in enumerate(of_file))
                if sum(rows for _, _, rows in groups) > _MAX_ROWS:
                    raise InputError(f"{self._where}: has more than {_MAX_ROWS:,} rows")
                found.extend(self._columns.labels(file, texts))
        self._files = [(number, group) for number, group, _ in groups]
        self._ends = np.cumsum([rows for _, _, rows in groups], dtype=np.int64)
        numbers = np.concatenate(found) if found else np.zeros(0, np.int64)
        super().__init__(source or str(path), self._labels(numbers, texts, order), exif=exif)
        split = parts.said(part, splits)
        self.taken = "; ".join(filter(None, (split, self._columns.said)))

    def name_of(self, index: int) -> str:
        """`row 17`, of its file where there are several."""
        number, _, row = self._place(index)
        before = sum(
            int(rows)
            for (of, _), rows in zip(self._files, np.diff(self._ends, prepend=0), strict=True)
            if of < number
        )
        file = f"{self._paths[number].name}: " if len(self._paths) > 1 else ""
        return f"{file}row {index - before}"

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of the file, or of what `sha256sum` prints of the shards; and of a choice."""
        return digest_of_choice(digest_of_files(self._paths, self._where), self._columns.chosen)

    def _labels(self, numbers: NDArray[np.int64], texts: Texts, order: str | ClassOrder) -> Labels:
        if len(numbers) != (self._ends[-1] if len(self._ends) else 0):
            raise InputError(f"{self._where}: is damaged: its columns are of different lengths")
        if texts.found:
            return of_names(list(texts.found), numbers, order, self._where)
        return of_numbers(numbers, self._columns.names, order, self._where)

    def _images_at(self, order: NDArray[np.int64]) -> ImageAt:
        return InOrder(self._stream(order))

    def _place(self, index: int) -> tuple[int, int, int]:
        """File, row group and row within it of an image."""
        at = int(np.searchsorted(self._ends, index, side="right"))
        number, group = self._files[at]
        return number, group, index - (int(self._ends[at - 1]) if at else 0)

    def _stream(self, order: NDArray[np.int64]) -> Iterator[bytes]:
        """Give the images at some positions; going back starts the row group again."""
        open_number, open_group, images = -1, -1, _Images(iter(()))
        with ExitStack() as held:
            for index in order.tolist():
                number, group, row = self._place(index)
                if number != open_number:
                    held.close()  # the file before
                    file = held.enter_context(self._open(self._paths[number]))
                if (number, group) != (open_number, open_group) or row < images.at:
                    images = _Images(self._columns.images(file, group))
                    open_number, open_group = number, group
                yield images.row(row)

    @contextmanager
    def _open(self, path: Path) -> Iterator[Any]:
        """Open a file; whatever pyarrow raises of it is an `InputError`."""
        try:
            import pyarrow.parquet
        except ImportError as error:
            raise InputError(f"{self._where}: {not_installed(error)}") from None
        try:
            with pyarrow.parquet.ParquetFile(
                path, memory_map=False, pre_buffer=False, buffer_size=_BUFFER, **_THRIFT
            ) as file:
                yield file
        except MemoryError:  # which pyarrow's own is one of, too
            raise
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
            raise _damaged(path, error) from None


class _Images:
    """Reads forward in the images of a row group; `at` is the first row that can be read."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self.at = 0
        self._batches = batches
        self._batch: Any = ()

    def row(self, row: int) -> bytes:
        while row >= self.at + len(self._batch):
            self.at += len(self._batch)
            self._batch = next(self._batches, None)
            if self._batch is None:
                raise ValueError("a column ends before its rows do")
        return self._batch[row - self.at].as_py() or b""


def _splits(path: Path, where: str) -> dict[str, list[Path]]:
    """Return the files of each split; a lone file has no name."""
    if not path.is_dir():
        return {"": [path]}
    path = _configured(path, where)
    found: dict[str, list[Path]] = defaultdict(list)
    for file in shards(path):
        check_link(file, path.resolve())
        split = file.parent.name if file.parent not in (path, path / "data") else ""
        split = split or file.name.partition("-")[0].removesuffix(".parquet")
        # The Hub's own conversions number their files, `test/0000.parquet`, and say no more.
        found["" if split.isdecimal() else split].append(file)
    return dict(found)


def _configured(folder: Path, where: str) -> Path:
    """Return the folder of the one configuration that a data set of the Hub has; itself without."""
    found = configurations(folder)
    if len(found) > 1:
        shown = printable(" or ".join(str(folder / name) for name in found), 300)
        raise InputError(f"{where}: holds several data sets of Parquet files; give {shown}")
    return folder / found[0] if found else folder


def configurations(folder: Path) -> list[str]:
    """Return the folders that each hold a whole data set, as clones from the Hub have them."""
    if any(folder.glob("*.parquet")) or any(folder.glob("data/*.parquet")):
        return []
    inner = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    whole = all(not split_of(name) and shards(folder / name) for name in inner)
    return inner if whole else []


def shards(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder, sorted: in it, in its `data`, or a folder a split."""
    for places in ("*.parquet", "data/*.parquet", "*/*.parquet"):
        found = sorted(path for path in folder.glob(places) if not path.name.startswith("."))
        if found:
            return found
    return []


def _damaged(path: Path, error: Exception) -> InputError:
    reason = printable((str(error).splitlines() or [type(error).__name__])[0], 200)
    return InputError(f"{printable(str(path))}: damaged or not Parquet: {reason}; copy it again")
