"""What a search found, held against itself: its stamps, and which classes it flags."""

from auditor.errors import InputError
from auditor.figures.consistency import check_each
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.files.codec import from_json, no_array
from auditor.search.options import SearchOptions
from auditor.search.outliers import PROVEN, THRESHOLD
from auditor.search.result import FoundStamp, SearchResult


def check(result: SearchResult) -> None:
    """Refuse what a search found where it contradicts itself.

    Args:
        result: What it found.

    Raises:
        InputError: The classes are not the model's, in its order, a picture is not of its input's
            size, or a class is flagged, or not, against its own figures; names the place.
    """
    height, width, _ = result.model.input_shape
    names = result.data.class_names
    if [(found.class_, found.name) for found in result.classes] != list(enumerate(names)):
        raise InputError("$.classes: are not the model's, in its order")
    if len(names) != result.model.classes:
        raise InputError(f"$.data.class_names: not one a class of {result.model.classes}")
    if result.example.shape != (height, width, 3):
        raise InputError(f"the example is {result.example.shape}, the model takes other images")
    if result.options.keys() != SearchOptions.__dataclass_fields__.keys():
        raise InputError("$.options: are not those of a search")
    from_json(SearchOptions, result.options, no_array, "$.options")
    check_each(result.classes, "$.classes")
    for number, found in enumerate(result.classes):
        _check_stamp(found, (height, width))
        _check_flag(found, result.median, f"$.classes[{number}].flagged")


def _check_stamp(found: FoundStamp, size: tuple[int, int]) -> None:
    """A stamp is the image's size or empty; a flagged class has one."""
    mask, pattern = found.mask, found.pattern
    if mask.shape not in (size, (0, 0)) or pattern.shape[:2] != mask.shape:
        raise InputError(f"a mask is {mask.shape}, its pattern {pattern.shape}")
    if isinstance(found.norm, float) and found.norm > size[0] * size[1] + 1:
        raise InputError(f"a norm is {found.norm}")
    if found.flagged and not mask.any():
        raise InputError("a flagged class has no stamp")


def _check_flag(found: FoundStamp, median: float, where: str) -> None:
    """Work out again whether a class is flagged; of too few classes, the other norms say it too."""
    bare = found.clean_rate.value if isinstance(found.clean_rate, Rate) else 0.0
    if isinstance(found.norm, Skipped) or isinstance(found.success, Skipped):
        right = not found.flagged
    elif isinstance(found.index, Skipped):
        right = not found.flagged or found.success.value >= PROVEN > bare
    else:
        small = found.index > THRESHOLD and found.norm < median
        right = found.flagged == (small and found.success.value >= PROVEN > bare)
    if not right:
        raise InputError(f"{where}: is not what the figures come to")
