"""The commands about holds and bookings, and what is asked of the log before and after."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from studyspot.client.api import Api
from studyspot.domain.events import PaymentMethod
from studyspot.wire.booking_bodies import (
    AttendanceAnswer,
    BookingAnswer,
    BookSeatBody,
    CancelBody,
    CancelledAnswer,
    CheckInBody,
    HistoryFound,
    HoldAnswer,
    HoldReleasedAnswer,
    HoldSeatBody,
    PaymentAnswer,
    PaymentBody,
    RescheduleBody,
    RescheduledAnswer,
    RevokeBody,
    RevokedAnswer,
)
from studyspot.wire.quote_bodies import AllowanceAnswer, QuoteAnswer, QuoteBody
from studyspot.wire.series_bodies import SeriesAnswer, SeriesBody
from studyspot.wire.waitlist_bodies import JoinWaitlistBody, WaitingAnswer, WaitlistLeftAnswer


class BookingCommands:
    """Each raises ProblemError when refused, AnswerLost when no answer came, ValueError for malformed input.

    `key` is an Idempotency-Key; without one, every call has its own. A time without an offset is by the
    library's clock. A library names the student as `user_id`.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def hold(
        self,
        library_id: str,
        seat_id: str,
        start: datetime,
        end: datetime,
        *,
        user_id: str | None = None,
        key: str | None = None,
    ) -> HoldAnswer:
        """Hold a seat for [start, end) while deciding; what is held already is answered with that hold."""
        body = HoldSeatBody(library_id=library_id, seat_id=seat_id, start=start, end=end, user_id=user_id)
        return (await self._api.command("POST", "/api/holds", body, key=key)).read(HoldAnswer)

    async def release(self, hold_id: str) -> HoldReleasedAnswer:
        """Let a hold go."""
        reply = await self._api.command("DELETE", f"/api/holds/{hold_id}")
        return reply.read(HoldReleasedAnswer)

    async def quote(
        self,
        library_id: str,
        seat_id: str,
        start: datetime,
        end: datetime,
        *,
        plan_id: str | None = None,
        user_id: str | None = None,
    ) -> QuoteAnswer:
        """Return what [start, end) on a seat costs; booked with the quote's id, it costs that for a while."""
        body = QuoteBody(seat_id=seat_id, start=start, end=end, plan_id=plan_id, user_id=user_id)
        reply = await self._api.command("POST", f"/api/libraries/{library_id}/quote", body)
        return reply.read(QuoteAnswer)

    async def quota(
        self, library_id: str, *, start: datetime | None = None, user_id: str | None = None
    ) -> AllowanceAnswer:
        """Return what is left of one's quotas on the day and in the week of `start`, or of today."""
        asked = {"start": start.isoformat() if start is not None else None, "userId": user_id}
        reply = await self._api.query(f"/api/libraries/{library_id}/quota", asked, None)
        return reply.read(AllowanceAnswer)

    async def book(
        self,
        library_id: str,
        seat_id: str,
        start: datetime,
        end: datetime,
        *,
        plan_id: str | None = None,
        quote_id: str | None = None,
        hold_id: str | None = None,
        user_id: str | None = None,
        key: str | None = None,
    ) -> BookingAnswer:
        """Book a seat for [start, end), for ourselves or, as the library, for `user_id`."""
        body = BookSeatBody(
            library_id=library_id,
            seat_id=seat_id,
            start=start,
            end=end,
            plan_id=plan_id,
            quote_id=quote_id,
            hold_id=hold_id,
            user_id=user_id,
        )
        return (await self._api.command("POST", "/api/bookings", body, key=key)).read(BookingAnswer)

    async def book_series(self, series: SeriesBody, *, key: str | None = None) -> SeriesAnswer:
        """Book the same hours of many days, all or with days left out."""
        return (await self._api.command("POST", "/api/bookings/series", series, key=key)).read(SeriesAnswer)

    async def preview_series(self, series: SeriesBody) -> SeriesAnswer:
        """Return what a series would come to; nothing is booked."""
        return (await self._api.command("POST", "/api/bookings/series/preview", series)).read(SeriesAnswer)

    async def reschedule(
        self,
        booking_id: str,
        *,
        seat_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        plan_id: str | None = None,
        quote_id: str | None = None,
        key: str | None = None,
    ) -> RescheduledAnswer:
        """Have another seat or time; what is none stays."""
        body = RescheduleBody(seat_id=seat_id, start=start, end=end, plan_id=plan_id, quote_id=quote_id)
        # There is nothing to reschedule in what has been rescheduled: a second try needs the first one's key.
        key = key or uuid.uuid4().hex
        reply = await self._api.command("PATCH", f"/api/bookings/{booking_id}", body, key=key)
        return reply.read(RescheduledAnswer)

    async def cancel(
        self, booking_id: str, *, reason: str | None = None, key: str | None = None
    ) -> CancelledAnswer:
        """Cancel a booking."""
        body = CancelBody(reason=reason)
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/cancel", body, key=key)
        return reply.read(CancelledAnswer)

    async def check_in(
        self, booking_id: str, *, code: str | None = None, key: str | None = None
    ) -> AttendanceAnswer:
        """Say that the student sits at the seat; students prove it with the desk's code."""
        body = CheckInBody(code=code)
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/check-in", body, key=key)
        return reply.read(AttendanceAnswer)

    async def check_out(self, booking_id: str, *, key: str | None = None) -> AttendanceAnswer:
        """Say that the student has left."""
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/check-out", key=key)
        return reply.read(AttendanceAnswer)

    async def revoke(
        self, booking_id: str, *, reason: str | None = None, key: str | None = None
    ) -> RevokedAnswer:
        """Take a booking back, as its library."""
        body = RevokeBody(reason=reason)
        reply = await self._api.command("POST", f"/api/bookings/{booking_id}/revoke", body, key=key)
        return reply.read(RevokedAnswer)

    async def record_payment(
        self,
        booking_id: str,
        amount_minor: int,
        method: PaymentMethod,
        *,
        reference: str | None = None,
        key: str | None = None,
    ) -> PaymentAnswer:
        """Record what was paid for a booking, as its library."""
        body = PaymentBody(kind="payment", amount_minor=amount_minor, method=method, reference=reference)
        return await self._enter(booking_id, body, key)

    async def refund(self, booking_id: str, amount_minor: int, *, key: str | None = None) -> PaymentAnswer:
        """Record what was given back for a booking, as its library."""
        return await self._enter(booking_id, PaymentBody(kind="refund", amount_minor=amount_minor), key)

    async def history(
        self, booking_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> HistoryFound:
        """Return what happened to a booking, in words; `next` is the cursor of the page that follows."""
        parameters = {"limit": limit, "cursor": cursor}
        reply = await self._api.query(f"/api/bookings/{booking_id}/history", parameters, None)
        return reply.read(HistoryFound)

    async def join_waitlist(
        self,
        library_id: str,
        start: datetime,
        end: datetime,
        *,
        zone: str | None = None,
        attributes: Mapping[str, bool | int | str] | None = None,
        revoked_booking_id: str | None = None,
        user_id: str | None = None,
        key: str | None = None,
    ) -> WaitingAnswer:
        """Wait for a seat during [start, end): any, or one of `zone` with all of `attributes`.

        Who waits for exactly that already is answered with their place.
        """
        body = JoinWaitlistBody(
            library_id=library_id,
            start=start,
            end=end,
            zone=zone,
            attributes=dict(attributes or {}),
            revoked_booking_id=revoked_booking_id,
            user_id=user_id,
        )
        return (await self._api.command("POST", "/api/waitlist", body, key=key)).read(WaitingAnswer)

    async def leave_waitlist(self, entry_id: str) -> WaitlistLeftAnswer:
        """Wait no more; a seat that is offered is let go."""
        reply = await self._api.command("DELETE", f"/api/waitlist/{entry_id}")
        return reply.read(WaitlistLeftAnswer)

    async def _enter(self, booking_id: str, body: PaymentBody, key: str | None) -> PaymentAnswer:
        path = f"/api/bookings/{booking_id}/payments"
        return (await self._api.command("POST", path, body, key=key)).read(PaymentAnswer)
