"""Wait for a seat, leave the line, be offered one: first come, first served."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from studyspot.domain.account import events_of_account, require_active
from studyspot.domain.agenda import OCCUPYING_EVENTS, Agenda, evolve_agenda, takes_student
from studyspot.domain.bookable import require_bookable
from studyspot.domain.booking import Revoked, events_of_booking
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import (
    Event,
    HoldPlaced,
    HoldReleased,
    WaitlistJoined,
    WaitlistLeaving,
    WaitlistLeft,
    WaitlistOffered,
)
from studyspot.domain.hold import Held, events_of_hold
from studyspot.domain.lapses import lapse_of
from studyspot.domain.library import open_for_changes, settings_of
from studyspot.domain.occupying import (
    Wish,
    admit,
    boundary_of,
    busy,
    interval_refusal,
    require_interval,
    require_place,
    student_of,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    AccountInactive,
    NotRevoked,
    NotYourLibrary,
    QuotaExhausted,
    SeatUnknown,
    StudentBlocked,
    StudentBusy,
    StudentHolding,
    WaitingAlready,
    WaitlistEntryEnded,
    WaitlistEntryUnknown,
    WaitlistFull,
    WaitlistJoinedTooOften,
)
from studyspot.domain.tags import student_weeks, waitlists
from studyspot.domain.waiting import (
    Accepted,
    Entry,
    Left,
    Offered,
    OfferLapsed,
    Waiting,
    events_of_entry,
    events_of_waitlists,
    is_live,
    is_over,
    would_do,
)

OFFERED_FOR = timedelta(minutes=10)
MOST_WAITING = 200
"""So many wait at most for some of one date, in one library."""
MOST_JOINED = 10
"""So often one student joins for some of one date, in one library: what is read of it is bounded too."""

_TAKES_NO_SEAT = (StudentBusy, StudentHolding, QuotaExhausted, StudentBlocked, AccountInactive)


@dataclass(frozen=True, slots=True)
class JoinWaitlist:
    """Wait for a seat of `zone` with all of `attributes`, throughout [start, end) in UTC.

    Who lost `revoked_booking_id` by no fault of theirs waits for some of its time, before all others.
    """

    entry_id: str
    library_id: str
    start: datetime
    end: datetime
    zone: str | None
    attributes: Mapping[str, str | int | bool]
    revoked_booking_id: str | None
    actor: Actor
    at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class LeaveWaitlist:
    """Wait no more: the student, or the library for them; what is offered is let go."""

    entry_id: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class OfferPlace:
    """Offer a seat to who is next in line for it, by a hold; nothing, where they no longer wait.

    Where the student can take no seat then, their place is given up instead; so it is once the time that was
    waited for has begun.
    """

    entry_id: str
    hold_id: str
    occupation: str
    seat_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EndWaiting:
    """Note that the time that was waited for has begun; nothing, where it has not or has been noted."""

    entry_id: str
    at: datetime


def joined_already(agenda: Agenda, command: JoinWaitlist) -> Waiting | Offered | None:
    """Return the student's place by which they wait for exactly this already, or are offered it."""
    wanted = (command.start, command.end, command.zone, dict(command.attributes))
    for entry in _own(agenda, command):
        joined = entry.joined
        if (joined.start, joined.end, joined.zone, dict(joined.attributes)) == wanted:
            return entry
    return None


def _boundary_of_joining(command: JoinWaitlist, agenda: Agenda) -> Boundary:
    user_id = student_of(command.actor, command.user_id)
    if interval_refusal(command.start, command.end, command.at) is not None:
        return ()
    revoked = command.revoked_booking_id
    return (
        *settings_of(command.library_id),
        *events_of_account(user_id),
        *events_of_waitlists(command.library_id, command.start, command.end),
        *(Criterion(OCCUPYING_EVENTS, tag) for tag in student_weeks(user_id, command.start, command.end)),
        *(events_of_booking(revoked) if revoked is not None else ()),
    )


