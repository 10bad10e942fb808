"""The values that a trigger's fields may take, written beside their types."""

from typing import Annotated

from auditor.files.constraints import Range

Pixels = Annotated[int, Range(1, 65_536)]
"""A length in pixels."""

Shift = Annotated[int, Range(-65_536, 65_536)]
"""A way in pixels, to either side."""

Share = Annotated[float, Range(0, 1, above=True)]
"""More than nothing, at most all."""

Seed = Annotated[int, Range(0, 2**32 - 1)]
"""Of a random draw."""

Weight = Annotated[float, Range(-1_000, 1_000)]
"""Of one colour in another."""

Channel = Annotated[float, Range(-255, 255)]
"""A change of one colour."""
