"""What is told before a booking: its price, honoured for a while, and what is left of one's quotas."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from studyspot.access.quotes import SignedQuote, Subject
from studyspot.commands.gate import Asked
from studyspot.commands.times import by_clock_of, interval_of
from studyspot.domain.allowance import ASK_ALLOWANCE, AskAllowance, allowance_of
from studyspot.domain.library import managed
from studyspot.domain.occupying import student_of
from studyspot.domain.pricing import Price
from studyspot.domain.quotes import ASK_PRICE, AskPrice, price_asked
from studyspot.domain.refusals import BeyondHorizon, PriceChanged, StartInThePast
from studyspot.domain.rules import HORIZON
from studyspot.wire.problems import Problem, of_refusal
from studyspot.wire.quote_bodies import AllowanceAnswer, QuotaView, QuoteAnswer, QuoteBody, QuoteView
from studyspot.wire.shape import Identifier, Moment

router = APIRouter(prefix="/api/libraries/{library_id}", tags=["bookings"])

LibraryId = Annotated[Identifier, Path()]
Start = Annotated[Moment | None, Query(description="RFC 3339, or by the library's clock; now, if left out")]
ForStudent = Annotated[Identifier | None, Query(alias="userId", description="For the library: whose quotas")]

_LOOK_BACK = timedelta(days=31)


@router.post("/quote")
async def quote_price(library_id: LibraryId, body: QuoteBody, gate: Asked) -> QuoteAnswer:
    """Tell what [start, end) on a seat costs; booked with the quote's id, it costs that for ten minutes."""
    user_id = student_of(gate.actor, body.user_id)
    start, end = await interval_of(gate, library_id, body.start, body.end)
    command = AskPrice(library_id, body.seat_id, start, end, body.plan_id, gate.at)
    seen = await gate.decisions.look(ASK_PRICE, command)
    if gate.actor.role != "student":
        managed(seen.state.library, gate.actor)
    subject = Subject(library_id, body.seat_id, user_id, start, end)
    signed = gate.quotes.quote(subject, price_asked(command, seen.state), gate.at)
    return QuoteAnswer.model_validate(gate.told(seen.position, _view(subject, signed).model_dump()))


@router.get("/quota")
async def tell_quota(
    library_id: LibraryId, gate: Asked, start: Start = None, user_id: ForStudent = None
) -> AllowanceAnswer:
    """Tell what is left to a student on the day and in the week of `start`, and whether they are blocked."""
    to_instant = await by_clock_of(gate, library_id, (start,))
    day = to_instant(start) if start is not None else gate.at
    _require_near(day, gate.at)
    command = AskAllowance(library_id, student_of(gate.actor, user_id), day, gate.at)
    seen = await gate.decisions.look(ASK_ALLOWANCE, command)
    if gate.actor.role != "student":
        managed(seen.state.library, gate.actor)
    allowance = allowance_of(command, seen.state)
    answer = {
        "start": day,
        "quotas": [
            QuotaView(name=quota.name, limit=quota.limit, used=quota.used, left=quota.left)
            for quota in allowance.quotas
            if quota.limit is not None and quota.left is not None
        ],
        "strikes": allowance.strikes,
        "strikesAllowed": allowance.strikes_allowed,
        "blockedUntil": allowance.blocked_until,
    }
    return AllowanceAnswer.model_validate(gate.told(seen.position, answer))


def quoted_anew(changed: PriceChanged, signed: SignedQuote, subject: Subject) -> Problem:
    """Return the problem of a price that has changed, with a fresh quote."""
    problem = of_refusal(changed)
    problem.extras["quote"] = _view(subject, signed).model_dump(mode="json", by_alias=True)
    return problem


def price_now(changed: PriceChanged) -> Price:
    return Price(changed.amount_minor, changed.currency, changed.plan_id, changed.price_version)


def _view(subject: Subject, signed: SignedQuote) -> QuoteView:
    return QuoteView(
        id=signed.quote_id,
        library_id=subject.library_id,
        seat_id=subject.seat_id,
        user_id=subject.user_id,
        start=subject.start,
        end=subject.end,
        plan_id=signed.price.plan_id,
        price_version=signed.price.price_version,
        amount_minor=signed.price.amount_minor,
        currency=signed.price.currency,
        valid_until=signed.valid_until,
    )


def _require_near(day: datetime, at: datetime) -> None:
    """Bound the weeks that are read.

    Raises:
        StartInThePast, BeyondHorizon: nobody books there.
    """
    if day < at - _LOOK_BACK:
        raise StartInThePast
    if day > at + HORIZON:
        raise BeyondHorizon(HORIZON)
