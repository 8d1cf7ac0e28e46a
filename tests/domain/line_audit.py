"""What must be true of those who wait in any log: judged by other code than that which decided."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from studyspot.domain.bookable import bookable_refusal
from studyspot.domain.events import (
    BookingCreated,
    BookingRescheduled,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    LibraryEvent,
    SeatEvent,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.domain.library import Library, evolve_library
from studyspot.domain.seat import Seat, evolve_seat
from tests.domain.audit import taken_at
from tests.domain.given import MINUTE

Taking = HoldPlaced | BookingCreated | BookingRescheduled


def audit_line(events: list[Event], newest: Sequence[Event], at: datetime, *, in_turn: bool) -> None:
    """Judge every place in line, its offers, and, if `in_turn`, that the `newest` passed nobody over."""
    places: dict[str, list[WaitlistEvent]] = defaultdict(list)
    for event in events:
        if isinstance(event, WaitlistEvent):
            places[event.entry_id].append(event)
    for place in places.values():
        _is_in_order(place)
    _offers_are_held(events)
    before = events[: len(events) - len(newest)]
    assert events[len(before) :] == list(newest)
    for event in newest:
        if isinstance(event, Taking) and in_turn:
            _passes_nobody_over(event, before, at)


def _is_in_order(place: list[WaitlistEvent]) -> None:
    """A place is taken once, has at most one open offer, and ends once."""
    stands = "nowhere"
    for event in place:
        match stands, event:
            case "nowhere", WaitlistJoined():
                stands = "waiting"
            case "waiting", WaitlistOffered():
                stands = event.hold_id
            case "waiting", WaitlistLeft():
                stands = "ended"
            case hold_id, WaitlistOfferLapsed() if hold_id == event.hold_id:
                stands = "waiting" if event.status == "waiting" else "ended"
            case hold_id, WaitlistAccepted() if hold_id == event.hold_id:
                stands = "ended"
            case hold_id, WaitlistLeft(reason="asked") if hold_id != "ended":
                stands = "ended"
            case _:
                raise AssertionError(f"{stands} is followed by {event}")


def _offers_are_held(events: list[Event]) -> None:
    """As many open offers as unended holds for places in line, of the same seats and for as long."""
    held: dict[str, HoldPlaced] = {}
    offered: dict[str, WaitlistOffered] = {}
    for event in events:
        match event:
            case HoldPlaced() if event.entry_id is not None:
                held[event.hold_id] = event
            case HoldReleased() | HoldLapsed():
                held.pop(event.hold_id, None)
            case BookingCreated():
                held.pop(event.hold_id or "", None)
            case WaitlistOffered():
                offered[event.entry_id] = event
            case WaitlistOfferLapsed() | WaitlistAccepted() | WaitlistLeft():
                offered.pop(event.entry_id, None)
            case _:
                pass
    assert {(hold.hold_id, hold.seat_id, hold.until, hold.entry_id) for hold in held.values()} == {
        (offer.hold_id, offer.seat_id, offer.until, offer.entry_id) for offer in offered.values()
    }


def _passes_nobody_over(taking: Taking, before: list[Event], at: datetime) -> None:
    """Nobody who came earlier could have had that seat for all of their time just before."""
    if isinstance(taking, BookingCreated) and taking.hold_id is not None:
        return
    library, seat = _library(before, taking.library_id), _seat(before, taking.seat_id)
    buffer = timedelta(minutes=library.rules.buffer_minutes)
    could_have_it = [
        joined
        for joined in _line(before, taking.library_id, at)
        if joined.start < taking.occupied_until
        and taking.start < joined.end + buffer
        and dict(seat.attributes) | dict(joined.attributes) == dict(seat.attributes)
        and bookable_refusal(library, joined.start, joined.end, at) is None
        and not any(
            facts.seat_id == taking.seat_id
            and facts.start < joined.end + buffer
            and joined.start < facts.occupied_until
            for facts in taken_at(before, at)
        )
    ]
    for place, joined in enumerate(could_have_it):
        own_before = any(
            other.user_id == taking.user_id and other.start < joined.end and joined.start < other.end
            for other in could_have_it[: place + 1]
        )
        assert own_before, f"{taking} passes over {joined}"


def _line(before: list[Event], library_id: str, at: datetime) -> list[WaitlistJoined]:
    newest = {event.entry_id: event for event in before if isinstance(event, WaitlistEvent)}
    line = [
        joined
        for joined in before
        if isinstance(joined, WaitlistJoined)
        and newest[joined.entry_id].status == "waiting"
        and joined.library_id == library_id
        and at < min(joined.end, joined.start + 5 * MINUTE)
    ]
    first = [joined for joined in line if joined.revoked_booking_id is not None]
    return first + [joined for joined in line if joined.revoked_booking_id is None]


def _library(events: list[Event], library_id: str) -> Library:
    library = None
    for event in events:
        if isinstance(event, LibraryEvent) and event.library_id == library_id:
            library = evolve_library(library, event)
    assert library is not None
    return library


def _seat(events: list[Event], seat_id: str) -> Seat:
    seat = None
    for event in events:
        if isinstance(event, SeatEvent) and event.seat_id == seat_id:
            seat = evolve_seat(seat, event)
    assert seat is not None
    return seat
