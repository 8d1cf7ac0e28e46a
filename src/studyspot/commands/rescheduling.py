"""Have another seat or time for a booking."""

from typing import Any

from fastapi import APIRouter

from studyspot.access.quotes import Subject
from studyspot.commands.bookings import BookingId, described, refunded_minor
from studyspot.commands.conditions import booking_as_read
from studyspot.commands.gate import CommandedOnce, Gate
from studyspot.commands.quotes import price_now, quoted_anew
from studyspot.commands.times import by_clock, is_wall_time
from studyspot.domain.events import BookingRescheduled, Event
from studyspot.domain.refusals import PriceChanged, SeatOutOfService, SeatTaken
from studyspot.domain.rescheduling import RESCHEDULE_BOOKING, Move, RescheduleBooking
from studyspot.domain.seeing import SEE_BOOKING_IN_PLACE, SeeBooking
from studyspot.wire.booking_bodies import RescheduleBody, RescheduledAnswer
from studyspot.wire.etags import IfMatch

router = APIRouter(prefix="/api/bookings", tags=["bookings"])


@router.patch("/{booking_id}")
async def reschedule_booking(
    booking_id: BookingId, body: RescheduleBody, gate: CommandedOnce, if_match: IfMatch = None
) -> RescheduledAnswer:
    """Have another seat or time, under the rules and prices of now; what is left out stays.

    It takes an Idempotency-Key, as a POST does: there is nothing to reschedule in what has been rescheduled.
    """
    if _needs_the_booking(body):
        # By what the booking has become since, the same request may come to something else.
        before = await gate.answered()
        if before is not None:
            return RescheduledAnswer.model_validate(gate.answer(before))
    command = await _command(booking_id, body, gate)
    circumstances = gate.circumstances(unchanged=booking_as_read(booking_id, if_match))
    try:
        accepted = await gate.decisions.run(RESCHEDULE_BOOKING, command, circumstances, rescheduled)
    except PriceChanged as changed:
        subject = await _subject(booking_id, body, gate)
        fresh = gate.quotes.quote(subject, price_now(changed), gate.at)
        raise quoted_anew(changed, fresh, subject) from None
    except (SeatTaken, SeatOutOfService) as refusal:
        wish = await _subject(booking_id, body, gate)
        raise await gate.alternatives.beside(
            refusal, wish.library_id, wish.seat_id, wish.start, wish.end
        ) from None
    return RescheduledAnswer.model_validate(gate.answer(accepted))


def rescheduled(_: Move, events: tuple[Event, ...]) -> dict[str, Any]:
    """Return a booking that was rescheduled as it is answered."""
    moved = next(event for event in events if isinstance(event, BookingRescheduled))
    return {**described(moved), "refundMinor": refunded_minor(events)}


def _needs_the_booking(body: RescheduleBody) -> bool:
    """Say whether the booking is read before it is decided: for its library's clock, or for a quote."""
    return body.quote_id is not None or is_wall_time(body.start) or is_wall_time(body.end)


async def _command(booking_id: str, body: RescheduleBody, gate: Gate) -> RescheduleBooking:
    """Return the command; the booking is read before only where its library's clock or a quote needs it.

    Raises:
        BookingUnknown: it is none of the caller's.
        QuoteMismatch: the quote is for something else.
        WallTimeSkipped, WallTimeAmbiguous: the library's clock does not show such a time once.
    """
    seat_id, start, end, quote = body.seat_id, body.start, body.end, None
    if body.quote_id is not None:
        subject = await _subject(booking_id, body, gate)
        quote = gate.quotes.verify(body.quote_id, subject)
        # What was quoted, and nothing that the booking may have become meanwhile.
        seat_id, start, end = subject.seat_id, subject.start, subject.end
    elif _needs_the_booking(body):
        subject = await _subject(booking_id, body, gate)
        start = subject.start if start is not None else None
        end = subject.end if end is not None else None
    return RescheduleBooking(booking_id, seat_id, start, end, body.plan_id, gate.actor, gate.at, quote)


async def _subject(booking_id: str, body: RescheduleBody, gate: Gate) -> Subject:
    """Return the booking as it would be."""
    seen = await gate.decisions.look(SEE_BOOKING_IN_PLACE, SeeBooking(booking_id, gate.actor))
    booking, library = seen.state.booking, seen.state.library
    assert booking is not None
    assert library is not None
    facts, to_instant = booking.facts, by_clock(library.zone)
    return Subject(
        library_id=facts.library_id,
        seat_id=body.seat_id or facts.seat_id,
        user_id=facts.user_id,
        start=to_instant(body.start) if body.start is not None else facts.start,
        end=to_instant(body.end) if body.end is not None else facts.end,
    )
