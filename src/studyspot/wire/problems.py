"""Problems: every error of the HTTP interface as RFC 9457 `application/problem+json`."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from studyspot.domain import refusals
from studyspot.domain.refusals import Refusal
from studyspot.domain.shape import camel_case

MEDIA_TYPE = "application/problem+json"
PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem: RFC 9457, its `type` one of docs/problems.md",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                },
                "required": ["type", "title", "status", "detail", "instance"],
            }
        }
    },
}
"""How the OpenAPI document describes every error."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A stable problem type: `/problems/{slug}`."""

    slug: str
    title: str
    status: int

    @property
    def type(self) -> str:
        return f"/problems/{self.slug}"


@dataclass(eq=False)
class Problem(Exception):
    """An error that has no rule of the domain behind it."""

    kind: Kind
    detail: str
    retry_after: timedelta | None = None
    extras: dict[str, Any] = dataclasses.field(default_factory=dict)
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


MALFORMED = Kind("malformed", "The request is not well-formed", 400)
UNAUTHENTICATED = Kind("unauthenticated", "A token is needed", 401)
TOKEN_EXPIRED = Kind("token-expired", "The token has expired", 401)
TOKEN_REFUSED = Kind("token-refused", "The token is not valid", 401)
NOT_FOUND = Kind("not-found", "There is nothing here", 404)
METHOD_NOT_ALLOWED = Kind("method-not-allowed", "This cannot be done here", 405)
BODY_TOO_LARGE = Kind("body-too-large", "The body is too large", 413)
INVALID = Kind("invalid-request", "The request is not valid", 422)
KEY_REUSED = Kind("idempotency-key-reused", "The idempotency key was used for another request", 422)
POSITION_AHEAD = Kind("position-ahead", "The log has not reached that position", 422)
POSITION_NOT_REACHED = Kind("position-not-reached", "The read model is behind", 503)
PARKED = Kind("parked", "A change could not be applied", 503)
CONTENDED = Kind("contended", "Too many are changing the same thing", 503)
UNAVAILABLE = Kind("unavailable", "The service is not available now", 503)
HALTED = Kind("halted", "The log is halted", 503)
INTERNAL = Kind("internal", "Something went wrong", 500)

OTHERS = (
    MALFORMED,
    UNAUTHENTICATED,
    TOKEN_EXPIRED,
    TOKEN_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    INVALID,
    KEY_REUSED,
    POSITION_AHEAD,
    POSITION_NOT_REACHED,
    PARKED,
    CONTENDED,
    UNAVAILABLE,
    HALTED,
    INTERNAL,
)

REFUSALS: dict[type[Refusal], Kind] = {
    refusals.LibraryUnknown: Kind("library-unknown", "Library not found", 404),
    refusals.SeatUnknown: Kind("seat-unknown", "Seat not found", 404),
    refusals.BookingUnknown: Kind("booking-unknown", "Booking not found", 404),
    refusals.LibraryRetired: Kind("library-retired", "Library retired", 409),
    refusals.NotYourLibrary: Kind("not-your-library", "Not your library", 403),
    refusals.NotForOthers: Kind("not-for-others", "Not for others", 403),
    refusals.StudentRequired: Kind("student-required", "Student required", 422),
    refusals.SeatTaken: Kind("seat-taken", "Seat taken", 409),
    refusals.StudentBusy: Kind("student-busy", "Already booked for that time", 409),
    refusals.SeatOutOfService: Kind("seat-out-of-service", "Seat out of service", 409),
    refusals.LibraryClosed: Kind("library-closed", "Library closed", 409),
    refusals.EndNotAfterStart: Kind("end-not-after-start", "End before start", 422),
    refusals.StartInThePast: Kind("start-in-the-past", "Start in the past", 422),
    refusals.BookingTooLong: Kind("booking-too-long", "Booking too long", 422),
    refusals.BookingTooShort: Kind("booking-too-short", "Booking too short", 422),
    refusals.BeyondHorizon: Kind("beyond-horizon", "Too far ahead", 422),
    refusals.PlanRequired: Kind("plan-required", "Price plan required", 422),
    refusals.PlanNotApplicable: Kind("plan-not-applicable", "Price plan does not apply", 422),
    refusals.NoPlanApplies: Kind("no-plan-applies", "No price plan applies", 422),
    refusals.PlanIdRepeated: Kind("plan-id-repeated", "Price plan id repeated", 422),
    refusals.PlanWithoutShift: Kind("plan-without-shift", "Price plan and shift do not fit", 422),
    refusals.TimeZoneUnknown: Kind("time-zone-unknown", "Time zone unknown", 422),
    refusals.SeatLabelTaken: Kind("seat-label-taken", "Seat label taken", 409),
    refusals.LibraryFull: Kind("library-full", "Library full", 409),
    refusals.FutureBookings: Kind("future-bookings", "Future bookings exist", 409),
    refusals.BookingCancelledAlready: Kind("booking-cancelled", "Booking cancelled", 409),
    refusals.BookingCompletedAlready: Kind("booking-completed", "Booking completed", 409),
    refusals.BookingOver: Kind("booking-over", "Booking over", 409),
    refusals.CheckedInAlready: Kind("already-checked-in", "Already checked in", 409),
    refusals.NotCheckedIn: Kind("not-checked-in", "Not checked in", 409),
    refusals.CheckInTooEarly: Kind("check-in-too-early", "Too early to check in", 409),
    refusals.CheckInWindowMissed: Kind("check-in-window-missed", "Check-in closed", 409),
}


def of_refusal(refusal: Refusal) -> Problem:
    """Return the problem of a refusal, its fields as extras."""
    extras: dict[str, Any] = {}
    if dataclasses.is_dataclass(refusal):
        for known in dataclasses.fields(refusal):
            value = getattr(refusal, known.name)
            if value is not None:
                extras[camel_case(known.name)] = _json(value)
    return Problem(REFUSALS[type(refusal)], refusal.sentence, extras=extras)


def body_of(problem: Problem, instance: str) -> dict[str, Any]:
    """Return the problem's JSON object."""
    return {
        "type": problem.kind.type,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": instance,
        **problem.extras,
    }


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, tuple):
        return list(value)
    return value
