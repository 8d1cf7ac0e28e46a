"""What a step means in the town as it is: a decider and a command."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    REVOKE_BOOKING,
    CancelBooking,
    CheckIn,
    CheckOut,
    RevokeBooking,
)
from studyspot.domain.endings import (
    REVOKE_AFFECTED,
    RevokeAffected,
)
from studyspot.domain.events import (
    BookingCreated,
    BookingRevoked,
    ClosureAnnounced,
    HoldPlaced,
    Plan,
    WaitlistJoined,
)
from studyspot.domain.holds import (
    PLACE_HOLD,
    RELEASE_AFFECTED_HOLD,
    RELEASE_HOLD,
    PlaceHold,
    ReleaseAffectedHold,
    ReleaseHold,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    SET_PRICING,
    SET_RULES,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    SetPricing,
    SetRules,
    WithdrawClosure,
)
from studyspot.domain.payments import RECORD_PAYMENT, REFUND_PAYMENT, RecordPayment, RefundPayment
from studyspot.domain.people import Actor
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING, MoveAffected, RescheduleBooking
from studyspot.domain.seats import CHANGE_SEAT, ChangeSeat
from studyspot.domain.waitlist import (
    END_WAITING,
    JOIN_WAITLIST,
    LEAVE_WAITLIST,
    OFFER_PLACE,
    EndWaiting,
    JoinWaitlist,
    LeaveWaitlist,
    OfferPlace,
)
from tests.domain.given import NOW, OWNER
from tests.domain.steps import Kind, Step
from tests.domain.town import HOMES, STUDENTS, Outcome, Town

Made = tuple[Any, Any] | None


def command_of(town: Town, step: Step) -> Made:
    """Return what the step means now; none where there is nothing that it could be done to."""
    town.count += 1
    return _MAKERS[step.kind](town, step)


def take(town: Town, step: Step) -> Outcome | None:
    """Wait for as long as the step says, and take it."""
    town.wait(step.pause)
    made = command_of(town, step)
    return None if made is None else town.run(*made)


def walk(town: Town, history: list[Step]) -> Iterator[Outcome]:
    """Take the steps one after another, and yield what each came to."""
    for step in history:
        outcome = take(town, step)
        if outcome is not None:
            yield outcome


def _interval(town: Town, step: Step) -> tuple[datetime, datetime]:
    """Return the step's time, in half hours from the last one that has begun."""
    begun = town.at - (town.at - NOW) % timedelta(minutes=30)
    start = begun + step.half_hours * timedelta(minutes=30)
    return start, start + step.length * timedelta(minutes=30)


def _some(town: Town, kind: type[Any], step: Step) -> Any:
    """Return one of the newest of that kind, if there is one."""
    there = town.all(kind)
    return there[-1 - step.which % min(4, len(there))] if there else None


def _hold(town: Town, step: Step) -> Made:
    start, end = _interval(town, step)
    return PLACE_HOLD, PlaceHold(
        f"H{town.count}",
        f"p{town.count}",
        HOMES[step.seat],
        step.seat,
        start,
        end,
        STUDENTS[step.who],
        town.at,
    )


def _book(town: Town, step: Step) -> Made:
    start, end = _interval(town, step)
    return BOOK_SEAT, BookSeat(
        booking_id=f"B{town.count}",
        occupation=f"o{town.count}",
        library_id=HOMES[step.seat],
        seat_id=step.seat,
        user_id=None,
        start=start,
        end=end,
        plan_id=None,
        actor=STUDENTS[step.who],
        at=town.at,
    )


def _book_held(town: Town, step: Step) -> Made:
    hold = _some(town, HoldPlaced, step)
    if hold is None:
        return None
    return BOOK_SEAT, BookSeat(
        booking_id=f"B{town.count}",
        occupation=f"o{town.count}",
        library_id=hold.library_id,
        seat_id=hold.seat_id,
        user_id=None,
        start=hold.start,
        end=hold.end,
        plan_id=None,
        actor=Actor(hold.user_id, "student"),
        at=town.at,
        hold_id=hold.hold_id if step.which % 2 else None,
    )


def _release(town: Town, step: Step) -> Made:
    hold = _some(town, HoldPlaced, step)
    return hold and (RELEASE_HOLD, ReleaseHold(hold.hold_id, Actor(hold.user_id, "student"), town.at))


def _reschedule(town: Town, step: Step) -> Made:
    booking = _some(town, BookingCreated, step)
    if booking is None:
        return None
    start, end = _interval(town, step) if step.half_hours else (None, None)
    own_library = HOMES[step.seat] == booking.library_id
    return RESCHEDULE_BOOKING, RescheduleBooking(
        booking_id=booking.booking_id,
        seat_id=step.seat if own_library else None,
        start=start,
        end=end,
        plan_id=None,
        actor=_party(booking, step),
        at=town.at,
    )


def _move_affected(town: Town, step: Step) -> Made:
    booking = _some(town, BookingCreated, step)
    if booking is None:
        return None
    start, end = _interval(town, step) if step.half_hours else (None, None)
    return MOVE_AFFECTED, MoveAffected(
        booking_id=booking.booking_id,
        seat_id=step.seat if HOMES[step.seat] == booking.library_id else None,
        start=start,
        end=end,
        plan_id=None,
        actor=OWNER,
        at=town.at,
        consented=True,
    )


