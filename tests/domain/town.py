"""A small town for properties: two libraries, three seats, three students, and whatever they may do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from hypothesis import strategies as st

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
    COMPLETE_BOOKING,
    MISS_BOOKING,
    REVOKE_AFFECTED,
    CompleteBooking,
    MissBooking,
    RevokeAffected,
)
from studyspot.domain.events import (
    BookingCreated,
    ClosureAnnounced,
    Event,
    HoldPlaced,
    LibraryCreated,
    Plan,
    PricingUpdated,
    SeatAdded,
)
from studyspot.domain.holds import (
    LAPSE_HOLD,
    PLACE_HOLD,
    RELEASE_AFFECTED_HOLD,
    RELEASE_HOLD,
    LapseHold,
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
from studyspot.domain.refusals import Refusal
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING, MoveAffected, RescheduleBooking
from studyspot.domain.rules import BookingRules
from studyspot.domain.seats import CHANGE_SEAT, ChangeSeat
from tests.domain.given import MINUTE, NOW, OWNER
from tests.domain.log import Log

Kind = Literal[
    "hold",
    "book",
    "book-held",
    "release",
    "reschedule",
    "cancel",
    "check-in",
    "check-out",
    "revoke",
    "pay",
    "refund",
    "move-affected",
    "close",
    "withdraw",
    "seat-out",
    "seat-in",
    "revoke-affected",
    "price",
]
KINDS: tuple[Kind, ...] = (
    *("hold", "book", "book-held", "release", "reschedule", "cancel", "check-in", "check-out"),
    *("revoke", "pay", "refund", "move-affected", "close", "withdraw", "seat-out", "seat-in"),
    *("revoke-affected", "price"),
)
# What students do, and the libraries seldom.
WEIGHTED = (*KINDS, *(KINDS[:7] * 3), "book", "book", "check-in")
STUDENTS = tuple(Actor(name, "student") for name in ("asha", "ravi", "mira"))
HOMES = {"S1": "L1", "S2": "L1", "S3": "L2"}
LIBRARIES = tuple(
    LibraryCreated(
        library_id=library_id,
        owner_id=OWNER.user_id,
        currency="INR",
        name=library_id,
        city="Pune",
        time_zone=zone,
    )
    for library_id, zone in (("L1", "Asia/Kolkata"), ("L2", "Europe/Berlin"))
)
SEATS = tuple(
    SeatAdded(library_id=library_id, seat_id=seat_id, label=seat_id, zone="general")
    for seat_id, library_id in HOMES.items()
)
PRICES = tuple(
    PricingUpdated(
        library_id=library_id,
        price_version=1,
        currency="INR",
        plans=(Plan(id="hourly", unit="hour", amount_minor=333),),
    )
    for library_id in ("L1", "L2")
)


@dataclass(frozen=True, slots=True)
class Step:
    """After `pause`, somebody does something to one of the things that there are."""

    kind: Kind
    who: int
    seat: str
    half_hours: int
    length: int
    which: int
    pause: timedelta


PAUSES = (
    *(timedelta(0), timedelta(0), timedelta(0), MINUTE, timedelta(minutes=5)),
    *(timedelta(minutes=14), timedelta(minutes=15), timedelta(minutes=29), timedelta(minutes=30)),
    *(timedelta(minutes=61), timedelta(hours=4), timedelta(days=1), timedelta(days=3)),
)


def steps(
    kinds: tuple[Kind, ...] = WEIGHTED, pauses: tuple[timedelta, ...] = PAUSES
) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        who=st.integers(0, len(STUDENTS) - 1),
        seat=st.sampled_from(tuple(HOMES)),
        half_hours=st.sampled_from((0, 1, 1, 2, 2, 3, 4, 48, 49, 7 * 48)),
        length=st.sampled_from((1, 2, 2, 3, 6)),
        which=st.integers(0, 5),
        pause=st.sampled_from(pauses),
    )


RULES = st.builds(
    BookingRules,
    buffer_minutes=st.sampled_from((0, 0, 10, 45)),
    check_in_opens_minutes=st.sampled_from((-15, -60, 5)),
    check_in_closes_minutes=st.sampled_from((30, 30, 10, 90)),
    late_refund_percent=st.sampled_from((0, 33, 50, 100)),
    day_bookings=st.sampled_from((None, None, 1, 2)),
    day_minutes=st.sampled_from((None, None, 120)),
    week_bookings=st.sampled_from((None, None, 2)),
    week_minutes=st.sampled_from((None, None, 240)),
    live_bookings=st.sampled_from((None, None, 1, 2)),
    strikes=st.sampled_from((None, 1, 2, 3)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command came to: its events, or why it was refused."""

    decider: Any
    command: Any
    events: tuple[Event, ...]
    refusal: Refusal | None