def _decide_joining(command: JoinWaitlist, agenda: Agenda) -> tuple[Event, ...]:
    user_id = student_of(command.actor, command.user_id)
    require_interval(command.start, command.end, command.at)
    library = open_for_changes(agenda.library)
    if command.actor.role != "student" and not library.managed_by(command.actor):
        raise NotYourLibrary
    if joined_already(agenda, command) is not None:
        return ()
    require_active(agenda.account)
    require_bookable(library, command.start, command.end, command.at)
    for entry in _own(agenda, command):
        raise WaitingAlready(entry.joined.entry_id)
    _require_not_busy(command, agenda, user_id)
    _require_revoked(command, agenda, user_id)
    _require_room(command, agenda, user_id)
    return (
        WaitlistJoined(
            entry_id=command.entry_id,
            library_id=command.library_id,
            user_id=user_id,
            start=command.start,
            end=command.end,
            zone=command.zone,
            attributes=command.attributes,
            revoked_booking_id=command.revoked_booking_id,
        ),
    )


def _own(agenda: Agenda, command: JoinWaitlist) -> Iterator[Waiting | Offered]:
    """Yield where the student waits in this library for some of that time, or is offered a seat."""
    user_id = student_of(command.actor, command.user_id)
    for entry in agenda.entries.values():
        joined = entry.joined
        mine = (joined.library_id, joined.user_id) == (command.library_id, user_id)
        overlaps = joined.start < command.end and command.start < joined.end
        if mine and overlaps and isinstance(entry, Waiting | Offered) and is_live(entry, command.at):
            yield entry


def _require_not_busy(command: JoinWaitlist, agenda: Agenda, user_id: str) -> None:
    for live in agenda.live():
        taken = takes_student(live.facts, user_id, command.start, command.end)
        if taken and lapse_of(live, command.at) is None:
            raise busy(live, command.actor)


def _require_revoked(command: JoinWaitlist, agenda: Agenda, user_id: str) -> None:
    """Let come first who lost a booking for that time here, once."""
    booking_id = command.revoked_booking_id
    if booking_id is None:
        return
    booking = agenda.bookings.get(booking_id)
    if not isinstance(booking, Revoked):
        raise NotRevoked
    facts = booking.facts
    theirs = (facts.library_id, facts.user_id) == (command.library_id, user_id)
    within = facts.start <= command.start and command.end <= facts.end
    made_good = any(
        isinstance(entry, Accepted) and entry.joined.revoked_booking_id == booking_id
        for entry in agenda.entries.values()
    )
    if not theirs or not within or made_good:
        raise NotRevoked


def _require_room(command: JoinWaitlist, agenda: Agenda, user_id: str) -> None:
    for tag in waitlists(command.library_id, command.start, command.end):
        there = [entry for entry in agenda.entries.values() if tag in _dates(entry)]
        if sum(is_live(entry, command.at) for entry in there) >= MOST_WAITING:
            raise WaitlistFull(MOST_WAITING)
        if sum(entry.joined.user_id == user_id for entry in there) >= MOST_JOINED:
            raise WaitlistJoinedTooOften(MOST_JOINED)


def _dates(entry: Entry) -> tuple[str, ...]:
    return waitlists(entry.joined.library_id, entry.joined.start, entry.joined.end)


def _boundary_of_leaving(command: LeaveWaitlist, agenda: Agenda) -> Boundary:
    own = events_of_entry(command.entry_id)
    entry = agenda.entries.get(command.entry_id)
    if entry is None:
        return own
    held = events_of_hold(entry.hold_id) if isinstance(entry, Offered) else ()
    run = settings_of(entry.joined.library_id) if command.actor.user_id != entry.joined.user_id else ()
    return (*own, *held, *run)


