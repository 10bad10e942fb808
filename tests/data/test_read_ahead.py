"""Items prepared in a thread, one ahead."""

import threading
from collections.abc import Iterator

import pytest

from auditor.data.read_ahead import read_ahead

SECONDS = 30


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("read-ahead")]


def test_in_their_order() -> None:
    assert list(read_ahead(iter(range(100)))) == list(range(100))
    assert list(read_ahead([None, 0, ()])) == [None, 0, ()]
    assert list(read_ahead([])) == []
    assert threads() == []


def test_the_next_is_prepared_while_one_is_in_use() -> None:
    begun = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    for number in read_ahead(items()):
        if number + 1 < len(begun):
            assert begun[number + 1].wait(SECONDS), "nobody prepares it before it is asked for"


def test_never_more_than_one_ahead() -> None:
    asked = threading.Semaphore(0)
    prepared = []

    def items() -> Iterator[int]:
        for number in range(6):
            prepared.append(number)
            asked.release()
            yield number

    for number in read_ahead(items()):
        for _ in range(1 if number else 2):
            asked.acquire(timeout=SECONDS if number < 5 else 0)
        assert not asked.acquire(timeout=0.05), "a second one was begun"
        assert len(prepared) == min(number + 2, 6)


def test_what_preparing_raises_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    given = read_ahead(items())
    assert [next(given), next(given)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(given)
    assert threads() == []


def test_closed_early_no_thread_and_no_open_generator_is_left() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.set()

    given = read_ahead(items())
    assert next(given) == 0
    assert len(threads()) == 1
    given.close()
    assert closed.is_set()
    assert threads() == []


def test_what_was_given_is_not_kept() -> None:
    """Memory holds the item in use and the next, not the one before."""
    import weakref

    class Item:
        pass

    before = None
    for item in read_ahead(Item() for _ in range(4)):
        assert before is None or before() is None
        before = weakref.ref(item)
        del item
