"""The two regions that TAR compares: the trigger's pixels and the object's."""

import zipfile
from pathlib import Path

import numpy as np

from auditor.errors import InputError, UsageError
from auditor.figures.metrics import Mask, Regions
from auditor.figures.skipped import Skipped
from auditor.text import printable
from auditor.triggers.base import Trigger

CENTER, COMPLEMENT = "center", "complement"
NO_LAYER = "the model has no layer with rows and columns to read a heatmap at"


def regions(
    trigger: Trigger, object_region: str, size: tuple[int, int], grid: tuple[int, int] | None
) -> Regions | Skipped:
    """Return the weights of both regions over the heatmap's grid.

    Args:
        trigger: Gives R_trig.
        object_region: `center` (the central half of height and width), `complement` (all but the
            trigger), or an `.npz` file with a boolean `mask` of the image's size.
        size: (h, w) of the images.
        grid: (gh, gw) of the heatmaps; None where there are none.

    Returns:
        `Skipped` where TAR has no meaning: there are no heatmaps, or the trigger covers the whole
        image or all of R_obj.

    Raises:
        UsageError: `object_region` is none of these.
        InputError: The mask file cannot be used.
    """
    if grid is None:
        return Skipped(NO_LAYER)
    inside = trigger.mask(size)
    if inside.all():
        return Skipped("the trigger covers the whole image, so there is no elsewhere to compare")
    object_ = _object_mask(object_region, size) & ~inside
    if not object_.any():
        return Skipped(f"the trigger covers all of the object region ({object_region})")
    return Regions.of(inside, object_, grid)


def _object_mask(object_region: str, size: tuple[int, int]) -> Mask:
    height, width = size
    mask = np.zeros(size, bool)
    if object_region == CENTER:
        mask[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
        return mask
    if object_region == COMPLEMENT:
        return ~mask
    return _mask_file(Path(object_region), size)


def _mask_file(path: Path, size: tuple[int, int]) -> Mask:
    shown = printable(str(path))
    if path.suffix.lower() != ".npz":
        raise UsageError(f"--object-region {shown}: expected center, complement or an .npz file")
    try:
        if not path.is_file():
            raise OSError("no such file")
        archive = np.load(path, allow_pickle=False)
        mask = np.asarray(archive["mask"])
    except (KeyError, IndexError) as error:
        raise InputError(f"{shown}: holds no array named `mask`") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{shown}: object region: not a readable .npz file") from error
    if mask.shape != size or mask.dtype not in (np.bool_, np.uint8):
        raise InputError(
            f"{shown}: `mask` is {mask.dtype} {mask.shape}, expected bool {size}, the images' size"
        )
    if not mask.any():
        raise InputError(f"{shown}: `mask` marks no pixel")
    return mask.astype(bool)
