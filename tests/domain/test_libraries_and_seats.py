"""What owners decide: libraries, prices, seats; and what others may not."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryCreated,
    LibraryDeleted,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    CREATE_LIBRARY,
    DELETE_LIBRARY,
    SET_PRICING,
    UPDATE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    CreateLibrary,
    DeleteLibrary,
    SetPricing,
    UpdateLibrary,
    WithdrawClosure,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    FutureBookings,
    LibraryFull,
    LibraryRetired,
    LibraryUnknown,
    NotYourLibrary,
    PlanIdRepeated,
    PlanWithoutShift,
    Refusal,
    SeatLabelTaken,
    SeatUnknown,
    TimeZoneUnknown,
)
from studyspot.domain.seats import ADD_SEATS, CHANGE_SEAT_SERVICE, AddSeats, ChangeSeatService, NewSeat
from tests.domain.given import ASHA, DETAILS, LIBRARY, NOW, OTHER_OWNER, OWNER, SEAT, when

HOURLY = Plan(id="p", unit="hour", amount_minor=100)
CLOSED = ClosureAnnounced(library_id="L1", closure_id="c", start=NOW)


def new_seat(label: str) -> NewSeat:
    return NewSeat(f"id-{label}", label, "general", {})


def test_an_owner_opens_a_library_and_owns_it() -> None:
    (created,) = when(CREATE_LIBRARY, (), CreateLibrary("L1", DETAILS, "INR", OWNER))
    assert isinstance(created, LibraryCreated)
    assert created.owner_id == OWNER.user_id


def test_a_student_opens_no_library() -> None:
    with pytest.raises(NotYourLibrary):
        when(CREATE_LIBRARY, (), CreateLibrary("L1", DETAILS, "INR", ASHA))


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../etc/passwd", "Asia", "x" * 300, "localtime", "right/UTC", "Factory"]
)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneUnknown):
        when(UPDATE_LIBRARY, (LIBRARY,), UpdateLibrary("L1", {"time_zone": name}, OWNER))


def test_an_update_carries_the_whole_setting_and_none_when_nothing_changes() -> None:
    (updated,) = when(UPDATE_LIBRARY, (LIBRARY,), UpdateLibrary("L1", {"city": "Mumbai"}, OWNER))
    assert isinstance(updated, LibraryUpdated)
    assert (updated.name, updated.city) == ("Saraswati", "Mumbai")
    assert when(UPDATE_LIBRARY, (LIBRARY,), UpdateLibrary("L1", {"city": "Pune"}, OWNER)) == ()


def test_price_versions_count() -> None:
    (first,) = when(SET_PRICING, (LIBRARY,), SetPricing("L1", (HOURLY,), OWNER))
    (second,) = when(SET_PRICING, (LIBRARY, first), SetPricing("L1", (), OWNER))
    assert isinstance(first, PricingUpdated)
    assert isinstance(second, PricingUpdated)
    assert (first.price_version, second.price_version, second.currency) == (1, 2, "INR")


@pytest.mark.parametrize(
    ("plans", "refusal"),
    [
        ((HOURLY, HOURLY), PlanIdRepeated),
        ((Plan(id="s", unit="shift", amount_minor=1),), PlanWithoutShift),
        ((Plan(id="h", unit="hour", shift="night", amount_minor=1),), PlanWithoutShift),
    ],
)
def test_price_plans_that_contradict_themselves_are_refused(
    plans: tuple[Plan, ...], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(SET_PRICING, (LIBRARY,), SetPricing("L1", plans, OWNER))


def test_a_library_retires_only_behind_a_closure_and_without_bookings() -> None:
    with pytest.raises(FutureBookings):
        when(DELETE_LIBRARY, (LIBRARY,), DeleteLibrary("L1", "c", NOW, 0, OWNER))
    with pytest.raises(FutureBookings):
        when(DELETE_LIBRARY, (LIBRARY, CLOSED), DeleteLibrary("L1", "c", NOW, 2, OWNER))
    assert when(DELETE_LIBRARY, (LIBRARY, CLOSED), DeleteLibrary("L1", "c", NOW, 0, OWNER)) == (
        LibraryDeleted(library_id="L1"),
    )


def test_a_count_behind_an_earlier_closure_retires_nothing() -> None:
    withdrawn = ClosureWithdrawn(library_id="L1", closure_id="c")
    later = ClosureAnnounced(library_id="L1", closure_id="c", start=NOW + timedelta(seconds=1))
    with pytest.raises(FutureBookings):
        when(DELETE_LIBRARY, (LIBRARY, CLOSED, withdrawn, later), DeleteLibrary("L1", "c", NOW, 0, OWNER))


def test_announcing_or_withdrawing_twice_changes_nothing() -> None:
    assert when(ANNOUNCE_CLOSURE, (LIBRARY, CLOSED), AnnounceClosure("L1", "c", NOW, None, OWNER)) == ()
    assert when(WITHDRAW_CLOSURE, (LIBRARY,), WithdrawClosure("L1", "c", OWNER)) == ()


def test_seats_are_added_all_or_none() -> None:
    added = when(ADD_SEATS, (LIBRARY,), AddSeats("L1", (new_seat("A1"), new_seat("A2")), OWNER))
    assert [event.label for event in added if isinstance(event, SeatAdded)] == ["A1", "A2"]
    with pytest.raises(SeatLabelTaken):
        when(ADD_SEATS, (LIBRARY, SEAT), AddSeats("L1", (new_seat("B1"), new_seat("A1")), OWNER))
    with pytest.raises(SeatLabelTaken):
        when(ADD_SEATS, (LIBRARY,), AddSeats("L1", (new_seat("A1"), new_seat("A1")), OWNER))


def test_a_library_is_full_at_five_thousand_seats() -> None:
    seats = tuple(new_seat(str(number)) for number in range(5001))
    with pytest.raises(LibraryFull):
        when(ADD_SEATS, (LIBRARY,), AddSeats("L1", seats, OWNER))


def test_a_seat_goes_out_of_service_once() -> None:
    out = ChangeSeatService("L1", "S1", False, OWNER)
    (changed,) = when(CHANGE_SEAT_SERVICE, (LIBRARY, SEAT), out)
    assert changed == SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=False)
    assert when(CHANGE_SEAT_SERVICE, (LIBRARY, SEAT, changed), out) == ()
    with pytest.raises(SeatUnknown):
        when(CHANGE_SEAT_SERVICE, (LIBRARY,), out)
    elsewhere = SeatAdded(library_id="L2", seat_id="S1", label="A1", zone="general")
    with pytest.raises(SeatUnknown):
        when(CHANGE_SEAT_SERVICE, (LIBRARY, elsewhere), out)


COMMANDS = [
    (UPDATE_LIBRARY, lambda by: UpdateLibrary("L1", {"city": "Mumbai"}, by)),
    (SET_PRICING, lambda by: SetPricing("L1", (HOURLY,), by)),
    (ANNOUNCE_CLOSURE, lambda by: AnnounceClosure("L1", "d", NOW, NOW + timedelta(days=1), by)),
    (WITHDRAW_CLOSURE, lambda by: WithdrawClosure("L1", "c", by)),
    (DELETE_LIBRARY, lambda by: DeleteLibrary("L1", "c", NOW, 0, by)),
    (ADD_SEATS, lambda by: AddSeats("L1", (new_seat("Z1"),), by)),
    (CHANGE_SEAT_SERVICE, lambda by: ChangeSeatService("L1", "S1", False, by)),
]


@pytest.mark.parametrize(("decider", "command"), COMMANDS)
def test_only_the_owner_changes_a_library_that_exists(decider: Any, command: Any) -> None:
    history: tuple[Event, ...] = (LIBRARY, SEAT, CLOSED)
    assert when(decider, history, command(OWNER))
    for stranger in (OTHER_OWNER, ASHA, Actor(OWNER.user_id, "student"), Actor(OWNER.user_id, "admin")):
        with pytest.raises(NotYourLibrary):
            when(decider, history, command(stranger))
    with pytest.raises(LibraryUnknown):
        when(decider, (), command(OWNER))
    with pytest.raises(LibraryRetired):
        when(decider, (*history, LibraryDeleted(library_id="L1")), command(OWNER))
