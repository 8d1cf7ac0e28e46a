"""What each event changes in what policies know: what stands, and what is to be done when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from studyspot.catalogue.codec import Recorded
from studyspot.domain import tags
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingCreated,
    BookingEvent,
    BookingNoShow,
    BookingRescheduled,
    BookingRevoked,
    ClosureAnnounced,
    ClosureWithdrawn,
    HoldEvent,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    NotificationSent,
    OccupationFacts,
    SeatAvailabilityChanged,
    SeatRemoved,
    StaffInvited,
    StaffRemoved,
    WaitlistJoined,
    WaitlistOfferLapsed,
)
from studyspot.domain.reminders import remind_at
from studyspot.domain.rules import WALK_IN_GRACE
from studyspot.policies.line import LINE_EVENTS, LineChange, WaitsNoMore, line_changes
from studyspot.policies.notices import Told, notice_of, reminder_of
from studyspot.policies.tasks import Task, deadline_key, notice_key

TAKEN = (
    *(HoldPlaced, HoldReleased, HoldLapsed),
    *(BookingCreated, BookingRescheduled, BookingCancelled, BookingCheckedIn),
    *(BookingCheckedOut, BookingCompleted, BookingNoShow, BookingRevoked),
    *(StaffInvited, StaffRemoved, NotificationSent),
    *LINE_EVENTS,
)
"""The events from which policies know all they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A hold or booking stands now, or elsewhere than before."""

    subject: str
    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """A hold, booking or wait has ended: nothing is to be done about it but to tell its student."""

    subject: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A booking is elsewhere: what a closure or its seat asked for, where it was, is void."""

    subject: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Something is to be done; a task with the same key is replaced."""

    task: Task


@dataclass(frozen=True, slots=True)
class Drop:
    """A task need not be done any more."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What stands at a seat, or in a library within [start, end), and ends after `time`, is hit by `ground`.

    Holds are released now. Bookings are revoked at `revoke_at`, if ever; where that is later than `time`,
    their students are told, but for `actor`, who knows. What the same ground asked for before is void.
    """

    ground: str
    position: int
    time: datetime
    actor: str | None
    library_id: str
    closure_id: str | None = None
    seat_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    revoke_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """A closure is withdrawn, or a seat back in service: what it asked for and is not done yet is void."""

    ground: str


Change = Stands | Over | Moved | Plan | Drop | Hit | Cleared | LineChange


def changes_of(recorded: Recorded) -> Iterable[Change]:
    """Yield what the event changes, in order; nothing for one that is not of `TAKEN`."""
    event = recorded.event
    if isinstance(event, HoldEvent):
        yield from _of_hold(recorded, event)
    elif isinstance(event, BookingEvent):
        yield from _of_booking(recorded, event)
    elif isinstance(event, ClosureAnnounced | SeatAvailabilityChanged | SeatRemoved | ClosureWithdrawn):
        yield _of_ground(recorded, event)
    elif isinstance(event, NotificationSent):
        yield Drop(notice_key(event.cause))
    if isinstance(event, Told):
        notice = notice_of(recorded, event)
        if notice is not None:
            yield Plan(notice)
    for change in line_changes(recorded):
        yield change
        if isinstance(change, WaitsNoMore):
            yield Over(tags.waitlist_entry(change.entry_id))
    if isinstance(event, WaitlistJoined | WaitlistOfferLapsed) and event.status == "waiting":
        yield _end_of_waiting(recorded, event)


def _of_hold(recorded: Recorded, event: HoldEvent) -> Iterable[Change]:
    subject = tags.hold(event.hold_id)
    match event:
        case HoldPlaced():
            yield _stands(subject, event)
            yield Plan(
                Task(
                    key=deadline_key("lapse-hold", subject),
                    position=recorded.position,
                    kind="lapse-hold",
                    subject=subject,
                    due_at=event.until,
                )
            )
        case HoldReleased() | HoldLapsed():
            yield Over(subject)
        case _ as unreachable:
            assert_never(unreachable)


def _of_booking(recorded: Recorded, event: BookingEvent) -> Iterable[Change]:
    subject = tags.booking(event.booking_id)
    miss = deadline_key("miss-booking", subject)
    match event:
        case BookingCreated() | BookingRescheduled():
            if isinstance(event, BookingRescheduled):
                yield Moved(subject)
            elif event.hold_id is not None:
                yield Over(tags.hold(event.hold_id))
            yield _stands(subject, event)
            yield Plan(
                Task(
                    key=miss,
                    position=recorded.position,
                    kind="miss-booking",
                    subject=subject,
                    due_at=event.check_in_until,
                )
            )
            yield _reminder(recorded, event)
        case BookingCheckedIn():
            yield Drop(miss)
            yield Drop(deadline_key("remind", subject))
            yield Plan(
                Task(
                    key=deadline_key("complete-booking", subject),
                    position=recorded.position,
                    kind="complete-booking",
                    subject=subject,
                    due_at=event.occupied_until,
                )
            )
        case (
            BookingCheckedOut() | BookingCompleted() | BookingCancelled() | BookingNoShow() | BookingRevoked()
        ):
            yield Over(subject)
        case _ as unreachable:
            assert_never(unreachable)


def _reminder(recorded: Recorded, event: BookingCreated | BookingRescheduled) -> Change:
    due_at = remind_at(event, recorded.metadata.time)
    if due_at is None:
        return Drop(deadline_key("remind", tags.booking(event.booking_id)))
    return Plan(reminder_of(recorded, event, due_at))


def _end_of_waiting(recorded: Recorded, event: WaitlistJoined | WaitlistOfferLapsed) -> Plan:
    subject = tags.waitlist_entry(event.entry_id)
    return Plan(
        Task(
            key=deadline_key("end-waiting", subject),
            position=recorded.position,
            kind="end-waiting",
            subject=subject,
            due_at=event.start + WALK_IN_GRACE,
        )
    )


def _of_ground(
    recorded: Recorded, event: ClosureAnnounced | ClosureWithdrawn | SeatAvailabilityChanged | SeatRemoved
) -> Change:
    time, actor = recorded.metadata.time, recorded.metadata.actor
    match event:
        case ClosureAnnounced():
            return Hit(
                ground=_closure(event.library_id, event.closure_id),
                position=recorded.position,
                time=time,
                actor=actor,
                library_id=event.library_id,
                closure_id=event.closure_id,
                start=event.start,
                end=event.end,
                revoke_at=event.revoke_at,
            )
        case SeatAvailabilityChanged(in_service=False) | SeatRemoved():
            return Hit(
                ground=tags.seat(event.seat_id),
                position=recorded.position,
                time=time,
                actor=actor,
                library_id=event.library_id,
                seat_id=event.seat_id,
                revoke_at=event.revoke_at,
            )
        case ClosureWithdrawn():
            return Cleared(_closure(event.library_id, event.closure_id))
        case SeatAvailabilityChanged():
            return Cleared(tags.seat(event.seat_id))
        case _ as unreachable:
            assert_never(unreachable)


def _stands(subject: str, facts: OccupationFacts) -> Stands:
    return Stands(
        subject=subject,
        library_id=facts.library_id,
        seat_id=facts.seat_id,
        user_id=facts.user_id,
        start=facts.start,
        end=facts.end,
    )


def _closure(library_id: str, closure_id: str) -> str:
    # Each library may have one of the same name, such as that of its retirement.
    return f"closure:{library_id}:{closure_id}"
