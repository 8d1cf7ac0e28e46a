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
    LibraryRulesSet,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    SeatRemoved,
    SeatUpdated,
)
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    CREATE_LIBRARY,
    DELETE_LIBRARY,
    SET_PRICING,
    SET_RULES,
    UPDATE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    CreateLibrary,
    DeleteLibrary,
    SetPricing,
    SetRules,
    UpdateLibrary,
    WithdrawClosure,
)
from studyspot.domain.opening import SET_OPENING, SetOpening
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    FutureBookings,
    LibraryFull,
    LibraryRetired,
    LibraryUnknown,
    NotYourLibrary,
    OwnerRequired,
    PlanIdRepeated,
    PlanWithoutShift,
    Refusal,
    RulesContradict,
    SeatInService,
    SeatLabelTaken,
    SeatUnknown,
    TimeZoneUnknown,
)
from studyspot.domain.rules import BookingRules
from studyspot.domain.seats import (
    ADD_SEATS,
    CHANGE_SEAT,
    REMOVE_SEAT,
    AddSeats,
    ChangeSeat,
    NewSeat,
    RemoveSeat,
)
from tests.domain.given import ASHA, DETAILS, LIBRARY, NOW, OTHER_OWNER, OTHER_SEAT, OWNER, SEAT, when

HOURLY = Plan(id="p", unit="hour", amount_minor=100)
CLOSED = ClosureAnnounced(library_id="L1", closure_id="c", start=NOW)


def new_seat(label: str) -> NewSeat:
    return NewSeat(f"id-{label}", label, "general", {})


def test_an_owner_opens_a_library_and_owns_it() -> None:
    (created,) = when(CREATE_LIBRARY, (), CreateLibrary("L1", DETAILS, "INR", OWNER))
    assert isinstance(created, LibraryCreated)
    assert created.owner_id == OWNER.user_id


def test_a_student_opens_no_library() -> None:
    with pytest.raises(OwnerRequired):
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
    out = ChangeSeat("L1", "S1", OWNER, NOW, in_service=False)
    (changed,) = when(CHANGE_SEAT, (LIBRARY, SEAT), out)
    assert changed == SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=False, revoke_at=NOW)
    assert when(CHANGE_SEAT, (LIBRARY, SEAT, changed), out) == ()
    with pytest.raises(SeatUnknown):
        when(CHANGE_SEAT, (LIBRARY,), out)
    elsewhere = SeatAdded(library_id="L2", seat_id="S1", label="A1", zone="general")
    with pytest.raises(SeatUnknown):
        when(CHANGE_SEAT, (LIBRARY, elsewhere), out)


def test_bookings_of_a_seat_out_of_service_are_revoked_when_that_was_announced_or_announced_anew() -> None:
    later, latest = NOW + timedelta(days=1), NOW + timedelta(days=2)
    history: tuple[Event, ...] = (LIBRARY, SEAT)
    for said, revoke_at in ((later, later), (None, None), (later, None), (latest, latest)):
        command = ChangeSeat("L1", "S1", OWNER, NOW, in_service=False, revoke_at=said)
        events = when(CHANGE_SEAT, history, command)
        assert [e.revoke_at for e in events if isinstance(e, SeatAvailabilityChanged)] == (
            [revoke_at] if revoke_at else []
        )
        history = (*history, *events)
    (back,) = when(CHANGE_SEAT, history, ChangeSeat("L1", "S1", OWNER, NOW, in_service=True, revoke_at=later))
    assert back == SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=True)


def test_a_seat_is_called_and_is_something_else_and_what_is_not_named_stays() -> None:
    history = (LIBRARY, SEAT, OTHER_SEAT)
    (renamed,) = when(CHANGE_SEAT, history, ChangeSeat("L1", "S1", OWNER, NOW, label="Z9"))
    assert renamed == SeatUpdated(library_id="L1", seat_id="S1", label="Z9", zone="general")
    (zoned,) = when(
        CHANGE_SEAT,
        (*history, renamed),
        ChangeSeat("L1", "S1", OWNER, NOW, zone="ac", attributes={"lamp": True}),
    )
    assert zoned == SeatUpdated(
        library_id="L1", seat_id="S1", label="Z9", zone="ac", attributes={"lamp": True}
    )
    assert when(CHANGE_SEAT, history, ChangeSeat("L1", "S1", OWNER, NOW, label="A1", zone="general")) == ()
    with pytest.raises(SeatLabelTaken):
        when(CHANGE_SEAT, history, ChangeSeat("L1", "S1", OWNER, NOW, label="A2"))


