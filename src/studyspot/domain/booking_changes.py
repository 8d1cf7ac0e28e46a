"""What student and library do with a booking that stands: cancel, check in, check out, revoke."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from studyspot.domain.booking import (
    Cancelled,
    CheckedIn,
    Completed,
    Confirmed,
    NoShow,
    Revoked,
    is_missed,
)
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingRevoked,
    BookingTerms,
    Event,
    RevocationReason,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    BookingMissed,
    BookingOver,
    CheckedInAlready,
    CheckInTooEarly,
    CheckInWindowMissed,
    DeskCodeRequired,
    DeskCodeWrong,
    NotCheckedIn,
)
from studyspot.domain.standing import (
    Standing,
    boundary_of_party,
    ended_already,
    evolve_standing,
    refund,
    seen_by_library,
    seen_by_party,
)


@dataclass(frozen=True, slots=True)
class CancelBooking:
    booking_id: str
    reason_id: str | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckIn:
    """`code_verified` says whether the desk's code that came with it is right; none where none came."""

    booking_id: str
    actor: Actor
    at: datetime
    code_verified: bool | None = None


@dataclass(frozen=True, slots=True)
class CheckOut:
    booking_id: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class RevokeBooking:
    """The library takes the booking back, and gives back what was paid for it."""

    booking_id: str
    reason: RevocationReason
    reason_id: str | None
    actor: Actor
    at: datetime


def _decide_cancel(command: CancelBooking, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_party(standing, command.actor)
    match booking:
        case Confirmed(facts=terms):
            if is_missed(booking, command.at):
                raise BookingMissed
            late = command.at > terms.free_cancel_until
            kept = _kept_minor(terms, late=late)
            cancelled = BookingCancelled(
                **terms.facts(), late=late, kept_minor=kept, reason_id=command.reason_id
            )
            return (cancelled, *refund(standing, terms, kept, "cancelled", "cancelled"))
        case CheckedIn():
            raise CheckedInAlready
        case Cancelled() | Completed() | NoShow() | Revoked():
            raise ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _decide_check_in(command: CheckIn, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_party(standing, command.actor)
    match booking:
        case Confirmed(facts=terms):
            if command.at < terms.check_in_from:
                raise CheckInTooEarly(terms.check_in_from)
            if command.at >= terms.check_in_until:
                raise CheckInWindowMissed(terms.check_in_until)
            _require_code(command, standing)
            return (BookingCheckedIn(**terms.facts()),)
        case CheckedIn():
            raise CheckedInAlready
        case Cancelled() | Completed() | NoShow() | Revoked():
            raise ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _decide_check_out(command: CheckOut, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_party(standing, command.actor)
    match booking:
        case CheckedIn(facts=facts):
            if command.at >= facts.occupied_until:
                raise BookingOver
            return (BookingCheckedOut(**facts.facts()),)
        case Confirmed():
            raise BookingMissed if is_missed(booking, command.at) else NotCheckedIn
        case Cancelled() | Completed() | NoShow() | Revoked():
            raise ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _decide_revoke(command: RevokeBooking, standing: Standing) -> tuple[Event, ...]:
    booking = seen_by_library(standing, command.actor)
    match booking:
        case Confirmed(facts=facts) | CheckedIn(facts=facts):
            if is_missed(booking, command.at):
                raise BookingMissed
            if command.at >= facts.occupied_until:
                raise BookingOver
            revoked = BookingRevoked(**facts.facts(), reason=command.reason, reason_id=command.reason_id)
            return (revoked, *refund(standing, facts, 0, "revoked", "revoked"))
        case Cancelled() | Completed() | NoShow() | Revoked():
            raise ended_already(booking)
        case _ as unreachable:
            assert_never(unreachable)


def _boundary(command: CancelBooking | CheckIn | CheckOut | RevokeBooking, standing: Standing) -> Boundary:
    return boundary_of_party(command.booking_id, command.actor, standing)


def _kept_minor(terms: BookingTerms, *, late: bool) -> int:
    """Return what stays with the library of a cancellation; the student gets the odd minor unit."""
    if terms.plan_share:
        return terms.amount_minor
    if not late:
        return 0
    return terms.amount_minor * (100 - terms.late_refund_percent) // 100


def _require_code(command: CheckIn, standing: Standing) -> None:
    """A student proves to be there; whoever runs the library sees it."""
    seen = standing.library is not None and standing.library.managed_by(command.actor)
    if seen or command.code_verified is True:
        return
    raise DeskCodeRequired if command.code_verified is None else DeskCodeWrong


CANCEL_BOOKING = Decider(Standing, evolve_standing, _boundary, _decide_cancel)
CHECK_IN = Decider(Standing, evolve_standing, _boundary, _decide_check_in)
CHECK_OUT = Decider(Standing, evolve_standing, _boundary, _decide_check_out)
REVOKE_BOOKING = Decider(Standing, evolve_standing, _boundary, _decide_revoke)
