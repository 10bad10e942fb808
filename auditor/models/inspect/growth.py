"""How large a graph becomes when the functions that it calls take their places in it.

Thirty functions of two calls each are a few kilobytes in a file and a billion nodes once inlined.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

_MAX_CALLS = 64

Name = TypeVar("Name", bound=Hashable)


class TooLarge(Exception):
    """A function, and what is wrong with what it calls."""


def grown(
    own: Mapping[Name, int], calls: Mapping[Name, Sequence[Name]], start: Iterable[Name]
) -> int:
    """Count the nodes that calls become.

    Args:
        own: Function → how many nodes its body has.
        calls: Function → the functions its body calls, each as often as it does.
        start: The functions that the graph itself calls, each as often as it does.

    Raises:
        TooLarge: One calls itself, or calls are nested beyond any model's.
    """
    sizes: dict[Name, int] = {}

    def size(name: Name, above: tuple[Name, ...]) -> int:
        if name in above:
            raise TooLarge(name, "calls itself")
        if len(above) > _MAX_CALLS:
            raise TooLarge(name, f"is called from {_MAX_CALLS} functions inside each other")
        if name not in sizes:
            inside = (*above, name)
            sizes[name] = own[name] + sum(size(inner, inside) for inner in calls[name])
        return sizes[name]

    for name in own:  # also those that nothing uses
        size(name, ())
    return sum(sizes[name] for name in start)
