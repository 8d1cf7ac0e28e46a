"""Problems: every error of the HTTP interface as RFC 9457 `application/problem+json`."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from studyspot.domain import refusals
from studyspot.domain.refusals import Refusal
from studyspot.domain.shape import camel_case
from studyspot.wire.positions import POSITION

MEDIA_TYPE = "application/problem+json"


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
ACCOUNT_BARRED = Kind("account-barred", "The account may not be used", 401)
CREDENTIALS_WRONG = Kind("credentials-wrong", "Address or password wrong", 401)
SESSION_OVER = Kind("session-over", "Not signed in any more", 401)
ORIGIN_REFUSED = Kind("origin-refused", "Not from this page", 403)
ROLE_NOT_ALLOWED = Kind("role-not-allowed", "Not with this role", 403)
NOT_FOUND = Kind("not-found", "There is nothing here", 404)
METHOD_NOT_ALLOWED = Kind("method-not-allowed", "This cannot be done here", 405)
BODY_TOO_LARGE = Kind("body-too-large", "The body is too large", 413)
INVALID = Kind("invalid-request", "The request is not valid", 422)
EMAIL_TAKEN = Kind("email-taken", "The address has an account", 409)
TOO_MANY_ATTEMPTS = Kind("too-many-attempts", "Too many attempts", 429)
RATE_LIMITED = Kind("rate-limited", "Too many requests", 429)
KEY_REUSED = Kind("idempotency-key-reused", "The idempotency key was used for another request", 422)
POSITION_AHEAD = Kind("position-ahead", "The log has not reached that position", 422)
POSITION_NOT_REACHED = Kind("position-not-reached", "The read model is behind", 503)
PARKED = Kind("parked", "A change could not be applied", 503)
NOT_YOUR_STUDENTS = Kind("not-your-students", "Not students of the library", 409)
SEATS_FREE = Kind("seats-free", "Seats are free", 409)
CHANGED_SINCE = Kind("changed-since", "Changed since you read it", 412)
NO_SEAT_ALIKE = Kind("no-seat-alike", "No seat alike is free", 409)
CONTENDED = Kind("contended", "Too many are changing the same thing", 503)
UNAVAILABLE = Kind("unavailable", "The service is not available now", 503)
HALTED = Kind("halted", "The log is halted", 503)
INTERNAL = Kind("internal", "Something went wrong", 500)

OTHERS = (
    MALFORMED,
    UNAUTHENTICATED,
    TOKEN_EXPIRED,
    TOKEN_REFUSED,
    ACCOUNT_BARRED,
    CREDENTIALS_WRONG,
    SESSION_OVER,
    ORIGIN_REFUSED,
    ROLE_NOT_ALLOWED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    INVALID,
    EMAIL_TAKEN,
    TOO_MANY_ATTEMPTS,
    RATE_LIMITED,
    KEY_REUSED,
    POSITION_AHEAD,
    POSITION_NOT_REACHED,
    PARKED,
    NOT_YOUR_STUDENTS,
    SEATS_FREE,
    CHANGED_SINCE,
    NO_SEAT_ALIKE,
    CONTENDED,
    UNAVAILABLE,
    HALTED,
    INTERNAL,
)

REFUSALS: dict[type[Refusal], Kind] = {
    refusals.LibraryUnknown: Kind("library-unknown", "Library not found", 404),
    refusals.SeatUnknown: Kind("seat-unknown", "Seat not found", 404),
    refusals.HoldUnknown: Kind("hold-unknown", "Hold not found", 404),
    refusals.ClosureUnknown: Kind("closure-unknown", "Closure not found", 404),
    refusals.BookingUnknown: Kind("booking-unknown", "Booking not found", 404),
    refusals.NotificationUnknown: Kind("notification-unknown", "Notice not found", 404),
    refusals.LibraryRetired: Kind("library-retired", "Library retired", 409),
    refusals.NotYourLibrary: Kind("not-your-library", "Not your library", 403),
    refusals.NotLibraryOwner: Kind("not-library-owner", "Not the owner of the library", 403),
    refusals.OwnerRequired: Kind("owner-required", "Owner required", 403),
    refusals.NotAdmin: Kind("not-admin", "Not an administrator", 403),
    refusals.NotYourself: Kind("not-yourself", "Not to yourself", 409),
    refusals.AccountInactive: Kind("account-inactive", "Account disabled or erased", 409),
    refusals.AccountErasedAlready: Kind("account-erased", "Account erased", 409),
    refusals.InvitationUnknown: Kind("invitation-unknown", "Invitation not found", 404),
    refusals.InvitationExpired: Kind("invitation-expired", "Invitation expired", 409),
    refusals.CannotBeStaff: Kind("cannot-be-staff", "Cannot be staff", 409),
    refusals.StaffAlready: Kind("already-staff", "Already on the staff", 409),
    refusals.StaffUnknown: Kind("staff-unknown", "Not on the staff", 404),
    refusals.SeriesTooLong: Kind("series-too-long", "Too many days", 422),
    refusals.SeriesWithoutDates: Kind("series-without-dates", "No day", 422),
    refusals.SeriesConflict: Kind("series-conflict", "Some days cannot be had", 409),
    refusals.NotForOthers: Kind("not-for-others", "Not for others", 403),
    refusals.StudentRequired: Kind("student-required", "Student required", 422),
    refusals.SeatTaken: Kind("seat-taken", "Seat taken", 409),
    refusals.SeatAwaited: Kind("seat-awaited", "Somebody waits for the seat", 409),
    refusals.StudentBusy: Kind("student-busy", "Already booked for that time", 409),
    refusals.StudentHolding: Kind("student-holding", "Already holding for that time", 409),
    refusals.SeatOutOfService: Kind("seat-out-of-service", "Seat out of service", 409),
    refusals.LibraryClosed: Kind("library-closed", "Library closed", 409),
    refusals.OutsideOpeningHours: Kind("outside-opening-hours", "Outside opening hours", 409),
    refusals.NotYetReleased: Kind("not-yet-released", "Not to be booked yet", 409),
    refusals.QuotaExhausted: Kind("quota-exhausted", "Quota exhausted", 409),
    refusals.StudentBlocked: Kind("student-blocked", "Blocked for a while", 409),
    refusals.CheckInClosedAlready: Kind("check-in-closed", "Check-in closed already", 422),
    refusals.WallTimeSkipped: Kind("wall-time-skipped", "A time that does not come", 422),
    refusals.WallTimeAmbiguous: Kind("wall-time-ambiguous", "A time that comes twice", 422),
    refusals.EndNotAfterStart: Kind("end-not-after-start", "End before start", 422),
    refusals.StartInThePast: Kind("start-in-the-past", "Start in the past", 422),
    refusals.BookingTooLong: Kind("booking-too-long", "Booking too long", 422),
    refusals.BookingTooShort: Kind("booking-too-short", "Booking too short", 422),
    refusals.BeyondHorizon: Kind("beyond-horizon", "Too far ahead", 422),
    refusals.PlanRequired: Kind("plan-required", "Price plan required", 422),
    refusals.PlanNotApplicable: Kind("plan-not-applicable", "Price plan does not apply", 422),
    refusals.NoPlanApplies: Kind("no-plan-applies", "No price plan applies", 422),
    refusals.PriceChanged: Kind("price-changed", "Price changed", 409),
    refusals.QuoteMismatch: Kind("quote-mismatch", "Quote for something else", 422),
    refusals.PlanIdRepeated: Kind("plan-id-repeated", "Price plan id repeated", 422),
    refusals.PlanWithoutShift: Kind("plan-without-shift", "Price plan and shift do not fit", 422),
    refusals.TimeZoneUnknown: Kind("time-zone-unknown", "Time zone unknown", 422),
    refusals.SeatLabelTaken: Kind("seat-label-taken", "Seat label taken", 409),
    refusals.SeatInService: Kind("seat-in-service", "Seat in service", 409),
    refusals.RulesContradict: Kind("rules-contradict", "Rules contradict one another", 422),
    refusals.ClosureBackwards: Kind("closure-backwards", "Closure ends before it starts", 422),
    refusals.LibraryFull: Kind("library-full", "Library full", 409),
    refusals.FutureBookings: Kind("future-bookings", "Future bookings exist", 409),
    refusals.HoldLapsedAlready: Kind("hold-lapsed", "Hold over", 409),
    refusals.HoldReleasedAlready: Kind("hold-released", "Hold let go", 409),
    refusals.HoldBookedAlready: Kind("hold-booked", "Hold booked", 409),
    refusals.HoldMismatch: Kind("hold-mismatch", "Hold for something else", 422),
    refusals.BookingCancelledAlready: Kind("booking-cancelled", "Booking cancelled", 409),
    refusals.BookingCompletedAlready: Kind("booking-completed", "Booking completed", 409),
    refusals.BookingMissed: Kind("booking-missed", "Booking missed", 409),
    refusals.BookingRevokedAlready: Kind("booking-revoked", "Booking revoked", 409),
    refusals.BookingOver: Kind("booking-over", "Booking over", 409),
    refusals.CheckedInAlready: Kind("already-checked-in", "Already checked in", 409),
    refusals.NotCheckedIn: Kind("not-checked-in", "Not checked in", 409),
    refusals.CheckInTooEarly: Kind("check-in-too-early", "Too early to check in", 409),
    refusals.CheckInWindowMissed: Kind("check-in-window-missed", "Check-in closed", 409),
    refusals.DeskCodeRequired: Kind("desk-code-required", "Desk code required", 422),
    refusals.DeskCodeWrong: Kind("desk-code-wrong", "Desk code wrong", 422),
    refusals.TooLateToReschedule: Kind("too-late-to-reschedule", "Too late to reschedule", 409),
    refusals.NothingToReschedule: Kind("nothing-to-reschedule", "Nothing to reschedule", 422),
    refusals.ConsentRequired: Kind("consent-required", "Consent required", 422),
    refusals.SeatNotAlike: Kind("seat-not-alike", "Seat not alike", 409),
    refusals.PriceHigher: Kind("price-higher", "Price higher", 409),
    refusals.BookingUnaffected: Kind("booking-unaffected", "Booking not affected", 409),
    refusals.NotPayable: Kind("not-payable", "Nothing to pay", 409),
    refusals.PaymentExceedsDue: Kind("payment-exceeds-due", "More than is due", 409),
    refusals.RefundExceedsPaid: Kind("refund-exceeds-paid", "More than was paid", 409),
    refusals.WaitlistEntryUnknown: Kind("waitlist-entry-unknown", "Place in line not found", 404),
    refusals.WaitlistEntryEnded: Kind("waitlist-entry-ended", "Nobody waits here any more", 409),
    refusals.WaitingAlready: Kind("waiting-already", "Already waiting for that time", 409),
    refusals.NoSuchSeat: Kind("no-such-seat", "No seat such as this", 422),
    refusals.WaitlistFull: Kind("waitlist-full", "Waitlist full", 409),
    refusals.WaitlistJoinedTooOften: Kind("waitlist-joined-too-often", "Joined too often", 409),
    refusals.NotRevoked: Kind("not-revoked", "No booking was taken back", 409),
}


def of_refusal(refusal: Refusal) -> Problem:
    """Return the problem of a refusal, its fields as extras."""
    extras: dict[str, Any] = {}
    if dataclasses.is_dataclass(refusal):
        for known in dataclasses.fields(refusal):
            value = getattr(refusal, known.name)
            if value is not None:
                extras[camel_case(known.name)] = _json(value)
    headers = {} if refusal.position is None else {POSITION: str(refusal.position)}
    return Problem(REFUSALS[type(refusal)], refusal.sentence, extras=extras, headers=headers)


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
    if isinstance(value, refusals.Conflict):
        return told(value)
    if isinstance(value, tuple):
        return [_json(member) for member in value]
    return value


def told(conflict: refusals.Conflict) -> dict[str, Any]:
    """Return why a day cannot be had, in short."""
    problem = of_refusal(conflict.refusal)
    return {"date": conflict.day.isoformat(), "type": problem.kind.type, "detail": problem.detail}
