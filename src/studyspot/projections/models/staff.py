"""Who works for a library, and who is invited to: kept with the library, under its key."""

from typing import assert_never

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import StaffAdded, StaffEvent, StaffInvited, StaffRemoved
from studyspot.projections.projection import PutRow, RemoveRow, RowChange, Table

STAFF = Table(
    "staff",
    {"library_id": "text", "user_id": "text NOT NULL", "since": "timestamptz NOT NULL"},
    key=("library_id", "user_id"),
    indexes=(("user_id",),),
)
INVITATIONS = Table(
    "invitations",
    {
        "library_id": "text",
        "invitation_id": "text NOT NULL",
        "user_id": "text",  # none where an address was invited, which is not in the log
        "invited_at": "timestamptz NOT NULL",
        "until": "timestamptz NOT NULL",
    },
    key=("library_id", "invitation_id"),
    indexes=(("user_id",), ("invitation_id",)),
)


def changes_of_staff(recorded: Recorded, event: StaffEvent) -> tuple[RowChange, ...]:
    """Return what the event does; an invitation that is accepted stands no more."""
    library = {"library_id": event.library_id}
    match event:
        case StaffInvited():
            when = {"invited_at": recorded.metadata.time, "until": event.until}
            whom = {"invitation_id": event.invitation_id, "user_id": event.user_id}
            return (PutRow(INVITATIONS, {**library, **whom, **when}),)
        case StaffAdded():
            since = {"user_id": event.user_id, "since": recorded.metadata.time}
            accepted = RemoveRow(INVITATIONS, {**library, "invitation_id": event.invitation_id})
            return (PutRow(STAFF, {**library, **since}), accepted)
        case StaffRemoved():
            return (RemoveRow(STAFF, {**library, "user_id": event.user_id}),)
        case _ as unreachable:
            assert_never(unreachable)
