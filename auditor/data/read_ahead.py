"""The next is prepared in a thread while what was given is worked on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")
_END: Any = object()


def read_ahead(items: Iterable[_T]) -> Iterator[_T]:
    """Give the items in their order, each prepared while the one before it is in use.

    Args:
        items: Worked out one at a time, in a thread. Never more than one is ready and not yet
            given, so memory grows by one item. A generator among them is closed at the end.

    Yields:
        The items. What preparing one raises is raised in its place. Closed early, no thread is
        left behind.
    """
    iterator = iter(items)
    pool = ThreadPoolExecutor(1, "read-ahead")
    try:
        following = pool.submit(next, iterator, _END)
        while (item := following.result()) is not _END:
            following = pool.submit(next, iterator, _END)
            yield item
            del item
    finally:
        pool.shutdown(cancel_futures=True)
        if hasattr(iterator, "close"):
            iterator.close()
