"""How bytes become the numbers that a model was trained on."""

import re
from dataclasses import dataclass
from typing import Any

from auditor.errors import UsageError
from auditor.text import printable

_FIXED = {"0..1": (0.0, 255.0), "0..255": (0.0, 1.0), "-1..1": (127.5, 127.5)}
_IMAGENET = "mean=0.485,0.456,0.406,std=0.229,0.224,0.225"
_NUMBERS = r"-?[0-9.]+(?:,-?[0-9.]+){0,2}"
_STANDARD = re.compile(rf"mean=({_NUMBERS}),std=({_NUMBERS})")


@dataclass(frozen=True)
class InputRange:
    """(bytes − shift) ÷ scale, per channel.

    Attributes:
        name: As the user wrote it.
        shift: One number, or one a channel, on the scale of 0 to 255.
        scale: The same; never 0.
    """

    name: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]

    def apply(self, pixels: Any) -> Any:
        """Scale (n, h, w, c) float pixels of 0 to 255; built from backend operations."""
        from keras import ops

        shift, scale = (ops.convert_to_tensor(v, "float32") for v in (self.shift, self.scale))
        return (pixels - shift) / scale

    @classmethod
    def parse(cls, text: str) -> "InputRange":
        """Return the range that `--input-range` names.

        Args:
            text: `0..1`, `0..255`, `-1..1`, or `mean=…,std=…` with one or three numbers each, on
                the scale of 0 to 1.

        Raises:
            UsageError: Anything else, or a std of 0.
        """
        if text in _FIXED:
            shift, scale = _FIXED[text]
            return cls(text, (shift,), (scale,))
        if match := _STANDARD.fullmatch(text.replace(" ", "")):
            try:
                means, stds = (tuple(255 * float(v) for v in g.split(",")) for g in match.groups())
            except ValueError:
                means, stds = (), ()
            if len(means) == len(stds) and len(means) in (1, 3) and all(s > 0 for s in stds):
                return cls(text, means, stds)
        raise UsageError(
            f"--input-range {printable(text, 80)}: expected 0..1, 0..255, -1..1 or "
            "mean=M,std=S with one or three numbers each, such as mean=0.5,std=0.5"
        )


COMMON = tuple(map(InputRange.parse, (*_FIXED, _IMAGENET)))
"""The ranges that are tried when a model answers near chance."""
