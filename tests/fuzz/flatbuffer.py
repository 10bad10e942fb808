"""Mutations of TFLite files: of bytes, and of the words that a FlatBuffer is made of."""

import struct
from random import Random

from tests.fuzz import raw

_WORDS = (0, 1, 2, 4, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)


def mutate(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return the file with some of its words, or of its bytes, changed.

    Offsets, lengths, operators and shapes are words of four bytes, vtables of two, all aligned.
    """
    if rng.random() < 0.3 or len(data) < 64:
        return raw.mutate(data, rng)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        width, code = rng.choice(((4, "<I"), (4, "<I"), (2, "<H"), (1, "<B")))
        at, from_ = (rng.randrange(len(data) // width) * width for _ in range(2))
        (old,) = struct.unpack_from(code, changed, at)
        (other,) = struct.unpack_from(code, changed, from_)
        near = (old + 1, old - 1, old + width, old - width, old * 2)
        new = rng.choice((other, other, *near, rng.choice(_WORDS), len(data) - at))
        struct.pack_into(code, changed, at, new % 2 ** (8 * width))
    return bytes(changed)
