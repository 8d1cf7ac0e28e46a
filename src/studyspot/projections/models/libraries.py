"""Read model: what a library tells about itself, its prices, rules and hours, and who works there."""

from typing import Any, assert_never, get_args

from pydantic import TypeAdapter

from studyspot.catalogue.codec import Recorded
from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    LibraryCreated,
    LibraryDeleted,
    LibraryDetails,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    StaffEvent,
)
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import DEFAULT_RULES, BookingRules
from studyspot.projections.models.staff import INVITATIONS, STAFF, changes_of_staff
from studyspot.projections.projection import (
    Projection,
    PutRow,
    RemoveRow,
    RowChange,
    SetColumns,
    Table,
    Values,
)

LIBRARIES = Table(
    "libraries",
    {
        "library_id": "text",
        "owner_id": "text NOT NULL",
        "name": "text NOT NULL",
        "city": "text NOT NULL",
        "address": "text",
        "time_zone": "text NOT NULL",
        "currency": "text NOT NULL",
        "amenities": "text[] NOT NULL",
        "retired": "boolean NOT NULL",
        "price_version": "bigint",
        "price_from_minor": "bigint",
        "plans": "jsonb NOT NULL",
        "hours": "jsonb",  # none where it is always open
        "rules": "jsonb NOT NULL",
        "position": "bigint NOT NULL",  # of the newest event about the library: its ETag
    },
    key=("library_id",),
    indexes=(("name", "library_id"), ("owner_id",)),
)
CLOSURES = Table(
    "closures",
    {
        "library_id": "text",
        "closure_id": "text",
        "starts_at": "timestamptz NOT NULL",
        "ends_at": "timestamptz",
        "revoke_at": "timestamptz",
    },
    key=("library_id", "closure_id"),
)

_HOURS = TypeAdapter(tuple[OpenHours, ...] | None)
_RULES = TypeAdapter(BookingRules)


def changes(recorded: Recorded) -> tuple[RowChange, ...]:
    event, position = recorded.event, recorded.position
    if isinstance(event, StaffEvent):
        return changes_of_staff(recorded, event)
    if not isinstance(event, LibraryEvent):
        return ()
    match event:
        case LibraryCreated():
            return (PutRow(LIBRARIES, _created(event, position)),)
        case LibraryUpdated():
            return (_set(event.library_id, position, **_details(event)),)
        case LibraryDeleted():
            return (_set(event.library_id, position, retired=True),)
        case PricingUpdated():
            return (_set(event.library_id, position, **_pricing(event)),)
        case LibraryHoursSet():
            return (_set(event.library_id, position, hours=_public(_HOURS, event.hours)),)
        case LibraryRulesSet():
            return (_set(event.library_id, position, rules=_public(_RULES, event.rules)),)
        case ClosureAnnounced():
            times = {"starts_at": event.start, "ends_at": event.end, "revoke_at": event.revoke_at}
            return (PutRow(CLOSURES, {**_closure(event), **times}), _set(event.library_id, position))
        case ClosureWithdrawn():
            return (RemoveRow(CLOSURES, _closure(event)), _set(event.library_id, position))
        case _ as unreachable:
            assert_never(unreachable)


def _set(library_id: str, position: int, **values: Any) -> SetColumns:
    return SetColumns(LIBRARIES, {"library_id": library_id}, {**values, "position": position})


def _created(event: LibraryCreated, position: int) -> Values:
    return {
        "library_id": event.library_id,
        "owner_id": event.owner_id,
        **_details(event),
        "currency": event.currency,
        "retired": False,
        "price_version": None,
        "price_from_minor": None,
        "plans": [],
        "hours": None,
        "rules": _public(_RULES, DEFAULT_RULES),
        "position": position,
    }


def _details(details: LibraryDetails) -> dict[str, Any]:
    return {
        "name": details.name,
        "city": details.city,
        "address": details.address,
        "time_zone": details.time_zone,
        "amenities": list(details.amenities),
    }


def _pricing(event: PricingUpdated) -> dict[str, Any]:
    return {
        "currency": event.currency,
        "price_version": event.price_version,
        "price_from_minor": min((plan.amount_minor for plan in event.plans), default=None),
        "plans": [_plan(plan) for plan in event.plans],
    }


def _plan(plan: Plan) -> Values:
    """The plan as it is answered, by its public names."""
    return {
        "id": plan.id,
        "unit": plan.unit,
        "shift": plan.shift,
        "zone": plan.zone,
        "amountMinor": plan.amount_minor,
    }


def _public(adapter: TypeAdapter[Any], setting: object) -> Any:
    """The setting as JSON, by its public names."""
    return adapter.dump_python(setting, mode="json", by_alias=True)


def _closure(event: ClosureAnnounced | ClosureWithdrawn) -> dict[str, Any]:
    return {"library_id": event.library_id, "closure_id": event.closure_id}


PROJECTION = Projection(
    name="libraries",
    version=3,
    tables=(LIBRARIES, CLOSURES, STAFF, INVITATIONS),
    event_classes=(*get_args(LibraryEvent), *get_args(StaffEvent)),
    key=("library_id",),
    changes=changes,
)
