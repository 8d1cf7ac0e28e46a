"""What must be true of any log: judged from the events alone, by other code than that which decided."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingFacts,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    BookingTerms,
    Event,
    HoldFacts,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    PaymentRecorded,
    PaymentRefunded,
)
from studyspot.domain.rules import BookingRules
from tests.domain.given import MINUTE

Kind = type[Any]

AFTER: dict[Kind | None, set[Kind]] = {
    None: {BookingCreated},
    BookingCreated: {BookingRescheduled, BookingCheckedIn, BookingCancelled, BookingNoShow, BookingRevoked},
    BookingRescheduled: {
        *(BookingRescheduled, BookingCheckedIn, BookingCancelled),
        *(BookingNoShow, BookingRevoked),
    },
    BookingCheckedIn: {BookingCheckedOut, BookingCompleted, BookingRevoked},
    BookingCancelled: set(),
    BookingCheckedOut: set(),
    BookingCompleted: set(),
    BookingNoShow: set(),
    BookingRevoked: set(),
}
AFTER_HOLD: dict[Kind | None, set[Kind]] = {
    None: {HoldPlaced},
    HoldPlaced: {HoldReleased, HoldLapsed, BookingCreated},
    HoldReleased: set(),
    HoldLapsed: set(),
    BookingCreated: set(),
}


def audit(events: list[Event], at: datetime) -> None:
    """Judge transitions, occupations and payments."""
    lives = _lives(events)
    for life in lives.values():
        _transitions_are_legal(life)
        _payments_balance(life)
    _nothing_overlaps(list(taken_at(events, at)))


def taken_at(events: list[Event], at: datetime) -> Iterator[HoldFacts | BookingFacts]:
    """Yield the holds and bookings that take a seat at that moment or later, by the clock."""
    for life in _lives(events).values():
        last = [event for event in life if not isinstance(event, PaymentRecorded | PaymentRefunded)][-1]
        if isinstance(life[0], HoldFacts):
            if isinstance(last, HoldPlaced) and at < last.until:
                yield last
        elif isinstance(last, BookingTerms):
            if at < last.check_in_until:
                yield last
        elif isinstance(last, BookingCheckedIn) and at < last.occupied_until:
            yield last


def quotas_are_kept(events: list[Event], at: datetime, rules: BookingRules, zones: dict[str, str]) -> None:
    """Judge what every student has in every library against rules that were never others."""
    live: dict[tuple[str, str], int] = defaultdict(int)
    for facts in taken_at(events, at):
        if at < facts.end:
            live[facts.user_id, facts.library_id] += 1
    assert rules.live_bookings is None or all(count <= rules.live_bookings for count in live.values())
    days: dict[tuple[str, ...], list[float]] = defaultdict(list)
    weeks: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for facts in _counted(events, at):
        begins = facts.start.astimezone(ZoneInfo(zones[facts.library_id]))
        year, week, _ = begins.isocalendar()
        minutes = (facts.end - facts.start) / MINUTE
        days[facts.user_id, facts.library_id, str(begins.date())].append(minutes)
        weeks[facts.user_id, facts.library_id, f"{year}-{week}"].append(minutes)
    for taken, bookings, most in (
        (days, rules.day_bookings, rules.day_minutes),
        (weeks, rules.week_bookings, rules.week_minutes),
    ):
        for lengths in taken.values():
            assert bookings is None or len(lengths) <= bookings
            assert most is None or sum(lengths) <= most


def _lives(events: Iterable[Event]) -> dict[str, list[HoldFacts | BookingFacts]]:
    """Return the events of each hold and booking; one that a hold becomes ends the hold."""
    lives: dict[str, list[HoldFacts | BookingFacts]] = defaultdict(list)
    for event in events:
        if isinstance(event, HoldFacts):
            lives[event.hold_id].append(event)
        elif isinstance(event, BookingFacts):
            lives[event.booking_id].append(event)
            if isinstance(event, BookingCreated) and event.hold_id is not None:
                lives[event.hold_id].append(event)
    return lives


def _transitions_are_legal(life: list[HoldFacts | BookingFacts]) -> None:
    before: Kind | None = None
    after = AFTER_HOLD if isinstance(life[0], HoldFacts) else AFTER
    for event in life:
        if not isinstance(event, PaymentRecorded | PaymentRefunded):
            assert type(event) in after[before], f"{before} is followed by {event}"
            before = type(event)
    assert len({event.occupation for event in life}) == 1


def _payments_balance(life: list[HoldFacts | BookingFacts]) -> None:
    """After whole appends, no more is paid than is kept, and no more given back than was paid."""
    has, charged = 0, 0
    for event in life:
        match event:
            case BookingTerms(amount_minor=amount):
                charged = amount
            case BookingCancelled(kept_minor=kept, amount_minor=amount):
                assert 0 <= kept <= amount
                charged = kept
            case BookingRevoked():
                charged = 0
            case PaymentRecorded(payment_minor=payment, paid_minor=now):
                assert payment > 0
                has += payment
                assert now == has
            case PaymentRefunded(refund_minor=back, paid_minor=now):
                assert back > 0
                has -= back
                assert now == has
            case _:
                pass
        assert has >= 0
    assert has <= charged


def _nothing_overlaps(taken: list[HoldFacts | BookingFacts]) -> None:
    for one, other in combinations(taken, 2):
        if one.seat_id == other.seat_id:
            assert one.occupied_until <= other.start or other.occupied_until <= one.start, (one, other)
        if one.user_id == other.user_id:
            assert one.end <= other.start or other.end <= one.start, (one, other)


def _counted(events: list[Event], at: datetime) -> Iterator[HoldFacts | BookingFacts]:
    for life in _lives(events).values():
        last = [event for event in life if not isinstance(event, PaymentRecorded | PaymentRefunded)][-1]
        if isinstance(last, HoldPlaced):
            if at < last.until:
                yield last
        elif isinstance(life[0], HoldFacts) or isinstance(last, BookingRevoked):
            continue
        elif not isinstance(last, BookingCancelled) or last.late:
            yield last
