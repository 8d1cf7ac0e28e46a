"""Read model: what each person was told."""

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import NotificationSent
from studyspot.projections.projection import Projection, PutRow, RowChange, Table

NOTIFICATIONS = Table(
    "notifications",
    {
        "notification_id": "text",
        "user_id": "text NOT NULL",
        "library_id": "text",
        "kind": "text NOT NULL",
        "parameters": "jsonb NOT NULL",
        "sent_at": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",  # of its event: the order in which a person was told
    },
    key=("notification_id",),
    indexes=(("user_id", "position"),),
)


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, NotificationSent):
        return ()
    row = {
        "notification_id": event.notification_id,
        "user_id": event.user_id,
        "library_id": event.library_id,
        "kind": event.kind,
        "parameters": dict(event.parameters),
        "sent_at": recorded.metadata.time,
        "position": recorded.position,
    }
    return (PutRow(NOTIFICATIONS, row),)


PROJECTION = Projection(
    name="notifications",
    version=1,
    tables=(NOTIFICATIONS,),
    event_classes=(NotificationSent,),
    key=("notification_id",),
    changes=changes,
)
