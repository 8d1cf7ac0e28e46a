"""The commands about libraries: what owners do."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from studyspot.client.api import Api
from studyspot.wire.affected_bodies import MoveBody, ResolveAnswer, ResolveBody
from studyspot.wire.bodies import (
    AddSeatsBody,
    ChangeSeatBody,
    CreateLibraryBody,
    LibraryAnswer,
    NewSeatBody,
    PlanBody,
    PricingAnswer,
    PricingBody,
    RetiredAnswer,
    SeatChangedAnswer,
    SeatRemovedAnswer,
    SeatsAnswer,
    UpdateLibraryBody,
)
from studyspot.wire.quote_bodies import DeskCodeAnswer
from studyspot.wire.settings_bodies import HoursAnswer, HoursBody, RulesAnswer, RulesBody


class LibraryCommands:
    """Each raises ProblemError when refused, AnswerLost when no answer came, ValueError for malformed input.

    `key` is an Idempotency-Key; without one, every call has its own. A time without an offset is by the
    library's clock.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def create_library(
        self,
        name: str,
        city: str,
        time_zone: str,
        *,
        address: str | None = None,
        currency: str = "INR",
        amenities: Sequence[str] = (),
        key: str | None = None,
    ) -> LibraryAnswer:
        """Open a library, which is then ours; `time_zone` is an IANA name."""
        body = CreateLibraryBody(
            name=name,
            city=city,
            address=address,
            time_zone=time_zone,
            currency=currency,
            amenities=tuple(amenities),
        )
        return (await self._api.command("POST", "/api/libraries", body, key=key)).read(LibraryAnswer)

    async def update_library(self, library_id: str, changes: UpdateLibraryBody) -> LibraryAnswer:
        """Change what the library tells about itself: the fields that are set."""
        reply = await self._api.command("PATCH", f"/api/libraries/{library_id}", changes)
        return reply.read(LibraryAnswer)

    async def delete_library(self, library_id: str, *, cascade: bool = False) -> RetiredAnswer:
        """Retire a library that has no bookings to come, or with `cascade` together with these."""
        path = f"/api/libraries/{library_id}{'?cascade=true' if cascade else ''}"
        return (await self._api.command("DELETE", path)).read(RetiredAnswer)

    async def add_seats(
        self, library_id: str, seats: Sequence[NewSeatBody], *, key: str | None = None
    ) -> SeatsAnswer:
        """Add seats, all or none."""
        body = AddSeatsBody(seats=tuple(seats))
        reply = await self._api.command("POST", f"/api/libraries/{library_id}/seats", body, key=key)
        return reply.read(SeatsAnswer)

    async def change_seat(
        self,
        library_id: str,
        seat_id: str,
        *,
        label: str | None = None,
        zone: str | None = None,
        attributes: Mapping[str, str | int | bool] | None = None,
        in_service: bool | None = None,
        revoke_at: datetime | None = None,
    ) -> SeatChangedAnswer:
        """Call a seat something else, take it out of service, or put it back; what is none stays."""
        path = f"/api/libraries/{library_id}/seats/{seat_id}"
        body = ChangeSeatBody(
            label=label,
            zone=zone,
            attributes=dict(attributes) if attributes is not None else None,
            in_service=in_service,
            revoke_at=revoke_at,
        )
        return (await self._api.command("PATCH", path, body)).read(SeatChangedAnswer)

    async def remove_seat(self, library_id: str, seat_id: str) -> SeatRemovedAnswer:
        """Remove a seat that is out of service."""
        reply = await self._api.command("DELETE", f"/api/libraries/{library_id}/seats/{seat_id}")
        return reply.read(SeatRemovedAnswer)

    async def set_pricing(self, library_id: str, plans: Sequence[PlanBody]) -> PricingAnswer:
        """Set all price plans of a library."""
        body = PricingBody(plans=tuple(plans))
        reply = await self._api.command("PUT", f"/api/libraries/{library_id}/pricing", body)
        return reply.read(PricingAnswer)

    async def set_hours(self, library_id: str, hours: HoursBody) -> HoursAnswer:
        """Set the weekly hours, or all closures that are to come, or both: the fields that are set."""
        reply = await self._api.command("PUT", f"/api/libraries/{library_id}/hours", hours)
        return reply.read(HoursAnswer)

    async def set_rules(self, library_id: str, rules: RulesBody) -> RulesAnswer:
        """Set all rules of bookings made from now on: a preset's, or the defaults, but for the fields set."""
        reply = await self._api.command("PUT", f"/api/libraries/{library_id}/rules", rules)
        return reply.read(RulesAnswer)

    async def resolve_affected(
        self,
        library_id: str,
        *,
        moves: Sequence[MoveBody] = (),
        revoke: Sequence[str] = (),
        reason: str | None = None,
        key: str | None = None,
    ) -> ResolveAnswer:
        """Move and revoke bookings that cannot take place; the answer says what became of each."""
        body = ResolveBody(moves=tuple(moves), revoke=tuple(revoke), reason=reason)
        path = f"/api/libraries/{library_id}/affected/resolve"
        return (await self._api.command("POST", path, body, key=key)).read(ResolveAnswer)

    async def desk_code(self, library_id: str) -> DeskCodeAnswer:
        """Return the code that checks students in now."""
        reply = await self._api.query(f"/api/libraries/{library_id}/desk-code", {}, None)
        return reply.read(DeskCodeAnswer)
