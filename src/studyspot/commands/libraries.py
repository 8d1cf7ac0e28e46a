"""Create, update, price and retire a library."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.gate import Commanded, CommandedOnce
from studyspot.decisions.live_bookings import count_live_bookings
from studyspot.domain.events import (
    ClosureAnnounced,
    Event,
    LibraryDetails,
    LibraryUpdated,
    Plan,
    PricingUpdated,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    CREATE_LIBRARY,
    DELETE_LIBRARY,
    SET_PRICING,
    UPDATE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    CreateLibrary,
    DeleteLibrary,
    SetPricing,
    UpdateLibrary,
    WithdrawClosure,
)
from studyspot.domain.library import Library
from studyspot.domain.refusals import FutureBookings
from studyspot.domain.shape import camel_case
from studyspot.wire.bodies import (
    CreateLibraryBody,
    LibraryAnswer,
    PricingAnswer,
    PricingBody,
    RetiredAnswer,
    UpdateLibraryBody,
)
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/libraries", tags=["libraries"])

LibraryId = Annotated[Identifier, Path()]

RETIREMENT = "retirement"
"""The closure without an end that precedes a library's retirement."""


@router.post("", status_code=201)
async def create_library(body: CreateLibraryBody, gate: CommandedOnce) -> LibraryAnswer:
    """Open a library; the caller owns it."""
    details = LibraryDetails(
        name=body.name,
        city=body.city,
        address=body.address,
        time_zone=body.time_zone,
        amenities=body.amenities,
    )
    command = CreateLibrary(gate.new_id(), details, body.currency, gate.actor)

    def answer(_: Library | None, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": command.library_id, "currency": command.currency, **_described(details)}

    accepted = await gate.decisions.run(CREATE_LIBRARY, command, gate.circumstances(), answer)
    return LibraryAnswer.model_validate(gate.answer(accepted))


@router.patch("/{library_id}")
async def update_library(library_id: LibraryId, body: UpdateLibraryBody, gate: Commanded) -> LibraryAnswer:
    """Change what the library tells about itself."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    command = UpdateLibrary(library_id, changes, gate.actor)

    def answer(library: Library | None, events: tuple[Event, ...]) -> dict[str, Any]:
        assert library is not None
        details: LibraryDetails = library.details
        for event in events:
            assert isinstance(event, LibraryUpdated)
            details = event
        return {"id": library_id, "currency": library.currency, **_described(details)}

    accepted = await gate.decisions.run(UPDATE_LIBRARY, command, gate.circumstances(), answer)
    return LibraryAnswer.model_validate(gate.answer(accepted))


@router.put("/{library_id}/pricing")
async def set_pricing(library_id: LibraryId, body: PricingBody, gate: Commanded) -> PricingAnswer:
    """Set all price plans; standing bookings keep their price."""
    plans = tuple(
        Plan(id=plan.id, unit=plan.unit, amount_minor=plan.amount_minor, shift=plan.shift, zone=plan.zone)
        for plan in body.plans
    )

    def answer(_: Library | None, events: tuple[Event, ...]) -> dict[str, Any]:
        (updated,) = events
        assert isinstance(updated, PricingUpdated)
        return {
            "priceVersion": updated.price_version,
            "currency": updated.currency,
            "plans": [plan.model_dump(by_alias=True) for plan in body.plans],
        }

    command = SetPricing(library_id, plans, gate.actor)
    accepted = await gate.decisions.run(SET_PRICING, command, gate.circumstances(), answer)
    return PricingAnswer.model_validate(gate.answer(accepted))


@router.delete("/{library_id}")
async def delete_library(library_id: LibraryId, gate: Commanded) -> RetiredAnswer:
    """Retire a library that has no bookings to come.

    An endless closure comes first, so that none is added while the bookings are counted; where there
    are some, it is withdrawn. Asked again after an interruption, the retirement goes on.
    """

    def answer(_: Library | None, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": library_id}

    close = AnnounceClosure(library_id, RETIREMENT, gate.at, None, gate.actor)
    closed = await gate.decisions.run(ANNOUNCE_CLOSURE, close, gate.circumstances(), _closed_since)
    live = await count_live_bookings(gate.store, library_id, gate.at)
    try:
        since: datetime = closed.answer["since"]
        retire = DeleteLibrary(library_id, RETIREMENT, since, live, gate.actor)
        accepted = await gate.decisions.run(DELETE_LIBRARY, retire, gate.circumstances(), answer)
    except FutureBookings:
        reopen = WithdrawClosure(library_id, RETIREMENT, gate.actor)
        await gate.decisions.run(WITHDRAW_CLOSURE, reopen, gate.circumstances(), answer)
        raise
    return RetiredAnswer.model_validate(gate.answer(accepted))


def _closed_since(library: Library | None, events: tuple[Event, ...]) -> dict[str, Any]:
    assert library is not None
    for event in events:
        assert isinstance(event, ClosureAnnounced)
        return {"since": event.start}
    return {"since": library.closures[RETIREMENT].start}


def _described(details: LibraryDetails) -> dict[str, Any]:
    return {camel_case(known.name): getattr(details, known.name) for known in fields(LibraryDetails)}
