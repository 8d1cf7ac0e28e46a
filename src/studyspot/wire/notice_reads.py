"""What people are told, as it is read."""

from studyspot.domain.events import NoticeKind
from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, Instant


class NotificationView(CamelModel):
    """What a person was told: a kind, and what its sentence needs; unread while `read_at` is none.

    A personal notice has a `text`, until it is `deleted`.
    """

    id: str
    library_id: str | None
    kind: NoticeKind
    parameters: dict[str, bool | int | str | None]
    text: str | None
    deleted: bool
    sent_at: Instant
    read_at: Instant | None


class NotificationsFound(Reflected):
    """A page of what a person was told, newest first; `next` is the cursor of the page that follows.

    `unread` counts all that they have not read, on this page or not.
    """

    rows: tuple[NotificationView, ...]
    next: str | None
    unread: int
    server_now: Instant


class AnnouncementView(CamelModel):
    """What everyone is told."""

    id: str
    title: str
    text: str
    made_at: Instant


class AnnouncementsFound(Reflected):
    """A page of announcements, newest first; `next` is the cursor of the page that follows."""

    rows: tuple[AnnouncementView, ...]
    next: str | None
