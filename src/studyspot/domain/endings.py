"""What becomes of a booking by itself: missed, completed, revoked where its library or seat is not there.

None of these refuses: where nothing is due, or somebody else came first, nothing happens.
"""

from dataclasses import dataclass
from datetime import datetime

from studyspot.domain.booking import CheckedIn, Confirmed, events_of_booking, is_missed, missed
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    BookingCompleted,
    BookingFacts,
    BookingRevoked,
    Event,
    RevocationReason,
)
from studyspot.domain.library import RETIREMENT, Library, settings_of
from studyspot.domain.seat import Seat, events_of_seat
from studyspot.domain.standing import Standing, events_of_booking_and_payments, evolve_standing, refund


@dataclass(frozen=True, slots=True)
class MissBooking:
    booking_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CompleteBooking:
    booking_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RevokeAffected:
    """Revoke a booking that a closure or its seat's end hits, once the time to move it is over."""

    booking_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Impediment:
    """Why a booking cannot take place, and from when on it is revoked."""

    reason: RevocationReason
    revoke_at: datetime | None
    closure_id: str | None = None


def impediments(facts: BookingFacts, library: Library | None, seat: Seat | None) -> tuple[Impediment, ...]:
    """Return what stands against a booking now; where there is no `revoke_at`, it is left to people.

    However late a library would revoke, it does so once the booking cannot take place: nobody misses it.
    """
    found = []
    for closure in library.closures_during(facts.start, facts.end) if library else ():
        reason: RevocationReason = "library-retired" if closure.closure_id == RETIREMENT else "closure"
        revoke_at = _at_the_latest(closure.revoke_at, max(facts.start, closure.start))
        found.append(Impediment(reason, revoke_at, closure.closure_id))
    if seat is not None and (seat.removed or not seat.in_service):
        found.append(Impediment("seat-out-of-service", _at_the_latest(seat.revoke_at, facts.start)))
    return tuple(found)


def _at_the_latest(revoke_at: datetime | None, begins: datetime) -> datetime | None:
    return None if revoke_at is None else min(revoke_at, begins)


def _decide_miss(command: MissBooking, standing: Standing) -> tuple[Event, ...]:
    booking = standing.booking
    if isinstance(booking, Confirmed) and is_missed(booking, command.at):
        return (missed(booking),)
    return ()


def _decide_complete(command: CompleteBooking, standing: Standing) -> tuple[Event, ...]:
    booking = standing.booking
    if isinstance(booking, CheckedIn) and command.at >= booking.facts.occupied_until:
        return (BookingCompleted(**booking.facts.facts()),)
    return ()


def _decide_revoke(command: RevokeAffected, standing: Standing) -> tuple[Event, ...]:
    booking = standing.booking
    if not isinstance(booking, Confirmed | CheckedIn):
        return ()
    if is_missed(booking, command.at) or command.at >= booking.facts.occupied_until:
        return ()
    facts = booking.facts
    for impediment in impediments(facts, standing.library, standing.seat):
        if impediment.revoke_at is not None and command.at >= impediment.revoke_at:
            revoked = BookingRevoked(
                **facts.facts(), reason=impediment.reason, closure_id=impediment.closure_id
            )
            return (revoked, *refund(standing, facts, 0, "revoked", "revoked"))
    return ()


def _boundary_of_time(command: MissBooking | CompleteBooking, standing: Standing) -> Boundary:
    return events_of_booking(command.booking_id)


def _boundary_of_revoking(command: RevokeAffected, standing: Standing) -> Boundary:
    own = events_of_booking_and_payments(command.booking_id)
    if standing.booking is None:
        return own
    facts = standing.booking.facts
    return (*own, *settings_of(facts.library_id), *events_of_seat(facts.seat_id))


MISS_BOOKING = Decider(Standing, evolve_standing, _boundary_of_time, _decide_miss)
COMPLETE_BOOKING = Decider(Standing, evolve_standing, _boundary_of_time, _decide_complete)
REVOKE_AFFECTED = Decider(Standing, evolve_standing, _boundary_of_revoking, _decide_revoke)