@dataclass(slots=True)
class Town:
    """Runs steps against one log, at its own clock; `swept` notes every deadline as soon as it passes."""

    rules: BookingRules
    swept: bool = False
    at: datetime = NOW
    log: Log = field(default_factory=Log)
    count: int = 0

    def __post_init__(self) -> None:
        self.log.append((*LIBRARIES, *SEATS, *PRICES))
        for library in LIBRARIES:
            self.log.run(SET_RULES, SetRules(library.library_id, self.rules, OWNER))

    def wait(self, pause: timedelta) -> None:
        self.at += pause
        if self.swept:
            self.sweep()

    def take(self, step: Step) -> Outcome | None:
        """Take one step; none where there is nothing that it could be done to."""
        self.wait(step.pause)
        made = self.command(step)
        return None if made is None else self.run(*made)

    def run(self, decider: Any, command: Any) -> Outcome:
        try:
            outcome = Outcome(decider, command, self.log.run(decider, command), None)
        except Refusal as refusal:
            outcome = Outcome(decider, command, (), refusal)
        if self.swept:
            self.sweep()
        return outcome

    def sweep(self) -> None:
        """Note every deadline that has passed."""
        for hold in self.all(HoldPlaced):
            self.log.run(LAPSE_HOLD, LapseHold(hold.hold_id, self.at))
        for booking in self.all(BookingCreated):
            self.log.run(MISS_BOOKING, MissBooking(booking.booking_id, self.at))
            self.log.run(COMPLETE_BOOKING, CompleteBooking(booking.booking_id, self.at))

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.log.events if isinstance(event, kind)]

    def command(self, step: Step) -> tuple[Any, Any] | None:
        """Return a decider and the command that the step means now."""
        self.count += 1
        made = _MAKERS[step.kind](self, step)
        return None if made is None else made

    def interval(self, step: Step) -> tuple[datetime, datetime]:
        """Return the step's time, in half hours from the last one that has begun."""
        begun = self.at - (self.at - NOW) % timedelta(minutes=30)
        start = begun + step.half_hours * timedelta(minutes=30)
        return start, start + step.length * timedelta(minutes=30)

    def some(self, kind: type[Any], step: Step) -> Any:
        """Return one of the newest of that kind, if there is one."""
        there = self.all(kind)
        return there[-1 - step.which % min(4, len(there))] if there else None


Made = tuple[Any, Any] | None


def _hold(town: Town, step: Step) -> Made:
    start, end = town.interval(step)
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
    start, end = town.interval(step)
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
    hold = town.some(HoldPlaced, step)
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
    hold = town.some(HoldPlaced, step)
    return hold and (RELEASE_HOLD, ReleaseHold(hold.hold_id, Actor(hold.user_id, "student"), town.at))


def _reschedule(town: Town, step: Step) -> Made:
    booking = town.some(BookingCreated, step)
    if booking is None:
        return None
    start, end = town.interval(step) if step.half_hours else (None, None)
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
    booking = town.some(BookingCreated, step)
    if booking is None:
        return None
    start, end = town.interval(step) if step.half_hours else (None, None)
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


def _on_booking(
    make: Callable[[Town, Step, BookingCreated], tuple[Any, Any]],
) -> Callable[[Town, Step], Made]:
    def made(town: Town, step: Step) -> Made:
        booking = town.some(BookingCreated, step)
        return None if booking is None else make(town, step, booking)

    return made


def _party(booking: BookingCreated, step: Step) -> Actor:
    return OWNER if step.who == 0 else Actor(booking.user_id, "student")


def _close(town: Town, step: Step) -> Made:
    start, end = town.interval(step)
    return ANNOUNCE_CLOSURE, AnnounceClosure(
        HOMES[step.seat], f"c{town.count}", start, end, OWNER, town.at if step.who else None
    )


def _withdraw(town: Town, step: Step) -> Made:
    closure = town.some(ClosureAnnounced, step)
    return closure and (WITHDRAW_CLOSURE, WithdrawClosure(closure.library_id, closure.closure_id, OWNER))


def _service(in_service: bool) -> Callable[[Town, Step], Made]:
    def made(town: Town, step: Step) -> Made:
        return CHANGE_SEAT, ChangeSeat(HOMES[step.seat], step.seat, OWNER, town.at, in_service=in_service)

    return made


def _revoke_affected(town: Town, step: Step) -> Made:
    if step.who == 0:
        hold = town.some(HoldPlaced, step)
        return hold and (RELEASE_AFFECTED_HOLD, ReleaseAffectedHold(hold.hold_id, town.at))
    booking = town.some(BookingCreated, step)
    return booking and (REVOKE_AFFECTED, RevokeAffected(booking.booking_id, town.at))


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
}


def histories(**kinds: Any) -> st.SearchStrategy[list[Step]]:
    return st.lists(steps(**kinds), min_size=6, max_size=28)


def walk(town: Town, history: list[Step]) -> Iterator[Outcome]:
    """Take the steps one after another, and yield what each came to."""
    for step in history:
        outcome = town.take(step)
        if outcome is not None:
            yield outcome
