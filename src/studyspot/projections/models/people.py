"""Read model: who has an account here and in which role, and who may do nothing any more.

Whose tokens come from elsewhere has no account here, and may be barred all the same: so these are two tables.
Names and addresses are not in the log, and not here.
"""

from typing import Any, assert_never, get_args

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountEvent,
    AccountRegistered,
    AccountRoleChanged,
)
from studyspot.projections.projection import (
    Projection,
    PutRow,
    RemoveRow,
    RowChange,
    SetColumns,
    Table,
)

PEOPLE = Table(
    "people",
    {
        "user_id": "text",
        "role": "text NOT NULL",
        "registered_at": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",  # of their registration: the order in which people came
    },
    key=("user_id",),
    indexes=(("position",),),
)
BARRED = Table(
    "barred",
    {
        "user_id": "text",
        "status": "text NOT NULL",  # disabled or erased; without a row a person is active
        "since": "timestamptz NOT NULL",
        "position": "bigint NOT NULL",
    },
    key=("user_id",),
)


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event = recorded.event
    if not isinstance(event, AccountEvent):
        return ()
    person = {"user_id": event.user_id}
    match event:
        case AccountRegistered():
            came: dict[str, Any] = {"registered_at": recorded.metadata.time, "position": recorded.position}
            return (PutRow(PEOPLE, {**person, "role": event.role, **came}),)
        case AccountRoleChanged():
            return (SetColumns(PEOPLE, person, {"role": event.role}),)
        case AccountDisabled():
            return (_barred(recorded, event, "disabled"),)
        case AccountEnabled():
            return (RemoveRow(BARRED, person),)
        case AccountErased():
            return (_barred(recorded, event, "erased"),)
        case _ as unreachable:
            assert_never(unreachable)


def _barred(recorded: Recorded, event: AccountDisabled | AccountErased, status: str) -> PutRow:
    since = {"since": recorded.metadata.time, "position": recorded.position}
    return PutRow(BARRED, {"user_id": event.user_id, "status": status, **since})


PROJECTION = Projection(
    name="people",
    version=1,
    tables=(PEOPLE, BARRED),
    event_classes=get_args(AccountEvent),
    key=("user_id",),
    changes=changes,
)