def test_a_seat_is_removed_only_out_of_service_and_its_label_is_free_then() -> None:
    out = SeatAvailabilityChanged(library_id="L1", seat_id="S1", in_service=False, revoke_at=NOW)
    remove = RemoveSeat("L1", "S1", OWNER, NOW)
    with pytest.raises(SeatInService):
        when(REMOVE_SEAT, (LIBRARY, SEAT), remove)
    (removed,) = when(REMOVE_SEAT, (LIBRARY, SEAT, out), remove)
    assert removed == SeatRemoved(library_id="L1", seat_id="S1", revoke_at=NOW)
    for again in (remove, RemoveSeat("L1", "S9", OWNER, NOW)):
        with pytest.raises(SeatUnknown):
            when(REMOVE_SEAT, (LIBRARY, SEAT, out, removed), again)
    with pytest.raises(SeatUnknown):
        when(CHANGE_SEAT, (LIBRARY, SEAT, out, removed), ChangeSeat("L1", "S1", OWNER, NOW, in_service=True))
    assert when(ADD_SEATS, (LIBRARY, SEAT, out, removed), AddSeats("L1", (new_seat("A1"),), OWNER))


@pytest.mark.parametrize(
    "rules",
    [
        BookingRules(check_in_opens_minutes=0, check_in_closes_minutes=0),
        BookingRules(check_in_opens_minutes=10, check_in_closes_minutes=5),
        BookingRules(shortest_minutes=61, longest_minutes=60),
    ],
)
def test_rules_that_contradict_one_another_are_refused(rules: BookingRules) -> None:
    with pytest.raises(RulesContradict):
        when(SET_RULES, (LIBRARY,), SetRules("L1", rules, OWNER))


def test_rules_are_set_whole_and_once() -> None:
    rules = BookingRules(day_bookings=2)
    (set_once,) = when(SET_RULES, (LIBRARY,), SetRules("L1", rules, OWNER))
    assert set_once == LibraryRulesSet(library_id="L1", rules=rules)
    assert when(SET_RULES, (LIBRARY, set_once), SetRules("L1", rules, OWNER)) == ()
    assert when(SET_RULES, (LIBRARY,), SetRules("L1", BookingRules(), OWNER)) == ()


COMMANDS = [
    (UPDATE_LIBRARY, lambda by: UpdateLibrary("L1", {"city": "Mumbai"}, by)),
    (SET_PRICING, lambda by: SetPricing("L1", (HOURLY,), by)),
    (ANNOUNCE_CLOSURE, lambda by: AnnounceClosure("L1", "d", NOW, NOW + timedelta(days=1), by)),
    (WITHDRAW_CLOSURE, lambda by: WithdrawClosure("L1", "c", by)),
    (DELETE_LIBRARY, lambda by: DeleteLibrary("L1", "c", NOW, 0, by)),
    (ADD_SEATS, lambda by: AddSeats("L1", (new_seat("Z1"),), by)),
    (CHANGE_SEAT, lambda by: ChangeSeat("L1", "S1", by, NOW, in_service=False)),
    (CHANGE_SEAT, lambda by: ChangeSeat("L1", "S1", by, NOW, label="Z9")),
    (REMOVE_SEAT, lambda by: RemoveSeat("L1", "S2", by, NOW)),
    (SET_RULES, lambda by: SetRules("L1", BookingRules(day_bookings=2), by)),
    (SET_OPENING, lambda by: SetOpening("L1", False, None, (), by, NOW)),
]


@pytest.mark.parametrize(("decider", "command"), COMMANDS)
def test_only_the_owner_changes_a_library_that_exists(decider: Any, command: Any) -> None:
    out = SeatAvailabilityChanged(library_id="L1", seat_id="S2", in_service=False, revoke_at=NOW)
    history: tuple[Event, ...] = (LIBRARY, SEAT, OTHER_SEAT, out, CLOSED)
    assert when(decider, history, command(OWNER))
    for stranger in (OTHER_OWNER, ASHA, Actor(OWNER.user_id, "student"), Actor(OWNER.user_id, "admin")):
        with pytest.raises(NotYourLibrary):
            when(decider, history, command(stranger))
    with pytest.raises(LibraryUnknown):
        when(decider, (), command(OWNER))
    with pytest.raises(LibraryRetired):
        when(decider, (*history, LibraryDeleted(library_id="L1")), command(OWNER))
