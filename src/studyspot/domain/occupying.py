"""Whether a student may take a seat for some time: common to a hold, a booking and a rescheduling."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.account import events_of_account, require_active
from studyspot.domain.agenda import OCCUPYING_EVENTS, Agenda, Live, takes_seat, takes_student
from studyspot.domain.awaited import Wanted, awaited_days, events_of_line, require_nobody_before
from studyspot.domain.bookable import require_bookable
from studyspot.domain.decider import Boundary, Criterion
from studyspot.domain.hold import Held
from studyspot.domain.lapses import Lapse, lapse_of, lapses_of
from studyspot.domain.library import Library, open_for_changes, settings_of
from studyspot.domain.next_free import Taking, next_free
from studyspot.domain.people import Actor
from studyspot.domain.quota import Taker, quota_intervals, require_quota
from studyspot.domain.refusals import (
    BeyondHorizon,
    BookingTooLong,
    EndNotAfterStart,
    NotForOthers,
    NotYourLibrary,
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
from studyspot.domain.waiting import events_of_entry


@dataclass(frozen=True, slots=True)
class Wish:
    """A seat for [start, end), at a moment, for a student, `instead_of` a hold or booking of theirs.

    What is held is taken until the hold's `occupied_until`, whatever the rules now say of a buffer.
    Who has lost a seat of theirs is `before_the_line` of those who wait for one.
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
    before_the_line: bool = False

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
    """Return what the wish depends on; what becomes known of rules, seat, line and lapses may widen it."""
    rules = agenda.library.rules if agenda.library else DEFAULT_RULES
    occupied_until = _occupied_until(wish, rules)
    days = dict.fromkeys(seat_days(wish.seat_id, wish.start, occupied_until))
    wanted = _wanted(wish, agenda)
    if wanted is not None:
        days |= dict.fromkeys(awaited_days(wanted, agenda))
    weeks: dict[str, None] = {}
    for start, end in _student_intervals(wish, rules, agenda.library):
        weeks |= dict.fromkeys(student_weeks(wish.user_id, start, end))
    buffer = timedelta(minutes=rules.buffer_minutes)
    line = () if wish.before_the_line else events_of_line(wish.library_id, wish.start, occupied_until, buffer)
    return (
        *settings_of(wish.library_id),
        *events_of_seat(wish.seat_id),
        *events_of_account(wish.user_id),
        *(Criterion(OCCUPYING_EVENTS, tag) for tag in (*days, *weeks)),
        *line,
        *_events_of_offers(wish, agenda, rules, occupied_until),
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
    seat = _usable_seat(library, agenda.seat)
    require_active(agenda.account)
    rules, occupied_until = library.rules, _occupied_until(wish, library.rules)
    require_bookable(library, wish.start, wish.end, wish.at)
    _require_not_blocked(wish, agenda, rules)
    _require_seat_free(wish, agenda, library, occupied_until)
    _require_turn(wish, agenda)
    _require_student_free(wish, agenda)
    taker = Taker(wish.library_id, wish.user_id, wish.at, wish.instead_of)
    require_quota(agenda, taker, rules, wish.start, wish.end, library.zone)
    relied_on = _relied_on(wish, agenda, rules, occupied_until)
    lapses = [lapse for live in relied_on for lapse in lapses_of(live, agenda, wish.at)]
    return Admission(library, seat, occupied_until, tuple(lapses))


def require_place(wish: Wish, agenda: Agenda) -> None:
    """Let there be a place, and the student's turn for it, whether or not they can take it.

    Raises:
        Refusal: the library, the seat, or who has it or comes before them for it, says no.
    """
    library = entitled(wish, agenda)
    _usable_seat(library, agenda.seat)
    require_bookable(library, wish.start, wish.end, wish.at)
    _require_seat_free(wish, agenda, library, _occupied_until(wish, library.rules))
    _require_turn(wish, agenda)


def busy(live: Live, actor: Actor) -> StudentBusy | StudentHolding:
    """Return the refusal; which booking or hold it is, only the student is told."""
    own = actor.user_id == live.facts.user_id
    if isinstance(live, Held):
        return StudentHolding(live.facts.hold_id if own else None)
    return StudentBusy(live.facts.booking_id if own else None)


def _usable_seat(library: Library, seat: Seat | None) -> Seat:
    if seat is None or seat.library_id != library.library_id or seat.removed:
        raise SeatUnknown
    if not seat.in_service:
        raise SeatOutOfService
    return seat


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


def _require_not_blocked(wish: Wish, agenda: Agenda, rules: BookingRules) -> None:
    strikes = strikes_of(agenda.bookings.values(), wish.library_id, wish.user_id, wish.at)
    until = blocked_until(strikes, rules, wish.at)
    if until is not None:
        raise StudentBlocked(until)


def _require_seat_free(wish: Wish, agenda: Agenda, library: Library, occupied_until: datetime) -> None:
    for live in agenda.live():
        if _id_of(live) == wish.instead_of or lapse_of(live, wish.at) is not None:
            continue
        if takes_seat(live.facts, wish.seat_id, wish.start, occupied_until):
            taking = Taking(wish.seat_id, wish.start, wish.end, occupied_until, wish.at)
            free_from = next_free(taking, agenda, library)
            raise SeatTaken(wish.seat_id, live.facts.start, live.facts.occupied_until, free_from)


def _require_turn(wish: Wish, agenda: Agenda) -> None:
    wanted = _wanted(wish, agenda)
    if wanted is not None and not wish.before_the_line:
        require_nobody_before(wanted, agenda)


def _wanted(wish: Wish, agenda: Agenda) -> Wanted | None:
    if agenda.library is None or agenda.seat is None:
        return None
    occupied_until = _occupied_until(wish, agenda.library.rules)
    return Wanted(agenda.library, agenda.seat, wish.user_id, wish.start, occupied_until, wish.at)


def _events_of_offers(
    wish: Wish, agenda: Agenda, rules: BookingRules, occupied_until: datetime
) -> Iterable[Criterion]:
    """Yield what tells of the places in line that end with the holds that the wish relies on or becomes."""
    for live in _relied_on(wish, agenda, rules, occupied_until):
        if isinstance(live, Held):
            yield from events_of_entry(live.facts.entry_id)
    own = agenda.holds.get(wish.instead_of) if wish.instead_of is not None else None
    if own is not None:
        yield from events_of_entry(own.facts.entry_id)


def _require_student_free(wish: Wish, agenda: Agenda) -> None:
    for live in agenda.live():
        if _id_of(live) == wish.instead_of or lapse_of(live, wish.at) is not None:
            continue
        if takes_student(live.facts, wish.user_id, wish.start, wish.end):
            raise busy(live, wish.actor)


def _relied_on(wish: Wish, agenda: Agenda, rules: BookingRules, occupied_until: datetime) -> Iterable[Live]:
    """Yield what the clock has ended, and without which the seat or the student would not be free."""
    for live in agenda.live():
        if _id_of(live) == wish.instead_of or lapse_of(live, wish.at) is None:
            continue
        on_seat = takes_seat(live.facts, wish.seat_id, wish.start, occupied_until)
        of_student = takes_student(live.facts, wish.user_id, wish.start, wish.end)
        if on_seat or of_student or _counts_as_live(live, wish, rules):
            yield live


def _id_of(live: Live) -> str:
    return live.facts.hold_id if isinstance(live, Held) else live.facts.booking_id


def _counts_as_live(live: Live, wish: Wish, rules: BookingRules) -> bool:
    mine = live.facts.user_id == wish.user_id and live.facts.library_id == wish.library_id
    return rules.live_bookings is not None and mine and live.facts.end > wish.at
