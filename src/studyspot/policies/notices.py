"""Notices: which events a person is told of, and with what."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

from studyspot.catalogue.codec import Recorded, facts_of
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
    NoticeKind,
    StaffAdded,
    StaffEvent,
    StaffInvited,
    StaffRemoved,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.policies.tasks import Notice, Task, deadline_key, notice_key

Told = BookingEvent | WaitlistEvent | StaffEvent
"""The events that may concern somebody else than who caused them."""

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
    "check-in-closing": (*_BOOKING, "checkInUntil"),
    "waitlist-offer-lapsed": ("entryId", "start", "end", "seatId", "status"),
    "waitlist-left": ("entryId", "start", "end", "reason"),
    "staff-invited": ("invitationId", "until"),
    "staff-removed": (),
}
"""What of the event's facts each notice tells."""


def notice_of(recorded: Recorded, event: Told) -> Task | None:
    """Return the notice to whom the event concerns, unless they did it themselves or need no word of it."""
    kind = _kind_of(event)
    # Somebody who is known only by an address reads that.
    if kind is None or event.user_id is None:
        return None
    # Nobody misses a booking on purpose; the event may stand in a student's own append.
    if recorded.metadata.actor == event.user_id and kind != "booking-no-show":
        return None
    notice = _notice(recorded, event, event.user_id, kind)
    return sending(notice, recorded.position, _subject(event), recorded.metadata.time)


def reminder_of(recorded: Recorded, event: BookingCreated | BookingRescheduled, due_at: datetime) -> Task:
    """Return the task of reminding the booking's student that check-in closes soon."""
    subject = _subject(event)
    return Task(
        key=deadline_key("remind", subject),
        position=recorded.position,
        kind="remind",
        subject=subject,
        due_at=due_at,
        notice=_notice(recorded, event, event.user_id, "check-in-closing"),
    )


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


def _notice(recorded: Recorded, event: Told, user_id: str, kind: NoticeKind) -> Notice:
    facts = facts_of(event)
    return Notice(
        user_id=user_id,
        library_id=event.library_id,
        kind=kind,
        parameters={name: facts[name] for name in _PARAMETERS[kind]},
        cause=f"{recorded.position}:{kind}",
    )


def _subject(event: Told) -> str:
    if isinstance(event, BookingEvent):
        return tags.booking(event.booking_id)
    if isinstance(event, WaitlistEvent):
        return tags.waitlist_entry(event.entry_id)
    return tags.library(event.library_id)


def _kind_of(event: Told) -> NoticeKind | None:
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
        case WaitlistOfferLapsed():
            return "waitlist-offer-lapsed"
        case WaitlistLeft():
            return "waitlist-left"
        case StaffInvited():
            return "staff-invited"
        case StaffRemoved():
            return "staff-removed"
        case BookingCheckedIn() | BookingCheckedOut() | BookingCompleted() | StaffAdded():
            return None
        # An offer is a notice by itself.
        case WaitlistJoined() | WaitlistOffered() | WaitlistAccepted():
            return None
        case _ as unreachable:
            assert_never(unreachable)
