"""The consistency tags of each event, derived from its ids and interval."""

from typing import assert_never

from studyspot.domain import tags
from studyspot.domain.events import (
    AccountEvent,
    AnnouncementMade,
    BookingCreated,
    BookingEvent,
    BookingRescheduled,
    Event,
    HoldEvent,
    LibraryEvent,
    NoticeEvent,
    NotificationRead,
    NotificationSent,
    OccupationFacts,
    PaymentEvent,
    SeatEvent,
    StaffEvent,
    StaffRemoved,
    WaitlistEvent,
    WaitlistOffered,
)


def tags_of(event: Event) -> tuple[str, ...]:
    """Return every tag under which a decision may look for this event, some perhaps twice."""
    if isinstance(event, HoldEvent):
        return (tags.hold(event.hold_id), *_occupied(event))
    if isinstance(event, BookingEvent):
        own = (tags.booking(event.booking_id), *_occupied(event))
        if isinstance(event, BookingCreated) and event.hold_id is not None:
            return (*own, tags.hold(event.hold_id))
        if isinstance(event, BookingRescheduled):
            start, end = event.previous_start, event.previous_occupied_until
            days = tags.seat_days(event.previous_seat_id, start, end)
            return (*own, *days, *tags.student_weeks(event.user_id, start, end))
        return own
    if isinstance(event, PaymentEvent):
        return (tags.booking(event.booking_id),)
    if isinstance(event, SeatEvent):
        return (tags.seat(event.seat_id), tags.library(event.library_id))
    if isinstance(event, LibraryEvent):
        return (tags.library(event.library_id),)
    if isinstance(event, StaffEvent):
        own = (tags.library(event.library_id),)
        return own if isinstance(event, StaffRemoved) else (*own, tags.invitation(event.invitation_id))
    if isinstance(event, AccountEvent):
        return (tags.user(event.user_id),)
    if isinstance(event, WaitlistEvent):
        waiting = tags.waitlists(event.library_id, event.start, event.end)
        own = (tags.waitlist_entry(event.entry_id), *waiting)
        # An offer is told as a notice is, by the id of its hold, and marked as read by that.
        return (*own, tags.notification(event.hold_id)) if isinstance(event, WaitlistOffered) else own
    if isinstance(event, NoticeEvent):
        return _of_notice(event)
    assert_never(event)


def _of_notice(event: NoticeEvent) -> tuple[str, ...]:
    match event:
        case NotificationSent():
            return (tags.notification(event.notification_id), tags.cause(event.cause))
        case NotificationRead():
            return (tags.notification(event.notification_id),)
        case AnnouncementMade():
            return ()
        case _ as unreachable:
            assert_never(unreachable)


def _occupied(facts: OccupationFacts) -> tuple[str, ...]:
    """Return the seat's days and the student's weeks of the occupied interval."""
    start, end = facts.start, facts.occupied_until
    return (*tags.seat_days(facts.seat_id, start, end), *tags.student_weeks(facts.user_id, start, end))