def _decide_leaving(command: LeaveWaitlist, agenda: Agenda) -> tuple[Event, ...]:
    entry, library, actor = agenda.entries.get(command.entry_id), agenda.library, command.actor
    if entry is None:
        raise WaitlistEntryUnknown
    if entry.joined.user_id != actor.user_id and (library is None or not library.managed_by(actor)):
        raise WaitlistEntryUnknown
    if not isinstance(entry, Waiting | Offered) or not is_live(entry, command.at):
        raise WaitlistEntryEnded(_ended_as(entry))
    hold = agenda.holds.get(entry.hold_id) if isinstance(entry, Offered) else None
    released = (HoldReleased(**hold.facts.facts()),) if isinstance(hold, Held) else ()
    return (*released, _left(entry, "asked"))


def _boundary_of_offering(command: OfferPlace, agenda: Agenda) -> Boundary:
    own = events_of_entry(command.entry_id)
    entry = agenda.entries.get(command.entry_id)
    if not isinstance(entry, Waiting) or is_over(entry, command.at):
        return own
    return tuple(dict.fromkeys((*own, *boundary_of(_wish(command, entry), agenda))))


def _decide_offering(command: OfferPlace, agenda: Agenda) -> tuple[Event, ...]:
    entry = agenda.entries.get(command.entry_id)
    if entry is None:
        raise WaitlistEntryUnknown
    if not isinstance(entry, Waiting):
        return ()
    if is_over(entry, command.at):
        return (_left(entry, "over"),)
    wanted = entry.joined
    if agenda.seat is None or not would_do(agenda.seat, wanted.zone, wanted.attributes):
        raise SeatUnknown
    wish = _wish(command, entry)
    # Only whose turn it is can lose it: a seat is there for them, and they cannot take it.
    require_place(wish, agenda)
    try:
        admission = admit(wish, agenda)
    except _TAKES_NO_SEAT:
        return (_left(entry, "not-entitled"),)
    placed = HoldPlaced(
        hold_id=command.hold_id,
        occupation=command.occupation,
        library_id=wish.library_id,
        seat_id=command.seat_id,
        user_id=wish.user_id,
        start=wish.start,
        end=wish.end,
        occupied_until=admission.occupied_until,
        until=command.at + OFFERED_FOR,
        entry_id=command.entry_id,
    )
    offered = WaitlistOffered(
        **entry.joined.facts(), hold_id=placed.hold_id, seat_id=placed.seat_id, until=placed.until
    )
    return (*admission.lapses, placed, offered)


def _boundary_of_ending(command: EndWaiting, agenda: Agenda) -> Boundary:
    return events_of_entry(command.entry_id)


def _decide_ending(command: EndWaiting, agenda: Agenda) -> tuple[Event, ...]:
    entry = agenda.entries.get(command.entry_id)
    if isinstance(entry, Waiting) and is_over(entry, command.at):
        return (_left(entry, "over"),)
    return ()


def _wish(command: OfferPlace, entry: Waiting) -> Wish:
    joined = entry.joined
    return Wish(
        library_id=joined.library_id,
        seat_id=command.seat_id,
        user_id=joined.user_id,
        start=joined.start,
        end=joined.end,
        actor=Actor(joined.user_id, "student"),
        at=command.at,
    )


def _left(entry: Waiting | Offered, reason: WaitlistLeaving) -> WaitlistLeft:
    return WaitlistLeft(**entry.joined.facts(), reason=reason)


def _ended_as(entry: Entry) -> str:
    """Return what has become of a place in line, by events or by the clock."""
    match entry:
        case Waiting() | Left():
            return "left"
        case Offered() | OfferLapsed():
            return "lapsed"
        case Accepted():
            return "accepted"
        case _ as unreachable:
            assert_never(unreachable)


JOIN_WAITLIST = Decider(Agenda, evolve_agenda, _boundary_of_joining, _decide_joining)
LEAVE_WAITLIST = Decider(Agenda, evolve_agenda, _boundary_of_leaving, _decide_leaving)
OFFER_PLACE = Decider(Agenda, evolve_agenda, _boundary_of_offering, _decide_offering)
END_WAITING = Decider(Agenda, evolve_agenda, _boundary_of_ending, _decide_ending)
