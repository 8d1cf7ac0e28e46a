"""Moving and revoking the bookings that a closure or a seat's end hits."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClosedModel, Identifier, Instant, LongText, Moment

MOST_AT_ONCE = 100


class MoveBody(ClosedModel):
    """Move a booking, with its student's consent; without a seat and a time, to a free seat that is alike."""

    booking_id: Identifier
    seat_id: Identifier | None = None
    start: Moment | None = None
    end: Moment | None = None
    consented: StrictBool = False


class ResolveBody(ClosedModel):
    """What becomes of up to 100 bookings; `reason` is told to the students of those that are revoked."""

    moves: Annotated[tuple[MoveBody, ...], Field(max_length=MOST_AT_ONCE)] = ()
    revoke: Annotated[tuple[Identifier, ...], Field(max_length=MOST_AT_ONCE)] = ()
    reason: LongText | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        ids = [*(move.booking_id for move in self.moves), *self.revoke]
        if not 1 <= len(ids) <= MOST_AT_ONCE:
            raise ValueError(f"name between 1 and {MOST_AT_ONCE} bookings")
        if len(set(ids)) < len(ids):
            raise ValueError("the same booking stands twice")
        return self


class Resolution(CamelModel):
    """What became of one booking; `problem` says why nothing did."""

    booking_id: str
    outcome: Literal["moved", "revoked", "refused"]
    seat_id: str | None = None
    start: Instant | None = None
    end: Instant | None = None
    amount_minor: int | None = None
    refund_minor: int | None = None
    problem: dict[str, Any] | None = None


class ResolveAnswer(Positioned):
    """What became of each booking, in the order in which they were named."""

    results: tuple[Resolution, ...]
