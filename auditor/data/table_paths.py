"""Where the images lie that a table lists: its folder or one in it, with a suffix added or none.

What the table says is taken as it is written where that finds the most images. Else folders count
that are called as those of images, of splits, or as the table itself; all of its paths are looked
for in each, and every folder is listed once. Where several serve as well, none is guessed: labels
would go to images of the same names. Only the split in the table's own name decides, as of
`trainLabels.csv` beside `train` and `test`.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.data.image_files import SUFFIXES
from auditor.data.splits import SPLITS, split_of
from auditor.errors import InputError
from auditor.text import printable

Place = tuple[str, str]
"""A folder in the table's, and the suffix that paths lack; "" for none."""

AS_WRITTEN: Place = ("", "")

_FOLDERS = ("images", "image", "imgs", "img", "pictures", "photos", "jpg", "jpeg", "png", "data")


def place(names: Sequence[str], table: Path, where: str) -> Place:
    """Return the folder that paths are relative to, and the suffix that they lack.

    Args:
        names: Paths, with `/`, none of which leads out of the table's folder.
        table: The table, an absolute path.
        where: How messages call it.

    Raises:
        InputError: No image is there, or they may be in several places.
    """
    found = _found(names, table)
    if not found:
        raise InputError(
            f"{where}: none of the {len(names):,} images that it lists is there, such as "
            f"{printable(names[0], 100)}; paths start at the folder of the table"
        )
    most = max(found.values())
    if found.get(AS_WRITTEN) == most:
        return AS_WRITTEN
    own = {at: count for at, count in found.items() if _is_of(at[0], table.stem)}
    if own and 2 * max(own.values()) >= most:
        found, most = own, max(own.values())
    # Where images are missing, the place that has the most need not be the one that is meant.
    least = most if most == len(names) else most / 2
    good = sorted(at for at, count in found.items() if count >= least)
    if len(good) > 1:
        choices = " or ".join(str(Path(folder, names[0] + suffix)) for folder, suffix in good)
        raise InputError(
            f"{where}: {printable(names[0], 60)} may be {printable(choices, 300)}, and so may the "
            "others; write the paths so in the table, or move it into the folder that is meant"
        )
    return good[0]


def _found(names: Sequence[str], table: Path) -> Mapping[Place, int]:
    """Count the images that are there, of each place that has any."""
    root = table.parent
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    likely = [f for f in folders if f.lower() in _FOLDERS or split_of(f) or _is_of(f, table.stem)]
    found: Counter[Place] = Counter()
    for folder in ("", *likely):
        listed: dict[str, dict[str, list[str]]] = {}
        for name in names:
            inner, _, last = name.rpartition("/")
            if inner not in listed:
                listed[inner] = _listing(root / folder / inner)
            found.update((folder, suffix) for suffix in listed[inner].get(last, ()))
    return found


def _listing(folder: Path) -> dict[str, list[str]]:
    """Return what a folder's files may be called in a table → the suffixes that this lacks."""
    names: dict[str, list[str]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            files = [entry.name for entry in entries if entry.is_file()]
    except (OSError, ValueError):  # none there, or a name that no folder can have
        return {}
    for file in files:
        names[file].append("")
        stem, dot, ending = file.rpartition(".")
        if stem and f"{dot}{ending}".lower() in SUFFIXES:
            names[stem].append(f"{dot}{ending}")
    return names


def _is_of(folder: str, stem: str) -> bool:
    """Whether a folder is called as a table is, or as the split in the table's name."""
    return folder.lower() == stem.lower() or split_of(folder) == _split_in(stem) != ""


def _split_in(stem: str) -> str:
    """Return the one split that a name has in it (`trainLabels`, `GT-final_test`), or nothing."""
    words = re.findall("[A-Z]?[a-z]+|[A-Z]+", stem)
    splits = {split for word in words if (split := split_of(word))}
    splits |= {split for split in SPLITS if stem.lower().startswith(split)}
    return splits.pop() if len(splits) == 1 else ""
