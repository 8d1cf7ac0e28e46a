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
)
from studyspot.policies.notices import notice_of
from studyspot.policies.tasks import Task, deadline_key, notice_key

TAKEN = (
    *(HoldPlaced, HoldReleased, HoldLapsed),
    *(BookingCreated, BookingRescheduled, BookingCancelled, BookingCheckedIn),
    *(BookingCheckedOut, BookingCompleted, BookingNoShow, BookingRevoked),
    *(ClosureAnnounced, ClosureWithdrawn, SeatAvailabilityChanged, SeatRemoved, NotificationSent),
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
    """A hold or booking has ended: nothing is to be done about it but to tell its student."""

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


Change = Stands | Over | Moved | Plan | Drop | Hit | Cleared


def changes_of(recorded: Recorded) -> Iterable[Change]:
    """Yield what the event changes, in order; nothing for one that is not of `TAKEN`."""
    event = recorded.event
    if isinstance(event, HoldEvent):
        yield from _of_hold(recorded, event)
    elif isinstance(event, BookingEvent):
        yield from _of_booking(recorded, event)
        notice = notice_of(recorded, event)
        if notice is not None:
            yield Plan(notice)
    elif isinstance(event, ClosureAnnounced | SeatAvailabilityChanged | SeatRemoved | ClosureWithdrawn):
        yield _of_ground(recorded, event)
    elif isinstance(event, NotificationSent):
        yield Drop(notice_key(event.cause))


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
        case BookingCheckedIn():
            yield Drop(miss)
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
