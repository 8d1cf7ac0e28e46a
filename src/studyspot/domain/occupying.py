"""Whether a student may take a seat for some time: common to a hold, a booking and a rescheduling."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.account import events_of_account, require_active
from studyspot.domain.advance import released_at
from studyspot.domain.agenda import OCCUPYING_EVENTS, Agenda, Live, takes_seat, takes_student
from studyspot.domain.decider import Boundary, Criterion
from studyspot.domain.hold import Held
from studyspot.domain.lapses import Lapse, lapse_of
from studyspot.domain.library import Library, open_for_changes, settings_of
from studyspot.domain.next_free import Taking, next_free
from studyspot.domain.opening_hours import next_opening, open_throughout
from studyspot.domain.people import Actor
from studyspot.domain.quota import Taker, quota_intervals, require_quota
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    EndNotAfterStart,
    LibraryClosed,
    NotForOthers,
    NotYetReleased,
    NotYourLibrary,
    OutsideOpeningHours,
    Refusal,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
    StartInThePast,
    StudentBlocked,
    StudentBusy,
    StudentHolding,
    StudentRequired,
)
from studyspot.domain.rules import DEFAULT_RULES, HORIZON, LONGEST_BOOKING, WALK_IN_GRACE, BookingRules
from studyspot.domain.seat import Seat, events_of_seat
from studyspot.domain.strikes import blocked_until, strike_window, strikes_of
from studyspot.domain.tags import seat_days, student_weeks


@dataclass(frozen=True, slots=True)
class Wish:
    """A seat for [start, end), at a moment, for a student, `instead_of` a hold or booking of theirs.

    What is held is taken until the hold's `occupied_until`, whatever the rules now say of a buffer.
    """

    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    actor: Actor
    at: datetime
    instead_of: str | None = None
    occupied_until: datetime | None = None

    @property
    def changes_own(self) -> bool:
        """Whether the actor changes what is theirs already, as they may whatever role they have now."""
        return self.instead_of is not None and self.actor.user_id == self.user_id


@dataclass(frozen=True, slots=True)
class Admission:
    """The wish may be granted: where, until when the seat is then taken, and which lapses it relies on.

    Whoever relies on a lapse appends it too: a check-in that was decided just before the deadline must find
    it under its booking.
    """

    library: Library
    seat: Seat
    occupied_until: datetime
    lapses: tuple[Lapse, ...]


def student_of(actor: Actor, user_id: str | None) -> str:
    """Return for whom a seat is taken: students act for themselves, a library for the one it names.

    Raises:
        NotForOthers: a student named somebody else.
        StudentRequired: a library named nobody.
    """
    if actor.role == "student":
        if user_id not in (None, actor.user_id):
            raise NotForOthers
        return actor.user_id
    if user_id is None:
        raise StudentRequired
    return user_id


def interval_refusal(start: datetime, end: datetime, at: datetime) -> Refusal | None:
    """Return why nobody may take [start, end), whenever it begins; a boundary reads no tags of such a one."""
    if end <= start:
        return EndNotAfterStart()
    if end <= at:
        return StartInThePast()
    if end - start > LONGEST_BOOKING:
        return BookingTooLong(LONGEST_BOOKING)
    return BeyondHorizon(HORIZON) if end > at + HORIZON else None


def require_interval(start: datetime, end: datetime, at: datetime, *, held: bool = False) -> None:
    """Bound the interval; when one that is held may begin was judged at the hold.

    Raises:
        EndNotAfterStart, StartInThePast, BookingTooLong, BeyondHorizon: nobody may take this.
    """
    refusal = interval_refusal(start, end, at)
    if refusal is not None:
        raise refusal
    if start < at - WALK_IN_GRACE and not held:
        raise StartInThePast


def boundary_of(wish: Wish, agenda: Agenda) -> Boundary:
    """Return what the wish depends on; the library's rules, once known, may widen it."""
    rules = agenda.library.rules if agenda.library else DEFAULT_RULES
    occupied_until = _occupied_until(wish, rules)
    days = seat_days(wish.seat_id, wish.start, occupied_until)
    weeks: dict[str, None] = {}
    for start, end in _student_intervals(wish, rules, agenda.library):
        weeks |= dict.fromkeys(student_weeks(wish.user_id, start, end))
    return (
        *settings_of(wish.library_id),
        *events_of_seat(wish.seat_id),
        *events_of_account(wish.user_id),
        *(Criterion(OCCUPYING_EVENTS, tag) for tag in (*days, *weeks)),
    )


def entitled(wish: Wish, agenda: Agenda) -> Library:
    """Return the library where the actor may wish this; of anybody's holds, others learn nothing.

    Raises:
        LibraryUnknown, LibraryRetired: nothing can be had there.
        NotYourLibrary: the actor is no student, does not run the library, and changes nothing of their own.
    """
    library = open_for_changes(agenda.library)
    if wish.actor.role == "student" or wish.changes_own or library.managed_by(wish.actor):
        return library
    raise NotYourLibrary


