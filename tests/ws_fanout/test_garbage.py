import gc
import weakref
from collections.abc import Iterator

import pytest

from studyspot.ws_fanout.garbage import Garbage, seldom_looked_for


class Knot:
    """What only the collector can undo."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    with seldom_looked_for() as garbage:
        yield garbage


def many_objects() -> list[list[None]]:
    return [[] for _ in range(11_000)]


def old_knot(garbage: Garbage) -> weakref.ref[Knot]:
    """Return garbage that was none yet when all that was young was looked at."""
    knot = Knot()
    kept = many_objects()
    garbage.look(lost=0, sockets=0)
    assert kept
    return weakref.ref(knot)


def test_the_collector_looks_by_itself_before_and_after_but_not_inside() -> None:
    assert gc.isenabled()
    with seldom_looked_for():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert not gc.get_freeze_count()


def test_young_garbage_goes_and_what_stays_is_left_alone(garbage: Garbage) -> None:
    knot = weakref.ref(Knot())
    kept = many_objects()
    before = gc.get_freeze_count()

    garbage.look(lost=0, sockets=0)

    assert knot() is None
    assert gc.get_freeze_count() - before >= len(kept)


def test_few_young_objects_are_not_looked_at(garbage: Garbage) -> None:
    knot = weakref.ref(Knot())
    garbage.look(lost=0, sockets=0)
    assert knot() is not None


@pytest.mark.parametrize(("sockets", "enough"), [(0, 2_000), (4_000, 2_000), (10_000, 5_000)])
def test_all_is_looked_at_when_many_sockets_or_half_of_them_are_lost(
    garbage: Garbage, sockets: int, enough: int
) -> None:
    knot = old_knot(garbage)
    garbage.look(lost=enough - 1, sockets=sockets)
    assert knot() is not None
    garbage.look(lost=enough, sockets=sockets)
    assert knot() is None


def test_sockets_that_were_lost_before_the_last_look_do_not_count(garbage: Garbage) -> None:
    garbage.look(lost=2_000, sockets=0)
    knot = weakref.ref(Knot())
    garbage.look(lost=3_999, sockets=0)
    assert knot() is not None
    garbage.look(lost=4_000, sockets=0)
    assert knot() is None


def test_what_no_socket_leaves_is_looked_at_in_the_end_as_well(garbage: Garbage) -> None:
    knot = old_knot(garbage)
    kept = []
    looks = 1
    while knot() is not None:
        kept += many_objects()
        garbage.look(lost=0, sockets=0)
        looks += 1
    assert looks == 101
