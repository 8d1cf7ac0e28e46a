"""What becomes of one booking that cannot take place: moved, revoked, or why neither."""

from collections.abc import AsyncIterator
from datetime import timedelta

from studyspot.commands.bookings import revoked
from studyspot.commands.gate import Gate
from studyspot.commands.rescheduling import rescheduled
from studyspot.commands.texts import naming
from studyspot.commands.times import by_clock
from studyspot.decisions.run import Accepted, Contended
from studyspot.domain.booking_changes import REVOKE_BOOKING, RevokeBooking
from studyspot.domain.endings import impediments
from studyspot.domain.events import RevocationReason
from studyspot.domain.library import Library
from studyspot.domain.refusals import (
    BookingUnknown,
    NoPlanApplies,
    PlanRequired,
    PriceHigher,
    Refusal,
    SeatNotAlike,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
)
from studyspot.domain.rescheduling import MOVE_AFFECTED, MoveAffected
from studyspot.domain.seeing import SEE_BOOKING_IN_PLACE, SeeBooking
from studyspot.domain.standing import Standing
from studyspot.wire.affected_bodies import MoveBody, Resolution
from studyspot.wire.problems import CONTENDED, NO_SEAT_ALIKE, Problem, body_of, of_refusal

_TRIED = 30
_OF_THE_SEAT = (
    *(SeatTaken, SeatOutOfService, SeatUnknown, SeatNotAlike),
    *(PriceHigher, NoPlanApplies, PlanRequired),
)
"""Refusals that another seat may not meet."""


class Resolver:
    """Resolves bookings of one library, one after the other; `position` is that of the last event."""

    def __init__(self, gate: Gate, library: Library, position: int) -> None:
        self.position = position
        self._gate = gate
        self._library = library
        self._given: set[str] = set()

    async def move(self, wanted: MoveBody) -> Resolution:
        """Move a booking to the seat and time that are named, else to a free seat that is alike."""
        try:
            accepted = await self._moved(wanted)
        except (Refusal, Contended, Problem) as refusal:
            return self._refused(wanted.booking_id, refusal)
        answer = accepted.answer
        return Resolution(
            booking_id=wanted.booking_id,
            outcome="moved",
            seat_id=answer["seatId"],
            start=answer["start"],
            end=answer["end"],
            amount_minor=answer["amountMinor"],
            refund_minor=answer["refundMinor"],
        )

    async def revoke(self, booking_id: str, reason: str | None) -> Resolution:
        """Take a booking back, for what stands against it."""
        try:
            accepted = await self._revoked(booking_id, reason)
        except (Refusal, Contended) as refusal:
            return self._refused(booking_id, refusal)
        return Resolution(
            booking_id=booking_id, outcome="revoked", refund_minor=accepted.answer["refundMinor"]
        )

    async def _moved(self, wanted: MoveBody) -> Accepted:
        standing = await self._standing(wanted.booking_id)
        to_instant = by_clock(self._library.zone)
        start = to_instant(wanted.start) if wanted.start is not None else None
        end = to_instant(wanted.end) if wanted.end is not None else None
        async for seat_id in self._seats(wanted, standing):
            command = MoveAffected(
                wanted.booking_id,
                seat_id,
                start,
                end,
                None,
                self._gate.actor,
                self._gate.at,
                consented=wanted.consented,
            )
            circumstances = self._gate.circumstances(wanted.booking_id)
            try:
                accepted = await self._gate.decisions.run(MOVE_AFFECTED, command, circumstances, rescheduled)
            except _OF_THE_SEAT:
                if wanted.seat_id is not None:
                    raise
            else:
                self._given.add(accepted.answer["seatId"])
                return self._done(accepted)
        raise Problem(
            NO_SEAT_ALIKE, "No seat that is alike is free then. Name a seat or another time, or revoke it."
        )

    async def _seats(self, wanted: MoveBody, standing: Standing) -> AsyncIterator[str | None]:
        """Yield where the booking may go: to the seat that is named; else its own, or what is free."""
        yield wanted.seat_id
        if wanted.seat_id is not None:
            return
        assert standing.booking is not None
        facts, to_instant = standing.booking.facts, by_clock(self._library.zone)
        start = to_instant(wanted.start) if wanted.start is not None else facts.start
        end = to_instant(wanted.end) if wanted.end is not None else facts.end
        free = await self._gate.finder.free(
            facts.library_id,
            start,
            end + timedelta(minutes=self._library.rules.buffer_minutes),
            zone=standing.seat.zone if standing.seat is not None else None,
            limit=_TRIED,
        )
        for seat in free:
            # The read model may not know yet what this request has given away.
            if seat.seat_id not in self._given:
                yield seat.seat_id

    async def _revoked(self, booking_id: str, reason: str | None) -> Accepted:
        standing = await self._standing(booking_id)
        assert standing.booking is not None
        against = impediments(standing.booking.facts, standing.library, standing.seat)
        cause: RevocationReason = against[0].reason if against else "library"

        async def run(reason_id: str | None) -> Accepted:
            command = RevokeBooking(booking_id, cause, reason_id, self._gate.actor, self._gate.at)
            circumstances = self._gate.circumstances(booking_id)
            return await self._gate.decisions.run(REVOKE_BOOKING, command, circumstances, revoked)

        return self._done(await naming(self._gate, booking_id, reason, run))

    async def _standing(self, booking_id: str) -> Standing:
        seen = await self._gate.decisions.look(SEE_BOOKING_IN_PLACE, SeeBooking(booking_id, self._gate.actor))
        standing = seen.state
        if standing.booking is None or standing.booking.facts.library_id != self._library.library_id:
            raise BookingUnknown
        return standing

    def _done(self, accepted: Accepted) -> Accepted:
        self.position = max(self.position, accepted.position)
        return accepted

    def _refused(self, booking_id: str, why: Refusal | Contended | Problem) -> Resolution:
        if isinstance(why, Refusal):
            why = of_refusal(why)
        elif isinstance(why, Contended):
            why = Problem(CONTENDED, "Too many change the same thing. Try again.")
        return Resolution(booking_id=booking_id, outcome="refused", problem=body_of(why, self._gate.path))