def admit(wish: Wish, agenda: Agenda) -> Admission:
    """Let the wish be granted.

    Raises:
        Refusal: one of the library's rules, or what is taken already, says no.
    """
    library = entitled(wish, agenda)
    seat = agenda.seat
    if seat is None or seat.library_id != library.library_id or seat.removed:
        raise SeatUnknown
    if not seat.in_service:
        raise SeatOutOfService
    require_active(agenda.account)
    occupied_until = _occupied_until(wish, library.rules)
    _require_open(wish, library)
    _require_not_blocked(wish, agenda, library.rules)
    lapses = _require_free(wish, agenda, library, occupied_until)
    taker = Taker(wish.library_id, wish.user_id, wish.at, wish.instead_of)
    require_quota(agenda, taker, library.rules, wish.start, wish.end, library.zone)
    return Admission(library, seat, occupied_until, lapses)


def _student_intervals(
    wish: Wish, rules: BookingRules, library: Library | None
) -> Iterable[tuple[datetime, datetime]]:
    """Yield when the student's other bookings matter: to overlaps, strikes and quotas."""
    yield wish.start, _occupied_until(wish, rules)
    strikes = strike_window(rules, wish.at)
    if strikes is not None:
        yield strikes
    if library is not None:
        yield from quota_intervals(rules, wish.start, wish.at, library.zone)


def _occupied_until(wish: Wish, rules: BookingRules) -> datetime:
    if wish.occupied_until is not None:
        return wish.occupied_until
    return wish.end + timedelta(minutes=rules.buffer_minutes)


def _require_open(wish: Wish, library: Library) -> None:
    rules, length = library.rules, wish.end - wish.start
    if length < timedelta(minutes=rules.shortest_minutes):
        raise BookingTooShort(timedelta(minutes=rules.shortest_minutes))
    if rules.longest_minutes is not None and length > timedelta(minutes=rules.longest_minutes):
        raise BookingTooLong(timedelta(minutes=rules.longest_minutes))
    released = released_at(wish.start, rules, library.zone)
    if released is not None and wish.at < released:
        raise NotYetReleased(released)
    closures = library.closures_during(wish.start, wish.end)
    if closures:
        ends = [closure.end for closure in closures if closure.end is not None]
        raise LibraryClosed(max(ends) if len(ends) == len(closures) else None)
    if not open_throughout(library.hours, wish.start, wish.end, library.zone):
        raise OutsideOpeningHours(next_opening(library.hours, wish.start, length, library.zone))


def _require_not_blocked(wish: Wish, agenda: Agenda, rules: BookingRules) -> None:
    strikes = strikes_of(agenda.bookings.values(), wish.library_id, wish.user_id, wish.at)
    until = blocked_until(strikes, rules, wish.at)
    if until is not None:
        raise StudentBlocked(until)


def _require_free(
    wish: Wish, agenda: Agenda, library: Library, occupied_until: datetime
) -> tuple[Lapse, ...]:
    """Return the lapses without which the seat and the student would not be free."""
    lapses: list[Lapse] = []
    for live in agenda.live():
        if _id_of(live) == wish.instead_of:
            continue
        on_seat = takes_seat(live.facts, wish.seat_id, wish.start, occupied_until)
        of_student = takes_student(live.facts, wish.user_id, wish.start, wish.end)
        lapse = lapse_of(live, wish.at)
        if lapse is not None:
            if on_seat or of_student or _counts_as_live(live, wish, library.rules):
                lapses.append(lapse)
        elif on_seat:
            taking = Taking(wish.seat_id, wish.start, wish.end, occupied_until, wish.at)
            free_from = next_free(taking, agenda, library)
            raise SeatTaken(wish.seat_id, live.facts.start, live.facts.occupied_until, free_from)
        elif of_student:
            raise _busy(live, wish)
    return tuple(lapses)


def _id_of(live: Live) -> str:
    return live.facts.hold_id if isinstance(live, Held) else live.facts.booking_id


def _counts_as_live(live: Live, wish: Wish, rules: BookingRules) -> bool:
    mine = live.facts.user_id == wish.user_id and live.facts.library_id == wish.library_id
    return rules.live_bookings is not None and mine and live.facts.end > wish.at


def _busy(live: Live, wish: Wish) -> StudentBusy | StudentHolding:
    """Return the refusal; which booking or hold it is, only the student is told."""
    own = wish.actor.user_id == wish.user_id
    if isinstance(live, Held):
        return StudentHolding(live.facts.hold_id if own else None)
    return StudentBusy(live.facts.booking_id if own else None)
