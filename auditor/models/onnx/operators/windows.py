"""What convolutions and pools share: padding, and the windows that they look through."""

from dataclasses import dataclass
from typing import Any

from keras import ops

from auditor.models.onnx.node import Node


@dataclass(frozen=True)
class Window:
    """How a window moves over rows and columns; one number an axis each.

    Attributes:
        kernel: Its size.
        strides: How far it moves.
        dilations: How far its cells are apart.
        before: Cells of padding before the first.
        after: Cells of padding after the last, those that `ceil_mode` adds among them.
        declared_after: Without those.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    declared_after: tuple[int, ...]

    @classmethod
    def of(cls, node: Node, kernel: tuple[int, ...], size: tuple[int, ...]) -> "Window":
        """Read a node's window.

        Args:
            node: A convolution or pool.
            kernel: The window's size.
            size: Rows, columns, … of what it looks at.
        """
        axes = range(len(kernel))
        strides = tuple(node.get("strides") or [1] * len(kernel))
        dilations = tuple(node.get("dilations") or [1] * len(kernel))
        spans = [(kernel[i] - 1) * dilations[i] + 1 for i in axes]
        automatic = node.get("auto_pad", "NOTSET")
        if automatic in ("SAME_UPPER", "SAME_LOWER"):
            total = [
                max((-(-size[i] // strides[i]) - 1) * strides[i] + spans[i] - size[i], 0)
                for i in axes
            ]
            less, more = [t // 2 for t in total], [t - t // 2 for t in total]
            before, after = (less, more) if automatic == "SAME_UPPER" else (more, less)
        elif automatic == "VALID":
            before = after = [0] * len(kernel)
        else:
            pads = list(node.get("pads") or [0] * (2 * len(kernel)))
            before, after = pads[: len(kernel)], pads[len(kernel) :]
        extra = [0] * len(kernel)
        if node.get("ceil_mode", 0):
            for i in axes:
                padded = size[i] + before[i] + after[i]
                count = -(-(padded - spans[i]) // strides[i]) + 1
                if (count - 1) * strides[i] >= size[i] + before[i]:
                    count -= 1  # a window that would begin in the padding after the last cell
                extra[i] = max((count - 1) * strides[i] + spans[i] - padded, 0)
        widest = tuple(a + e for a, e in zip(after, extra, strict=True))
        return cls(kernel, strides, dilations, tuple(before), widest, tuple(after))

    @property
    def is_same(self) -> bool:
        """Whether Keras' padding "same" pads like this: centred, at stride 1."""
        return all(
            s == 1 and b == a and b + a == (k - 1) * d
            for k, s, d, b, a in zip(
                self.kernel, self.strides, self.dilations, self.before, self.after, strict=True
            )
        )

    @property
    def pads(self) -> bool:
        """Whether it pads at all."""
        return any(self.before) or any(self.after)

    def padded(self, stored: Any, value: float = 0) -> Any:
        """Pad what is stored with channels last; a negative padding cuts."""
        if not self.pads:
            return stored
        edges = list(zip(self.before, self.after, strict=True))
        if any(v < 0 for edge in edges for v in edge):
            cuts = [slice(max(-b, 0), -max(-a, 0) or None) for b, a in edges]
            stored = stored[(slice(None), *cuts, slice(None))]
            edges = [(max(b, 0), max(a, 0)) for b, a in edges]
        return ops.pad(stored, [(0, 0), *edges, (0, 0)], constant_values=value)
