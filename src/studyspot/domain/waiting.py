"""A place in a waitlist: its states, and the line in which it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    HoldFacts,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeaving,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.domain.rules import WALK_IN_GRACE
from studyspot.domain.seat import Seat
from studyspot.domain.tags import waitlist_entry, waitlists

WAITLIST_EVENTS = (WaitlistJoined, WaitlistLeft, WaitlistOffered, WaitlistOfferLapsed, WaitlistAccepted)


@dataclass(frozen=True, slots=True)
class Waiting:
    joined: WaitlistJoined


@dataclass(frozen=True, slots=True)
class Offered:
    """A seat is held for the student until `until`."""

    joined: WaitlistJoined
    hold_id: str
    seat_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Left:
    joined: WaitlistJoined
    reason: WaitlistLeaving


@dataclass(frozen=True, slots=True)
class OfferLapsed:
    """The student did not take what was offered, and is out of the line."""

    joined: WaitlistJoined


@dataclass(frozen=True, slots=True)
class Accepted:
    joined: WaitlistJoined
    booking_id: str


Entry = Waiting | Offered | Left | OfferLapsed | Accepted


def evolve_entry(entry: Entry | None, event: WaitlistEvent) -> Entry | None:
    """Fold one event; what follows on a place that is not known is none of ours."""
    if isinstance(event, WaitlistJoined):
        return Waiting(event)
    if entry is None:
        return None
    match event:
        case WaitlistLeft():
            return Left(entry.joined, event.reason)
        case WaitlistOffered():
            return Offered(entry.joined, event.hold_id, event.seat_id, event.until)
        case WaitlistOfferLapsed(status="waiting"):
            return Waiting(entry.joined)
        case WaitlistOfferLapsed():
            return OfferLapsed(entry.joined)
        case WaitlistAccepted():
            return Accepted(entry.joined, event.booking_id)
        case _ as unreachable:
            assert_never(unreachable)


def is_over(entry: Waiting, at: datetime) -> bool:
    """Say whether it is too late to begin what is waited for, whether or not anybody noticed."""
    return at >= min(entry.joined.end, entry.joined.start + WALK_IN_GRACE)


def is_live(entry: Entry, at: datetime) -> bool:
    """Say whether the student waits, or is offered a seat, by the clock."""
    match entry:
        case Waiting():
            return not is_over(entry, at)
        case Offered():
            return at < entry.until
        case Left() | OfferLapsed() | Accepted():
            return False
        case _ as unreachable:
            assert_never(unreachable)


def would_do(seat: Seat, zone: str | None, attributes: Mapping[str, str | int | bool]) -> bool:
    """Say whether this is a seat such as is waited for: in the zone, if one is named, with all of these."""
    has_all = all(_has(seat, name, value) for name, value in attributes.items())
    return has_all and zone in (None, seat.zone)


def in_line(entries: Iterable[Entry], at: datetime) -> list[Waiting]:
    """Return those who wait by the clock, the first in line first.

    `entries` come in the order in which they joined. Who lost a booking here comes before all others.
    """
    waiting = [entry for entry in entries if isinstance(entry, Waiting) and not is_over(entry, at)]
    return sorted(waiting, key=lambda entry: entry.joined.revoked_booking_id is None)


def place_in_line(entry_id: str, entries: Iterable[Entry], at: datetime) -> int | None:
    """Return 1 for who is next, 2 for who comes after them …; none for who does not wait.

    Only those count who may be offered a seat that this one could have: at an overlapping time, and alike.
    """
    line = in_line(entries, at)
    own = next((entry.joined for entry in line if entry.joined.entry_id == entry_id), None)
    if own is None:
        return None
    before = 0
    for entry in line:
        if entry.joined.entry_id == entry_id:
            break
        before += _want_the_same(entry.joined, own)
    return before + 1


def offer_ended(
    entries: Mapping[str, Entry], hold: HoldFacts, *, waits_on: bool = False
) -> tuple[WaitlistOfferLapsed, ...]:
    """Return what becomes of the place in line to which a hold was an offer, when the hold ends unbooked."""
    entry = _offered_by(entries, hold)
    if entry is None:
        return ()
    status: Literal["waiting", "lapsed"] = "waiting" if waits_on else "lapsed"
    return (
        WaitlistOfferLapsed(
            **entry.joined.facts(), status=status, hold_id=hold.hold_id, seat_id=hold.seat_id
        ),
    )


def offer_accepted(
    entries: Mapping[str, Entry], hold: HoldFacts, booking_id: str
) -> tuple[WaitlistAccepted, ...]:
    """Return what becomes of the place in line to which a hold was an offer, when it is booked."""
    entry = _offered_by(entries, hold)
    if entry is None:
        return ()
    return (WaitlistAccepted(**entry.joined.facts(), hold_id=hold.hold_id, booking_id=booking_id),)


def events_of_entry(entry_id: str | None) -> tuple[Criterion, ...]:
    """Return what a decision about this place in line reads; nothing, where there is none."""
    return () if entry_id is None else (Criterion(WAITLIST_EVENTS, waitlist_entry(entry_id)),)


def events_of_waitlists(library_id: str, start: datetime, end: datetime) -> tuple[Criterion, ...]:
    """Return what a decision reads that depends on who waits for some of [start, end) in this library."""
    return tuple(Criterion(WAITLIST_EVENTS, tag) for tag in waitlists(library_id, start, end))


def _offered_by(entries: Mapping[str, Entry], hold: HoldFacts) -> Offered | None:
    entry = entries.get(hold.entry_id) if hold.entry_id is not None else None
    return entry if isinstance(entry, Offered) and entry.hold_id == hold.hold_id else None


def _has(seat: Seat, name: str, value: str | int | bool) -> bool:
    # A seat with one lamp is none of which it is true that it has a lamp: Python alone takes them for equal.
    known = seat.attributes.get(name)
    return type(known) is type(value) and known == value


def _want_the_same(one: WaitlistJoined, other: WaitlistJoined) -> bool:
    """Say whether one seat could do for both, and not for both at once."""
    overlap = one.start < other.end and other.start < one.end
    zones = one.zone is None or other.zone is None or one.zone == other.zone
    shared = one.attributes.keys() & other.attributes.keys()
    return overlap and zones and all(one.attributes[name] == other.attributes[name] for name in shared)
