"""The values that figures are made of, written beside their types, and how many there may be.

All that reads them (`files/codec.py`) holds them to it: a worker's results, a user's `audit.json`,
a checkpoint. The numbers are far beyond any audit's: ImageNet-22k has 21,841 classes.
"""

from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from auditor.files.constraints import Array, Length, Matches, Range

MOST_CLASSES: Final = 50_000
"""Of a model."""

MOST_BINS: Final = 1_000
"""Of a histogram."""

MOST_AUDITS: Final = 256
"""Triggers of one joint audit, repairs of one comparison."""

MOST_EPOCHS: Final = 50_000
"""Of a repair, all phases together."""

MOST_SHOWN: Final = 100
"""Images, placebos or neighbours that one audit shows."""

MOST_SKIPPED: Final = 0.01
"""Share of the images that an audit may have to do without."""

MOST_PICTURE_BYTES: Final = 192 << 20
"""Of all the pictures of one result: what hands it over takes a little more."""

Count = Annotated[int, Range(0, 2**53)]
"""A number of anything: what every reader of JSON keeps exactly."""

Some = Annotated[int, Range(1, 2**53)]
"""A number of what there is."""

Size = Annotated[int, Range(1, 65_536)]
"""A side of an image or of a grid, or its channels."""

Class = Annotated[int, Range(0, MOST_CLASSES - 1)]
"""Index of a class."""

Share = Annotated[float, Range(0, 1)]
"""A fraction of a whole."""

Amount = Annotated[float, Range(0)]
"""Anything that is not negative: a ratio, a norm."""

Seconds = Annotated[float, Range(0, 1e10)]
"""How long something took: up to three hundred years."""

ClassNames = Annotated[tuple[str, ...], Length(MOST_CLASSES, of="classes")]
"""One a class."""

Classes = Annotated[tuple[Class, ...], Length(MOST_CLASSES, of="classes")]
"""Indices of classes, one for each."""

Sha256 = Annotated[str, Matches("[0-9a-f]{64}", "a sha256 in hexadecimal, lower case")]
"""A digest."""

Time = Annotated[
    str,
    Matches("[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", "a time as in 2026-01-02T03:04:05Z"),
]
"""In UTC, to the second."""

PhaseName = Annotated[str, Length(20, 1, "characters")]
"""Of a repair's phase."""

Picture = Annotated[NDArray[np.uint8], Array("uint8", (None, None, 3))]
"""(h, w, 3) RGB."""

Heat = Annotated[NDArray[np.float32], Array("float32", (None, None), 1_024)]
"""(gh, gw) of one image; (0, 0) where there is none."""

Bits = Annotated[NDArray[np.uint8], Array("uint8", (None,), 2**28, high=1)]
"""(n,) of 0 and 1."""
