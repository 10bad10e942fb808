"""What a search found, as a trigger file for scan and repair."""

import io
import re
from pathlib import Path

import numpy as np
import yaml

from auditor.records.search_report import SearchReport
from auditor.search.result import FoundStamp

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def trigger_files(report: SearchReport, output: Path) -> dict[Path, bytes]:
    """Return the files that say what was found: none where no class is flagged.

    The trigger file holds one trigger of type `image` a flagged class, the size of the whole image;
    its mask and pattern are an `.npz` file beside it.

    Args:
        report: What was found.
        output: The trigger file.
    """
    flagged = report.found.flagged
    if not flagged:
        return {}
    height, width, _ = report.subject.input_shape
    names = {found.class_: _slug(found, report.subject.class_names) for found in flagged}
    arrays = {found.class_: f"{output.stem}-{names[found.class_]}.npz" for found in flagged}
    document = {
        "version": 1,
        "reference": [height, width],
        "triggers": [
            {
                "id": f"found-{names[found.class_]}",
                "type": "image",
                "path": arrays[found.class_],
                "size": [height, width],
                "anchor": "top-left",
                "target": found.class_,
                "inferred": True,
            }
            for found in flagged
        ],
    }
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=False)
    return {
        output: text.encode("utf-8"),
        **{output.with_name(arrays[found.class_]): _npz(found) for found in flagged},
    }


def pictures_beside(output: Path) -> list[Path]:
    """Return what lies where a picture of a trigger file may come to be, whatever the classes.

    Args:
        output: The trigger file.

    Raises:
        OSError: The folder cannot be listed.
    """
    names = re.compile(rf"{re.escape(output.stem)}-({_SAFE.pattern})\.npz")
    return sorted(path for path in output.parent.iterdir() if names.fullmatch(path.name))


def _slug(found: FoundStamp, names: tuple[str, ...]) -> str:
    """Return the class's name where it is plain and no other's, whatever its case; else its number.

    A file may not be told from another by its case alone.
    """
    alike = [name for name in names if name.lower() == found.name.lower()]
    plain = _SAFE.fullmatch(found.name) and not found.name.isdigit()
    return found.name if plain and len(alike) == 1 else str(found.class_)


def _npz(found: FoundStamp) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, pattern=found.pattern, mask=found.mask)
    return file.getvalue()
