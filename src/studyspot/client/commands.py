"""The commands: what owners, staff and students do."""

from collections.abc import Sequence
from datetime import datetime

from studyspot.client.api import Api
from studyspot.wire.bodies import (
    AddSeatsBody,
    AttendanceAnswer,
    BookingAnswer,
    BookSeatBody,
    CancelBody,
    CancelledAnswer,
    ChangeSeatBody,
    CreateLibraryBody,
    LibraryAnswer,
    NewSeatBody,
    PlanBody,
    PricingAnswer,
    PricingBody,
    RetiredAnswer,
    SeatsAnswer,
    SeatServiceAnswer,
    UpdateLibraryBody,
)


class Commands:
    """Each raises ProblemError when refused, AnswerLost when no answer came, ValueError for malformed input.

    `key` is an Idempotency-Key; without one, every call has its own.
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

    async def delete_library(self, library_id: str) -> RetiredAnswer:
        """Retire a library that has no bookings to come."""
        return (await self._api.command("DELETE", f"/api/libraries/{library_id}")).read(RetiredAnswer)

    async def add_seats(
        self, library_id: str, seats: Sequence[NewSeatBody], *, key: str | None = None
    ) -> SeatsAnswer:
        """Add seats, all or none."""
        body = AddSeatsBody(seats=tuple(seats))
        reply = await self._api.command("POST", f"/api/libraries/{library_id}/seats", body, key=key)
        return reply.read(SeatsAnswer)

    async def change_seat(self, library_id: str, seat_id: str, *, in_service: bool) -> SeatServiceAnswer:
        """Take a seat out of service, or put it back."""
        path = f"/api/libraries/{library_id}/seats/{seat_id}"
        reply = await self._api.command("PATCH", path, ChangeSeatBody(in_service=in_service))
        return reply.read(SeatServiceAnswer)

    async def set_pricing(self, library_id: str, plans: Sequence[PlanBody]) -> PricingAnswer:
        """Set all price plans of a library."""
        body = PricingBody(plans=tuple(plans))
        reply = await self._api.command("PUT", f"/api/libraries/{library_id}/pricing", body)
        return reply.read(PricingAnswer)

    async def book(
        self,
        library_id: str,
        seat_id: str,
        start: datetime,
        end: datetime,
        *,
        plan_id: str | None = None,
        user_id: str | None = None,
        key: str | None = None,
    ) -> BookingAnswer:
        """Book a seat for [start, end), for ourselves or, as the library, for `user_id`."""
        body = BookSeatBody(
            library_id=library_id, seat_id=seat_id, start=start, end=end, plan_id=plan_id, user_id=user_id
        )
        return (await self._api.command("POST", "/api/bookings", body, key=key)).read(BookingAnswer)

    async def cancel(
        self, booking_id: str, *, reason: str | None = None, key: str | None = None
    ) -> CancelledAnswer:
        """Cancel a booking."""
        body = CancelBody(reason=reason)
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/cancel", body, key=key)
        return reply.read(CancelledAnswer)

    async def check_in(self, booking_id: str, *, key: str | None = None) -> AttendanceAnswer:
        """Say that the student sits at the seat."""
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/check-in", key=key)
        return reply.read(AttendanceAnswer)

    async def check_out(self, booking_id: str, *, key: str | None = None) -> AttendanceAnswer:
        """Say that the student has left."""
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/check-out", key=key)
        return reply.read(AttendanceAnswer)
