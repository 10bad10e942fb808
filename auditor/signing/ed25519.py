"""Ed25519 public keys that say who signed (RFC 8032): points of the group's large order.

OpenSSL takes any 32 bytes. Under a point of small order a signature can be found that holds for
any message, without a private key.
"""

from typing import Final

P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, P) % P
_L: Final = 2**252 + 27742317777372353535851937790883648493

Point = tuple[int, int]

_IDENTITY: Final[Point] = (0, 1)


def sound(encoded: bytes) -> bool:
    """Whether a public key is a point of order L, spelled in the one way that RFC 8032 has.

    Args:
        encoded: 32 bytes: y, little-endian, with the lowest bit of x on top.
    """
    point = _decoded(encoded)
    return point not in (None, _IDENTITY) and _times(_L, point) == _IDENTITY


def _decoded(encoded: bytes) -> Point | None:
    """Return the point; None where there is none, or it is spelled otherwise."""
    number = int.from_bytes(encoded, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and odd):
        return None
    return (P - x if x & 1 != odd else x), y


def _times(factor: int, point: Point) -> Point:
    total = _IDENTITY
    while factor:
        if factor & 1:
            total = _sum(total, point)
        point, factor = _sum(point, point), factor >> 1
    return total


def _sum(one: Point, other: Point) -> Point:
    (x, y), (u, v) = one, other
    both = _D * x * u * y * v % P
    return (
        (x * v + y * u) * pow(1 + both, -1, P) % P,
        (y * v + x * u) * pow(1 - both, -1, P) % P,
    )
