"""Memory for batches of images, used again once nobody holds them.

Fresh memory is dear: the system clears each page of it at its first use, which can take as long as
to decode what goes into it.
"""

import math
from weakref import finalize

import numpy as np
from numpy.typing import NDArray


class Rooms:
    """Arrays whose memory serves the next ones when they, and all parts of them, are gone."""

    def __init__(self, most: int, shape: tuple[int, ...]) -> None:
        """Reserve nothing yet.

        Args:
            most: Rows that an array has at most.
            shape: Of a row.
        """
        self._shape = shape
        self._bytes = most * math.prod(shape)
        self._free: list[bytearray] = []

    def take(self, count: int) -> NDArray[np.uint8]:
        """Return uint8 (count, *shape), of whatever numbers were there before."""
        memory = self._free.pop() if self._free else bytearray(self._bytes)
        # Its parts hold on to this array, and not to its memory, since that is no array itself.
        room: NDArray[np.uint8] = np.ndarray((count, *self._shape), np.uint8, memory)
        finalize(room, self._free.append, memory).atexit = False
        return room
