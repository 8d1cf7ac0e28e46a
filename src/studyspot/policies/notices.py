"""Notices: which events a student is told of, and with what."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

from studyspot.catalogue.codec import Recorded, facts_of
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
    NoticeKind,
)
from studyspot.domain.tags import booking as booking_tag
from studyspot.policies.tasks import Notice, Task, notice_key

_BOOKING = ("bookingId", "seatId", "start", "end")
_PARAMETERS: Mapping[NoticeKind, tuple[str, ...]] = {
    "booking-made-for-you": (*_BOOKING, "checkInFrom", "checkInUntil", "amountMinor", "currency"),
    "booking-moved": (
        *(*_BOOKING, "checkInFrom", "checkInUntil", "amountMinor", "currency"),
        *("previousSeatId", "previousStart", "previousEnd", "previousAmountMinor"),
    ),
    "booking-cancelled": (*_BOOKING, "late", "amountMinor", "keptMinor", "currency"),
    "booking-revoked": (*_BOOKING, "reason", "closureId", "amountMinor", "currency"),
    "booking-no-show": (*_BOOKING, "missedAt", "amountMinor", "currency"),
}
"""What of the event's facts each notice that follows a booking's own event tells."""


def notice_of(recorded: Recorded, event: BookingEvent) -> Task | None:
    """Return the notice to the booking's student, unless they did it themselves or it concerns nobody."""
    kind = _kind_of(event)
    # Nobody misses a booking on purpose; the event may stand in a student's own append.
    did_it = recorded.metadata.actor == event.user_id and kind != "booking-no-show"
    if kind is None or did_it:
        return None
    facts = facts_of(event)
    parameters = {name: facts[name] for name in _PARAMETERS[kind]}
    notice = Notice(
        user_id=event.user_id,
        library_id=event.library_id,
        kind=kind,
        parameters=parameters,
        cause=f"{recorded.position}:{kind}",
    )
    return sending(notice, recorded.position, booking_tag(event.booking_id), recorded.metadata.time)


def sending(notice: Notice, position: int, subject: str, due_at: datetime, ground: str | None = None) -> Task:
    """Return the task of sending `notice`."""
    return Task(
        key=notice_key(notice.cause),
        position=position,
        kind="send-notice",
        subject=subject,
        due_at=due_at,
        ground=ground,
        notice=notice,
    )


def as_text(time: datetime) -> str:
    """Return a time in UTC as events spell it (RFC 3339)."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _kind_of(event: BookingEvent) -> NoticeKind | None:
    match event:
        case BookingCreated():
            return "booking-made-for-you"
        case BookingRescheduled():
            return "booking-moved"
        case BookingCancelled():
            return "booking-cancelled"
        case BookingRevoked():
            return "booking-revoked"
        case BookingNoShow():
            return "booking-no-show"
        case BookingCheckedIn() | BookingCheckedOut() | BookingCompleted():
            return None
        case _ as unreachable:
            assert_never(unreachable)
