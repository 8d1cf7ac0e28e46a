"""Create, update and price a library."""

from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.conditions import library_as_read
from studyspot.commands.gate import Commanded, CommandedOnce
from studyspot.domain.events import (
    Event,
    LibraryDetails,
    LibraryUpdated,
    Plan,
    PricingUpdated,
)
from studyspot.domain.libraries import (
    CREATE_LIBRARY,
    SET_PRICING,
    UPDATE_LIBRARY,
    CreateLibrary,
    SetPricing,
    UpdateLibrary,
)
from studyspot.domain.library import Library
from studyspot.domain.shape import camel_case
from studyspot.wire.bodies import (
    CreateLibraryBody,
    LibraryAnswer,
    PricingAnswer,
    PricingBody,
    UpdateLibraryBody,
)
from studyspot.wire.etags import IfMatch
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/libraries", tags=["libraries"])

LibraryId = Annotated[Identifier, Path()]


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
async def update_library(
    library_id: LibraryId, body: UpdateLibraryBody, gate: Commanded, if_match: IfMatch = None
) -> LibraryAnswer:
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

    circumstances = gate.circumstances(unchanged=library_as_read(library_id, if_match))
    accepted = await gate.decisions.run(UPDATE_LIBRARY, command, circumstances, answer)
    return LibraryAnswer.model_validate(gate.answer(accepted))


@router.put("/{library_id}/pricing")
async def set_pricing(
    library_id: LibraryId, body: PricingBody, gate: Commanded, if_match: IfMatch = None
) -> PricingAnswer:
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
    circumstances = gate.circumstances(unchanged=library_as_read(library_id, if_match))
    accepted = await gate.decisions.run(SET_PRICING, command, circumstances, answer)
    return PricingAnswer.model_validate(gate.answer(accepted))


def _described(details: LibraryDetails) -> dict[str, Any]:
    return {camel_case(known.name): getattr(details, known.name) for known in fields(LibraryDetails)}
