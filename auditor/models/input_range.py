"""How bytes become the numbers that a model was trained on."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import UsageError
from auditor.text import printable

_FIXED = {"0..1": (0.0, 255.0), "0..255": (0.0, 1.0), "-1..1": (127.5, 127.5)}

SHORT = {
    "tf": "-1..1",
    "torch": "mean=0.485,0.456,0.406,std=0.229,0.224,0.225",
    "caffe": "bgr:mean=103.939,116.779,123.68,std=1,max=255",
}
"""What Keras applications call their modes → the same written out."""

_BGR = "bgr:"
_LEAST = 1e-30
"""No std is below it, and no number above 1 over it: they would be 0 and infinite to a model."""

_NUMBERS = r"-?[0-9.]+(?:,-?[0-9.]+){0,2}"
_STANDARD = re.compile(rf"mean=({_NUMBERS}),std=({_NUMBERS})(?:,max=(1|255))?")


@dataclass(frozen=True)
class InputRange:
    """(bytes − shift) ÷ scale, per channel.

    Attributes:
        name: How to write it: as the user did, short names and what was left out written out.
        shift: One number, or one a channel in the order that the model takes them, on the scale of
            0 to 255.
        scale: The same; never 0.
        bgr: Whether the model takes blue, green and red, as OpenCV has them.
    """

    name: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    bgr: bool = False

    @property
    def short(self) -> str:
        """The shortest way to write it."""
        known = (short for short, name in SHORT.items() if name == self.name not in _FIXED)
        return next(known, self.name)

    @property
    def numbers(self) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
        """What it does, whatever it is called."""
        return self.shift, self.scale, self.bgr

    def problem(self, channels: int) -> str:
        """Say why it cannot be that of a model of 1 or 3 channels; nothing where it can."""
        if channels == 3:
            return ""
        if self.bgr:
            return "has an order of colours, but the model takes gray images, which have none"
        if max(len(self.shift), len(self.scale)) > 1:
            return (
                "has three numbers, one for each colour, but the model takes gray images; give "
                "one mean and one std, such as mean=0.1307,std=0.3081"
            )
        return ""

    def apply(self, pixels: Any) -> Any:
        """Scale (n, h, w, c) float RGB pixels of 0 to 255; built from backend operations."""
        from keras import ops

        shift, scale = (ops.convert_to_tensor(v, "float32") for v in (self.shift, self.scale))
        return ((ops.flip(pixels, axis=-1) if self.bgr else pixels) - shift) / scale

    def applied(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Do the same with NumPy."""
        shift, scale = (np.asarray(v, np.float32) for v in (self.shift, self.scale))
        ordered = pixels[..., ::-1] if self.bgr else pixels
        return np.ascontiguousarray((ordered - shift) / scale, np.float32)

    @classmethod
    def parse(cls, text: str) -> "InputRange":
        """Return the range that `--input-range` names.

        Args:
            text: `0..1`, `0..255`, `-1..1`, `tf`, `torch` or `caffe` as Keras applications call
                their modes, or `mean=…,std=…` with one or three numbers each. These are for pixels
                of 0 to 1, or of 0 to 255 where means and stds are all beyond 1, or as `,max=1` or
                `,max=255` behind them says. `bgr:` before it is for models that take blue, green
                and red; three numbers are in that order then.

        Raises:
            UsageError: Anything else, a std of 0, or numbers that could be for either scale.
        """
        written = text.replace(" ", "")
        plain = SHORT.get(written, written)
        bgr = plain.startswith(_BGR)
        plain = plain.removeprefix(_BGR)
        if plain in _FIXED:
            shift, scale = _FIXED[plain]
            return cls(SHORT.get(written, text), (shift,), (scale,), bgr)
        if match := _STANDARD.fullmatch(plain):
            try:
                means, stds = (tuple(map(float, g.split(","))) for g in match.groups()[:2])
            except ValueError:
                means, stds = (), ()
            largest_number = max(map(abs, (*means, *stds)), default=0)
            usable = min(stds, default=0) > _LEAST and largest_number < 1 / _LEAST
            if {len(means), len(stds)} <= {1, 3} and usable:
                largest = float(match[3] or _largest(means, stds, written))
                name = SHORT.get(written, text if match[3] or largest == 1 else f"{text},max=255")
                times = 255 / largest
                return cls(
                    name, tuple(times * m for m in means), tuple(times * s for s in stds), bgr
                )
        raise UsageError(
            f"--input-range {printable(text, 120)}: expected 0..1, 0..255, -1..1, "
            f"{', '.join(SHORT)}, or mean=M,std=S with one or three numbers each, such as "
            "mean=0.5,std=0.5; with bgr: before it where the model takes blue, green and red"
        )


def _largest(means: tuple[float, ...], stds: tuple[float, ...], text: str) -> int:
    """Return what the largest pixel is that means and stds are for: 1 or 255.

    Raises:
        UsageError: They could be for either.
    """
    if max(map(abs, means)) <= 1 and max(stds) <= 1:
        return 1
    if max(map(abs, means)) > 1 and min(stds) > 1:
        return 255
    raise UsageError(
        f"--input-range {printable(text, 120)}: these could be for pixels of 0 to 255 or of 0 to "
        f"1; write {printable(text, 120)},max=255 where the model was trained on (v - mean) / std "
        f"of values v from 0 to 255, {printable(text, 120)},max=1 where from 0 to 1"
    )
