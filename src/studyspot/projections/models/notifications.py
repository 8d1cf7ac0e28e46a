"""Read model: what each person was told, and whether they read it; and what everyone is told.

An offer from a waitlist is told by its own event, under the id of its hold.
"""

from typing import Any, assert_never, get_args

from studyspot.catalogue.codec import Recorded, facts_of
from studyspot.domain.events import (
    AnnouncementMade,
    NoticeEvent,
    NoticeKind,
    NotificationRead,
    NotificationSent,
    WaitlistOffered,
)
from studyspot.projections.projection import Projection, PutRow, RowChange, SetColumns, Table

NOTIFICATIONS = Table(
    "notifications",
    {
        "notification_id": "text",
        "user_id": "text NOT NULL",
        "library_id": "text",
        "kind": "text NOT NULL",
        "parameters": "jsonb NOT NULL",
        "text_id": "text",
        "sent_at": "timestamptz NOT NULL",
        "read_at": "timestamptz",
        "position": "bigint NOT NULL",  # of its event: the order in which a person was told
    },
    key=("notification_id",),
    # By the second, what is unread is counted without what is read.
    indexes=(("user_id", "position"), ("user_id", "read_at", "position")),
)
ANNOUNCEMENTS = Table(
    "announcements",
    {
        "announcement_id": "text",
        "title": "text NOT NULL",
        "text": "text NOT NULL",
        "made_at": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",
    },
    key=("announcement_id",),
    indexes=(("position",),),
)

_OFFER = ("entryId", "holdId", "seatId", "start", "end", "until")
_OFFERED: NoticeKind = "waitlist-offered"

ToldEvent = NoticeEvent | WaitlistOffered


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event, at = recorded.event, recorded.metadata.time
    if not isinstance(event, ToldEvent):
        return ()
    match event:
        case NotificationSent():
            return (_told(recorded, event, event.notification_id, event.kind, dict(event.parameters)),)
        case WaitlistOffered():
            facts = facts_of(event)
            return (_told(recorded, event, event.hold_id, _OFFERED, {name: facts[name] for name in _OFFER}),)
        case NotificationRead():
            return (SetColumns(NOTIFICATIONS, {"notification_id": event.notification_id}, {"read_at": at}),)
        case AnnouncementMade():
            public = {"announcement_id": event.announcement_id, "title": event.title, "text": event.text}
            return (PutRow(ANNOUNCEMENTS, {**public, "made_at": at, "position": recorded.position}),)
        case _ as unreachable:
            assert_never(unreachable)


def _told(
    recorded: Recorded,
    event: NotificationSent | WaitlistOffered,
    notification_id: str,
    kind: NoticeKind,
    parameters: dict[str, Any],
) -> PutRow:
    row = {
        "notification_id": notification_id,
        "user_id": event.user_id,
        "library_id": event.library_id,
        "kind": kind,
        "parameters": parameters,
        "text_id": event.text_id if isinstance(event, NotificationSent) else None,
        "sent_at": recorded.metadata.time,
        "read_at": None,
        "position": recorded.position,
    }
    return PutRow(NOTIFICATIONS, row)


PROJECTION = Projection(
    name="notifications",
    version=2,
    tables=(NOTIFICATIONS, ANNOUNCEMENTS),
    event_classes=get_args(ToldEvent),
    key=("notification_id", "announcement_id", "hold_id"),
    changes=changes,
)
