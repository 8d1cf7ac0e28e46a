"""The bodies that set a library's hours, closures and rules, and what they are answered with."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool

from studyspot.domain.opening_hours import OpenHours, Weekday
from studyspot.domain.rules import DEFAULT_RULES, LONGEST_BOOKING
from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClockTime, ClosedModel, Identifier, Instant, Moment

_LONGEST_MINUTES = int(LONGEST_BOOKING.total_seconds()) // 60
_DAY_MINUTES = 24 * 60

Minutes = Annotated[int, Field(strict=True, ge=1, le=_LONGEST_MINUTES)]
Count = Annotated[int, Field(strict=True, ge=1, le=1000)]
Days = Annotated[int, Field(strict=True, ge=1, le=90)]


class OpenHoursBody(ClosedModel):
    """Open on that day from `opens` until `closes`, which is the next day where it is not later."""

    day: Weekday
    opens: ClockTime
    closes: ClockTime


class ClosureBody(ClosedModel):
    """A closure during [start, end), or for good; one that has been announced is named by its id.

    Bookings that it hits may be moved until `revoke_at`, and those that are left are revoked then; without
    it, they are revoked at once.
    """

    id: Identifier | None = None
    start: Moment
    end: Moment | None = None
    revoke_at: Moment | None = None


def _no_id_twice(closures: tuple[ClosureBody, ...]) -> tuple[ClosureBody, ...]:
    ids = [closure.id for closure in closures if closure.id is not None]
    if len(set(ids)) < len(ids):
        raise ValueError("the same closure stands twice")
    return closures


class HoursBody(ClosedModel):
    """What is left out stays. `hours` null is open always; `closures` are all that are to come."""

    hours: Annotated[tuple[OpenHoursBody, ...], Field(max_length=70)] | None = None
    closures: Annotated[tuple[ClosureBody, ...], Field(max_length=100), AfterValidator(_no_id_twice)] = ()


class ClosureAnswer(CamelModel):
    id: str
    start: Instant
    end: Instant | None
    revoke_at: Instant | None


class HoursAnswer(Positioned):
    """When the library is open from now on: all of it."""

    hours: tuple[OpenHours, ...] | None
    closures: tuple[ClosureAnswer, ...]


class Rules(CamelModel):
    """The rules of bookings made from now on; see BookingRules of the domain. None is unlimited."""

    hold_minutes: Annotated[int, Field(strict=True, ge=1, le=60)] = DEFAULT_RULES.hold_minutes
    check_in_opens_minutes: Annotated[int, Field(strict=True, ge=-7 * _DAY_MINUTES, le=_DAY_MINUTES)] = (
        DEFAULT_RULES.check_in_opens_minutes
    )
    check_in_closes_minutes: Annotated[int, Field(strict=True, ge=-_DAY_MINUTES, le=_LONGEST_MINUTES)] = (
        DEFAULT_RULES.check_in_closes_minutes
    )
    free_cancel_minutes: Annotated[int, Field(strict=True, ge=-_DAY_MINUTES, le=90 * _DAY_MINUTES)] = (
        DEFAULT_RULES.free_cancel_minutes
    )
    late_refund_percent: Annotated[int, Field(strict=True, ge=0, le=100)] = DEFAULT_RULES.late_refund_percent
    buffer_minutes: Annotated[int, Field(strict=True, ge=0, le=_DAY_MINUTES)] = DEFAULT_RULES.buffer_minutes
    shortest_minutes: Minutes = DEFAULT_RULES.shortest_minutes
    longest_minutes: Minutes | None = DEFAULT_RULES.longest_minutes
    advance_days: Annotated[int, Field(strict=True, ge=0, le=366)] | None = DEFAULT_RULES.advance_days
    advance_strict: StrictBool = DEFAULT_RULES.advance_strict
    release_time: ClockTime | None = DEFAULT_RULES.release_time
    day_bookings: Count | None = DEFAULT_RULES.day_bookings
    day_minutes: Minutes | None = DEFAULT_RULES.day_minutes
    week_bookings: Count | None = DEFAULT_RULES.week_bookings
    week_minutes: Minutes | None = DEFAULT_RULES.week_minutes
    live_bookings: Count | None = DEFAULT_RULES.live_bookings
    strikes: Count | None = DEFAULT_RULES.strikes
    strike_days: Days = DEFAULT_RULES.strike_days
    block_days: Days = DEFAULT_RULES.block_days


class RulesBody(Rules, ClosedModel):
    """What is left out is as the preset has it, or the default: these are all of the rules."""

    preset: Literal["leeds", "nottingham", "study-hall"] | None = None


class RulesAnswer(Rules, Positioned):
    """The rules of bookings made from now on."""
