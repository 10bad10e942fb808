"""Mutations of bytes, whatever they mean."""

from random import Random

_EXTREME = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)


def mutate(data: bytes, rng: Random) -> bytes:
    """Return the bytes with one to eight changes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        _change(changed, rng)
    return bytes(changed)


def _change(data: bytearray, rng: Random) -> None:
    at = _somewhere(len(data), rng)
    length = min(rng.choice((1, 2, 4, 8, 16, 64, 512, 4096)), len(data) - at)
    kind = rng.randrange(10)
    if kind < 3 and data:
        data[at % len(data)] ^= 1 << rng.randrange(8)
    elif kind == 3:
        data[at : at + 1] = bytes([rng.randrange(256)])
    elif kind < 6:  # a number of the format's own: offsets, lengths, counts
        width = rng.choice((1, 2, 4, 8))
        number = rng.choice((*_EXTREME, len(data), at)) % 2 ** (8 * width)
        data[at : at + width] = number.to_bytes(width, rng.choice(("little", "little", "big")))
    elif kind == 6:
        del data[at : at + length]
    elif kind == 7:
        data[at:at] = data[at : at + length]
    elif kind == 8:
        source = _somewhere(len(data), rng)
        data[at : at + length] = data[source : source + length]
    elif rng.random() < 0.3:
        del data[at:]
    else:
        data[at:at] = rng.choice((b"\x00", b"\xff", rng.randbytes(4))) * rng.choice((1, 8, 300))


def _somewhere(size: int, rng: Random) -> int:
    """Return an offset: anywhere, or near either end, where headers and directories are."""
    near = min(size, rng.choice((64, 512, 2048)))
    return rng.choice(
        (rng.randrange(size + 1), rng.randrange(near + 1), size - rng.randint(0, near))
    )
