"""The window: what it holds, what it forgets, and that it says so."""

import pytest

from studyspot.domain.events import Event
from studyspot.ws_fanout.routed import RoutedEvent, routed
from studyspot.ws_fanout.window import PositionForgotten, Window
from tests.ws_fanout.events import booked, message, pricing_updated


def window(*, after: int = 0, most_events: int = 100, most_bytes: int = 10**6) -> Window:
    return Window(after=after, most_events=most_events, most_bytes=most_bytes)


def at(position: int, event: Event | None = None) -> RoutedEvent:
    return routed(message(position, event or booked(student=f"s{position}")))[0]


def positions(events: list[RoutedEvent]) -> list[int]:
    return [event.position for event in events]


def test_rooms_are_read_together_in_order_each_event_once() -> None:
    held = window()
    for position in range(1, 7):
        held.append(at(position, pricing_updated() if position % 2 else booked(student="s1")))

    assert positions(held.read(["user:s1", "role:student", "library:L1"], 1, limit=10)) == [2, 3, 4, 5, 6]
    assert positions(held.read(["user:s1"], 2, limit=10)) == [4, 6]
    assert positions(held.read(["role:student", "library:L1"], 0, limit=3)) == [1, 2, 3]
    assert held.read(["library:L2"], 0, limit=3) == []
    assert held.read(["library:L1"], 6, limit=3) == []


def test_what_it_has_forgotten_it_does_not_pretend_to_know() -> None:
    held = window(most_events=3)
    for position in range(1, 6):
        held.append(at(position))

    assert held.after == 2
    assert positions(held.read(["library:L1"], 2, limit=10)) == [3, 4, 5]
    with pytest.raises(PositionForgotten):
        held.read(["library:L1"], 1, limit=10)
    with pytest.raises(PositionForgotten):
        held.read(["user:nobody"], 1, limit=10)


def test_it_is_bounded_by_bytes_too() -> None:
    size = len(at(1).body)
    held = window(most_bytes=3 * size + size // 2)
    for position in range(1, 10):
        held.append(at(position))

    assert held.after == 6


def test_rooms_whose_events_are_forgotten_take_no_memory() -> None:
    held = window(most_events=2)
    for position in range(1, 50):
        held.append(at(position))

    assert set(held._by_room) == {
        "user:s48",
        "user:s49",
        "library:L1",
        "library:L1:staff",
        "role:library_owner",
    }


def test_a_gap_is_refused() -> None:
    held = window(after=5)

    with pytest.raises(ValueError, match="does not follow 5"):
        held.append(at(7))