def _join(town: Town, step: Step) -> Made:
    """Wait for any seat; of those who lost a booking, some say so, and wait for its time."""
    lost = [event for event in town.all(BookingRevoked) if event.user_id == STUDENTS[step.who].user_id]
    start, end = _interval(town, step)
    library_id, revoked = HOMES[step.seat], None
    if lost and step.which % 2:
        start, end, library_id = lost[-1].start, lost[-1].end, lost[-1].library_id
        revoked = lost[-1].booking_id
    return JOIN_WAITLIST, JoinWaitlist(
        entry_id=f"E{town.count}",
        library_id=library_id,
        start=start,
        end=end,
        zone=None,
        attributes={"window": True} if step.which == 0 else {},
        revoked_booking_id=revoked,
        actor=STUDENTS[step.who],
        at=town.at,
    )


def _leave(town: Town, step: Step) -> Made:
    joined = _some(town, WaitlistJoined, step)
    actor = joined and (OWNER if step.who == 0 else Actor(joined.user_id, "student"))
    return joined and (LEAVE_WAITLIST, LeaveWaitlist(joined.entry_id, actor, town.at))


def _offer(town: Town, step: Step) -> Made:
    """Offer some seat of the library to some who waits, whether or not it is their turn."""
    joined = _some(town, WaitlistJoined, step)
    if joined is None:
        return None
    seats = [seat for seat, library in HOMES.items() if library == joined.library_id]
    seat_id = seats[step.length % len(seats)]
    return OFFER_PLACE, OfferPlace(joined.entry_id, f"H{town.count}", f"p{town.count}", seat_id, town.at)


def _end_waiting(town: Town, step: Step) -> Made:
    joined = _some(town, WaitlistJoined, step)
    return joined and (END_WAITING, EndWaiting(joined.entry_id, town.at))


def _on_booking(
    make: Callable[[Town, Step, BookingCreated], tuple[Any, Any]],
) -> Callable[[Town, Step], Made]:
    def made(town: Town, step: Step) -> Made:
        booking = _some(town, BookingCreated, step)
        return None if booking is None else make(town, step, booking)

    return made


def _party(booking: BookingCreated, step: Step) -> Actor:
    return OWNER if step.who == 0 else Actor(booking.user_id, "student")


def _close(town: Town, step: Step) -> Made:
    start, end = _interval(town, step)
    return ANNOUNCE_CLOSURE, AnnounceClosure(
        HOMES[step.seat], f"c{town.count}", start, end, OWNER, town.at if step.who else None
    )


def _withdraw(town: Town, step: Step) -> Made:
    closure = _some(town, ClosureAnnounced, step)
    return closure and (WITHDRAW_CLOSURE, WithdrawClosure(closure.library_id, closure.closure_id, OWNER))


def _service(in_service: bool) -> Callable[[Town, Step], Made]:
    def made(town: Town, step: Step) -> Made:
        return CHANGE_SEAT, ChangeSeat(HOMES[step.seat], step.seat, OWNER, town.at, in_service=in_service)

    return made


def _revoke_affected(town: Town, step: Step) -> Made:
    if step.who == 0:
        hold = _some(town, HoldPlaced, step)
        return hold and (RELEASE_AFFECTED_HOLD, ReleaseAffectedHold(hold.hold_id, town.at))
    booking = _some(town, BookingCreated, step)
    return booking and (REVOKE_AFFECTED, RevokeAffected(booking.booking_id, town.at))


def _rules(town: Town, step: Step) -> Made:
    """Return other rules, but for the quotas, which are judged as if they had always been the same."""
    opens, closes = ((-15, 30), (-60, -20), (-15, 0), (5, 90))[step.which % 4]
    rules = replace(
        town.rules,
        buffer_minutes=(0, 30, 60)[step.who],
        check_in_opens_minutes=opens,
        check_in_closes_minutes=closes,
        free_cancel_minutes=30 * step.length,
    )
    return SET_RULES, SetRules(HOMES[step.seat], rules, OWNER)


def _price(town: Town, step: Step) -> Made:
    plan = Plan(id="hourly", unit="hour", amount_minor=101 * step.which)
    return SET_PRICING, SetPricing(HOMES[step.seat], (plan,), OWNER)


_MAKERS: dict[Kind, Callable[[Town, Step], Made]] = {
    "hold": _hold,
    "book": _book,
    "book-held": _book_held,
    "release": _release,
    "reschedule": _reschedule,
    "move-affected": _move_affected,
    "cancel": _on_booking(
        lambda town, step, booking: (
            CANCEL_BOOKING,
            CancelBooking(booking.booking_id, None, _party(booking, step), town.at),
        )
    ),
    "check-in": _on_booking(
        lambda town, step, booking: (
            CHECK_IN,
            CheckIn(booking.booking_id, _party(booking, step), town.at, code_verified=True),
        )
    ),
    "check-out": _on_booking(
        lambda town, step, booking: (
            CHECK_OUT,
            CheckOut(booking.booking_id, _party(booking, step), town.at),
        )
    ),
    "revoke": _on_booking(
        lambda town, step, booking: (
            REVOKE_BOOKING,
            RevokeBooking(booking.booking_id, "library", None, OWNER, town.at),
        )
    ),
    "pay": _on_booking(
        lambda town, step, booking: (
            RECORD_PAYMENT,
            RecordPayment(
                f"P{town.count}", booking.booking_id, 1 + 99 * step.which, "cash", None, OWNER, town.at
            ),
        )
    ),
    "refund": _on_booking(
        lambda town, step, booking: (
            REFUND_PAYMENT,
            RefundPayment(booking.booking_id, 1 + 50 * step.which, OWNER, town.at),
        )
    ),
    "close": _close,
    "withdraw": _withdraw,
    "seat-out": _service(False),
    "seat-in": _service(True),
    "revoke-affected": _revoke_affected,
    "price": _price,
    "rules": _rules,
    "join": _join,
    "leave": _leave,
    "offer": _offer,
    "end-waiting": _end_waiting,
}
