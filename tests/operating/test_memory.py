"""A server's collector: the old is left alone while it serves, the new is looked at, and then all is as it was."""

from __future__ import annotations

import gc
import weakref

import pytest

from bot.memory import YOUNG, settled


class Circle:
    """Holds itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def thrown_away() -> weakref.ref[Circle]:
    return weakref.ref(Circle())


def test_what_was_there_before_is_left_alone_until_it_ends() -> None:
    gc.collect()
    before, old = gc.get_threshold(), thrown_away()
    with settled():
        assert gc.get_threshold()[0] == YOUNG
        gc.collect()
        assert old() is not None
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
    gc.collect()
    assert old() is None


def test_what_comes_while_it_serves_is_looked_at() -> None:
    with settled():
        new = thrown_away()
        gc.collect()
        assert new() is None


def test_it_is_as_it_was_even_when_serving_breaks() -> None:
    before = gc.get_threshold()
    with pytest.raises(OSError, match="broke"), settled():
        raise OSError("broke")
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
