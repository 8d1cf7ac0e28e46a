"""Rule 15: who waits for a seat is offered it in the order of the line, and nobody takes it before them."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import (
    BookingCreated,
    BookingRescheduled,
    BookingRevoked,
    Event,
    HoldLapsed,
    HoldPlaced,
    HoldReleased,
    SeatAdded,
    WaitlistAccepted,
    WaitlistEvent,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from studyspot.domain.holds import (
    LAPSE_HOLD,
    PLACE_HOLD,
    RELEASE_AFFECTED_HOLD,
    RELEASE_HOLD,
    LapseHold,
    ReleaseAffectedHold,
    ReleaseHold,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    LibraryClosed,
    SeatAwaited,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
    WaitlistEntryUnknown,
)
from studyspot.domain.rescheduling import MOVE_AFFECTED, RESCHEDULE_BOOKING, MoveAffected
from studyspot.domain.waitlist import END_WAITING, OFFER_PLACE, OFFERED_FOR, EndWaiting
from tests.domain.given import (
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    INSTANT,
    LIBRARY,
    MINUTE,
    MIRA,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_SEAT,
    OWNER,
    RAVI,
    SEAT,
    TEN,
    book,
    booked,
    closed,
    held,
    hold,
    offer,
    offered,
    only,
    out_of_service,
    reschedule,
    ruled,
    waits,
    when,
)

ONE_SEAT = (LIBRARY, SEAT)
LATEST = NINE + 5 * MINUTE
"""When waiting for nine o'clock is over."""


def entry_events(events: tuple[Event, ...]) -> list[Event]:
    return [event for event in events if isinstance(event, WaitlistEvent)]


# Offers.


def test_an_offer_is_a_hold_for_ten_minutes_beside_its_event() -> None:
    placed, told = when(OFFER_PLACE, (*ONE_SEAT, waits(ASHA)), offer("E-asha"))
    assert isinstance(placed, HoldPlaced)
    assert (placed.user_id, placed.start, placed.end, placed.entry_id) == ("asha", NINE, ELEVEN, "E-asha")
    assert placed.until == NOW + OFFERED_FOR == NOW + timedelta(minutes=10)
    assert told == WaitlistOffered(
        **waits(ASHA).facts(), hold_id=placed.hold_id, seat_id="S1", until=placed.until
    )


def test_an_offer_keeps_the_buffer_of_the_library() -> None:
    given = (*ONE_SEAT, ruled(buffer_minutes=30), waits(ASHA))
    assert only(HoldPlaced, when(OFFER_PLACE, given, offer("E-asha"))).occupied_until == ELEVEN + 30 * MINUTE


def test_offers_come_in_the_order_of_the_line() -> None:
    given = (*ONE_SEAT, waits(ASHA), waits(RAVI), waits(MIRA))
    for late in ("E-ravi", "E-mira"):
        with pytest.raises(SeatAwaited) as refused:
            when(OFFER_PLACE, given, offer(late))
        assert (refused.value.start, refused.value.end) == (NINE, ELEVEN)
    assert when(OFFER_PLACE, given, offer("E-asha"))


def test_another_seat_goes_to_the_next_in_line_while_the_first_considers_theirs() -> None:
    asha = waits(ASHA)
    given = (*OPEN, asha, waits(RAVI), *offered(asha))
    with pytest.raises(SeatTaken):
        when(OFFER_PLACE, given, offer("E-ravi", seat_id="S1"))
    assert when(OFFER_PLACE, given, offer("E-ravi", seat_id="S2"))


def test_who_lost_a_booking_comes_before_all_others_and_among_them_who_came_first() -> None:
    first = waits(MIRA, revoked_booking_id="B7")
    given = (*ONE_SEAT, waits(ASHA), first, waits(RAVI, revoked_booking_id="B8"))
    for late in ("E-asha", "E-ravi"):
        with pytest.raises(SeatAwaited):
            when(OFFER_PLACE, given, offer(late))
    assert when(OFFER_PLACE, given, offer("E-mira"))


def test_who_waits_for_other_seats_or_another_time_stands_in_another_line() -> None:
    for other in (
        waits(ASHA, zone="quiet"),
        waits(ASHA, attributes={"window": True}),
        waits(ASHA, start=ELEVEN, end=NOON),
        waits(ASHA, library_id="L2"),
    ):
        assert when(OFFER_PLACE, (*ONE_SEAT, other, waits(RAVI)), offer("E-ravi"))


def test_a_seat_does_that_has_all_that_was_asked_for() -> None:
    window = SeatAdded(
        library_id="L1", seat_id="S1", label="A1", zone="quiet", attributes={"window": True, "sockets": 2}
    )
    wanted: dict[str, Any] = {"zone": "quiet", "attributes": {"window": True}}
    given = (LIBRARY, window, OTHER_SEAT, waits(ASHA, **wanted))
    assert when(OFFER_PLACE, given, offer("E-asha"))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI))


def test_a_seat_that_is_not_such_as_was_asked_for_is_not_offered() -> None:
    for other in (waits(ASHA, zone="quiet"), waits(ASHA, attributes={"window": True})):
        with pytest.raises(SeatUnknown):
            when(OFFER_PLACE, (*ONE_SEAT, other), offer("E-asha"))


def test_who_waits_longer_than_the_seat_is_free_is_not_waited_for() -> None:
    until_noon = waits(ASHA, end=NOON)
    given = (*ONE_SEAT, booked(MIRA, start=ELEVEN, end=NOON), until_noon, waits(RAVI))
    with pytest.raises(SeatTaken):
        when(OFFER_PLACE, given, offer("E-asha"))
    assert when(OFFER_PLACE, given, offer("E-ravi"))


def test_who_waits_for_days_is_waited_for_on_the_first_of_them() -> None:
    given = (*ONE_SEAT, waits(ASHA, end=NINE + 3 * DAY))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI))
    on_the_third = booked(MIRA, start=NINE + 2 * DAY, end=NINE + 2 * DAY + HOUR)
    assert when(BOOK_SEAT, (*given, on_the_third), book(RAVI))


def test_nothing_is_offered_where_nothing_can_be_had() -> None:
    given = (*ONE_SEAT, waits(ASHA))
    with pytest.raises(SeatTaken):
        when(OFFER_PLACE, (*given, booked(RAVI)), offer("E-asha"))
    with pytest.raises(SeatOutOfService):
        when(OFFER_PLACE, (*given, out_of_service()), offer("E-asha"))
    with pytest.raises(LibraryClosed):
        when(OFFER_PLACE, (*given, closed(NINE, TEN)), offer("E-asha"))
    with pytest.raises(SeatUnknown):
        when(OFFER_PLACE, given, offer("E-asha", seat_id="nowhere"))
    with pytest.raises(WaitlistEntryUnknown):
        when(OFFER_PLACE, given, offer("E-nobody"))


def test_who_waits_for_a_time_at_which_the_library_is_closed_holds_nobody_up() -> None:
    given = (*ONE_SEAT, waits(ASHA, end=NOON), closed(ELEVEN, NOON))
    assert when(BOOK_SEAT, given, book(RAVI))
    assert when(OFFER_PLACE, (*given, waits(RAVI)), offer("E-ravi"))


def test_an_offer_is_made_once() -> None:
    asha = waits(ASHA)
    assert when(OFFER_PLACE, (*OPEN, asha, *offered(asha)), offer("E-asha", seat_id="S2")) == ()
    left = WaitlistLeft(**asha.facts(), reason="asked")
    assert when(OFFER_PLACE, (*OPEN, asha, left), offer("E-asha")) == ()


def test_who_can_take_no_seat_then_gives_up_their_place() -> None:
    elsewhere: dict[str, Any] = {"library_id": "L2", "seat_id": "S9"}
    for given in (
        (waits(ASHA), booked(ASHA, **elsewhere)),
        (waits(ASHA), held(ASHA, **elsewhere)),
        (ruled(day_bookings=1), waits(ASHA), booked(ASHA, seat_id="S2", start=NOON, end=NOON + HOUR)),
    ):
        (left,) = when(OFFER_PLACE, (*ONE_SEAT, *given), offer("E-asha"))
        assert left == WaitlistLeft(**waits(ASHA).facts(), reason="not-entitled")


def test_only_whose_turn_it_is_loses_it() -> None:
    busy = booked(RAVI, library_id="L2", seat_id="S9")
    given = (*ONE_SEAT, waits(ASHA), waits(RAVI), busy)
    with pytest.raises(SeatAwaited):
        when(OFFER_PLACE, given, offer("E-ravi"))
    with pytest.raises(SeatTaken):
        when(OFFER_PLACE, (*given, booked(MIRA, booking_id="B2")), offer("E-ravi"))


# By the clock.


def test_waiting_is_over_five_minutes_after_its_time_has_begun() -> None:
    given = (*ONE_SEAT, waits(ASHA))
    assert only(HoldPlaced, when(OFFER_PLACE, given, offer("E-asha", at=LATEST - INSTANT)))
    (left,) = when(OFFER_PLACE, given, offer("E-asha", at=LATEST))
    assert left == WaitlistLeft(**waits(ASHA).facts(), reason="over")
    assert when(END_WAITING, given, EndWaiting("E-asha", LATEST - INSTANT)) == ()
    assert when(END_WAITING, given, EndWaiting("E-asha", LATEST)) == (left,)
    assert when(END_WAITING, (*given, left), EndWaiting("E-asha", LATEST)) == ()
    assert when(END_WAITING, given, EndWaiting("E-nobody", LATEST)) == ()


def test_who_waits_no_more_by_the_clock_holds_nobody_up() -> None:
    given = (*ONE_SEAT, waits(ASHA))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, start=LATEST - INSTANT, at=LATEST - INSTANT))
    assert when(BOOK_SEAT, given, book(RAVI, start=LATEST, at=LATEST))


def test_a_lapsed_offer_ends_the_place_with_the_hold() -> None:
    asha = waits(ASHA)
    given = (*ONE_SEAT, asha, *offered(asha))
    assert when(LAPSE_HOLD, given, LapseHold("H-E-asha", NOW + 10 * MINUTE - INSTANT)) == ()
    lapsed, ended = when(LAPSE_HOLD, given, LapseHold("H-E-asha", NOW + 10 * MINUTE))
    assert isinstance(lapsed, HoldLapsed)
    assert ended == WaitlistOfferLapsed(**asha.facts(), status="lapsed", hold_id="H-E-asha", seat_id="S1")
    assert when(LAPSE_HOLD, (*given, lapsed, ended), LapseHold("H-E-asha", NOW + HOUR)) == ()


def test_an_offer_lapses_by_the_clock_and_the_next_is_offered_the_seat_though_nobody_swept() -> None:
    asha = waits(ASHA)
    given = (*ONE_SEAT, asha, waits(RAVI), *offered(asha))
    at = NOW + 10 * MINUTE
    with pytest.raises(SeatTaken):
        when(OFFER_PLACE, given, offer("E-ravi", at=at - INSTANT))
    events = when(OFFER_PLACE, given, offer("E-ravi", at=at))
    assert [type(event) for event in events] == [
        *(HoldLapsed, WaitlistOfferLapsed),
        *(HoldPlaced, WaitlistOffered),
    ]


def test_the_next_in_line_comes_before_a_rival_who_would_rely_on_a_lapsed_offer() -> None:
    asha = waits(ASHA)
    given = (*ONE_SEAT, asha, waits(MIRA), *offered(asha))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, at=NOW + 10 * MINUTE))
    alone = (*ONE_SEAT, asha, *offered(asha))
    events = when(BOOK_SEAT, alone, book(RAVI, at=NOW + 10 * MINUTE))
    assert [type(event) for event in events] == [HoldLapsed, WaitlistOfferLapsed, BookingCreated]


def test_who_relies_on_the_lapse_of_their_own_offer_elsewhere_notes_it_too() -> None:
    elsewhere = waits(ASHA, library_id="L2")
    given = (*ONE_SEAT, elsewhere, *offered(elsewhere, library_id="L2", seat_id="S9"))
    events = when(BOOK_SEAT, given, book(ASHA, at=NOW + 10 * MINUTE))
    assert [type(event) for event in events] == [HoldLapsed, WaitlistOfferLapsed, BookingCreated]
    assert only(WaitlistOfferLapsed, events).library_id == "L2"


# What becomes of an offer.


@pytest.mark.parametrize("hold_id", ["H-E-asha", None])
def test_booking_what_is_offered_accepts_it(hold_id: str | None) -> None:
    asha = waits(ASHA)
    given = (*ONE_SEAT, asha, waits(RAVI), *offered(asha))
    events = when(BOOK_SEAT, given, book(ASHA, hold_id=hold_id, at=NOW + 9 * MINUTE))
    created, accepted = events
    assert isinstance(created, BookingCreated)
    assert (created.hold_id, created.occupation) == ("H-E-asha", "p0")
    assert accepted == WaitlistAccepted(**asha.facts(), hold_id="H-E-asha", booking_id="B1")


def test_an_offer_that_begins_soon_can_be_booked_until_it_lapses() -> None:
    asha = waits(ASHA)
    at = NINE + 4 * MINUTE
    given = (*ONE_SEAT, asha, *offered(asha, until=at + OFFERED_FOR))
    created, _ = when(BOOK_SEAT, given, book(ASHA, at=at + OFFERED_FOR - INSTANT))
    assert isinstance(created, BookingCreated)


def test_who_holds_what_is_offered_is_told_of_that_hold() -> None:
    asha = waits(ASHA)
    assert when(PLACE_HOLD, (*ONE_SEAT, asha, *offered(asha)), hold(ASHA)) == ()


@pytest.mark.parametrize("by", [ASHA, OWNER])
def test_letting_an_offer_go_leaves_the_line(by: Actor) -> None:
    asha = waits(ASHA)
    released, ended = when(RELEASE_HOLD, (*ONE_SEAT, asha, *offered(asha)), ReleaseHold("H-E-asha", by, NOW))
    assert isinstance(released, HoldReleased)
    assert ended == WaitlistOfferLapsed(**asha.facts(), status="lapsed", hold_id="H-E-asha", seat_id="S1")


@pytest.mark.parametrize("impediment", [closed(NINE, TEN), out_of_service()])
def test_an_offer_that_the_library_cannot_keep_puts_its_student_back_at_their_place(
    impediment: Event,
) -> None:
    asha = waits(ASHA)
    given = (*OPEN, asha, waits(RAVI), *offered(asha), impediment)
    released, ended = when(RELEASE_AFFECTED_HOLD, given, ReleaseAffectedHold("H-E-asha", NOW))
    assert isinstance(released, HoldReleased)
    assert ended == WaitlistOfferLapsed(**asha.facts(), status="waiting", hold_id="H-E-asha", seat_id="S1")
    if isinstance(impediment, type(out_of_service())):
        again = (*given, released, ended)
        with pytest.raises(SeatAwaited):
            when(OFFER_PLACE, again, offer("E-ravi", seat_id="S2"))
        assert only(HoldPlaced, when(OFFER_PLACE, again, offer("E-asha", seat_id="S2"))).user_id == "asha"


def test_a_released_offer_that_had_lapsed_is_noted_as_that() -> None:
    asha = waits(ASHA)
    given = (*ONE_SEAT, asha, *offered(asha), out_of_service())
    events = when(RELEASE_AFFECTED_HOLD, given, ReleaseAffectedHold("H-E-asha", NOW + 10 * MINUTE))
    assert [type(event) for event in events] == [HoldLapsed, WaitlistOfferLapsed]
    assert only(WaitlistOfferLapsed, events).status == "lapsed"


# Others, while somebody waits.


def test_nobody_holds_or_books_a_seat_before_who_waits_for_it() -> None:
    given = (*ONE_SEAT, waits(ASHA))
    with pytest.raises(SeatAwaited):
        when(PLACE_HOLD, given, hold(RAVI))
    for start, end in ((NINE, ELEVEN), (TEN, NOON), (NINE - HOUR, TEN), (NINE - HOUR, NOON)):
        with pytest.raises(SeatAwaited):
            when(BOOK_SEAT, given, book(RAVI, start=start, end=end))
    for start, end in ((NINE - HOUR, NINE), (ELEVEN, NOON)):
        assert when(BOOK_SEAT, given, book(RAVI, start=start, end=end))


def test_a_library_books_for_nobody_before_who_waits() -> None:
    given = (*ONE_SEAT, waits(ASHA))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(OWNER, user_id="ravi"))
    assert when(BOOK_SEAT, given, book(OWNER, user_id="asha"))


def test_the_buffer_after_who_waits_is_theirs_too() -> None:
    given = (*ONE_SEAT, ruled(buffer_minutes=30), waits(ASHA))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, start=ELEVEN + 29 * MINUTE, end=NOON))
    assert when(BOOK_SEAT, given, book(RAVI, start=ELEVEN + 30 * MINUTE, end=NOON))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, start=NINE - 2 * HOUR, end=NINE - 29 * MINUTE))


def test_who_waits_until_before_midnight_has_the_buffer_of_the_next_day() -> None:
    midnight = (NOW + 2 * DAY).replace(hour=0)
    late = waits(ASHA, start=midnight - 2 * HOUR, end=midnight - 10 * MINUTE)
    given = (*ONE_SEAT, ruled(buffer_minutes=30), late)
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, start=midnight + 10 * MINUTE, end=midnight + HOUR))


def test_a_seat_such_as_nobody_waits_for_is_for_everyone() -> None:
    given = (*OPEN, waits(ASHA, zone="quiet"))
    assert when(BOOK_SEAT, given, book(RAVI, seat_id="S1"))
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI, seat_id="S2"))


def test_who_is_first_in_line_may_book_at_once_and_gives_up_their_place() -> None:
    given = (*ONE_SEAT, waits(ASHA), waits(RAVI))
    created, left = when(BOOK_SEAT, given, book(ASHA))
    assert isinstance(created, BookingCreated)
    assert left == WaitlistLeft(**waits(ASHA).facts(), reason="not-entitled")
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI))


def test_standing_before_some_is_no_way_past_others() -> None:
    given = (*ONE_SEAT, waits(ASHA, start=NINE, end=TEN), waits(RAVI, start=ELEVEN, end=NOON))
    with pytest.raises(SeatAwaited) as refused:
        when(BOOK_SEAT, given, book(ASHA, start=NINE, end=NOON))
    assert refused.value.start == ELEVEN


def test_who_waits_for_more_than_the_seat_can_give_comes_after_whom_it_would_do_for() -> None:
    given = (
        *(*ONE_SEAT, booked(MIRA, start=ELEVEN, end=NOON)),
        *(waits(ASHA, start=NINE, end=NOON), waits(RAVI, start=NINE, end=ELEVEN)),
    )
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(ASHA, start=NINE, end=TEN))


def test_a_hold_from_before_somebody_waited_can_still_be_booked() -> None:
    given = (*ONE_SEAT, held(RAVI), waits(ASHA))
    assert only(BookingCreated, when(BOOK_SEAT, given, book(RAVI))).hold_id == "H0"


def test_a_booking_is_not_rescheduled_before_who_waits() -> None:
    given = (*OPEN, booked(RAVI, seat_id="S2"), waits(ASHA))
    with pytest.raises(SeatAwaited):
        when(RESCHEDULE_BOOKING, given, reschedule(RAVI, seat_id="S1"))
    with pytest.raises(SeatAwaited):
        when(RESCHEDULE_BOOKING, given, reschedule(OWNER, seat_id="S1"))
    later = (*OPEN, booked(RAVI), waits(ASHA, start=ELEVEN, end=NOON))
    with pytest.raises(SeatAwaited):
        when(RESCHEDULE_BOOKING, later, reschedule(RAVI, end=NOON))
    assert when(RESCHEDULE_BOOKING, later, reschedule(RAVI, end=TEN))


def test_rescheduling_to_a_time_for_which_one_waits_gives_up_the_place() -> None:
    given = (*OPEN, booked(ASHA, start=NOON, end=NOON + HOUR), waits(ASHA))
    moved, left = when(RESCHEDULE_BOOKING, given, reschedule(ASHA, start=NINE, end=TEN))
    assert isinstance(moved, BookingRescheduled)
    assert left == WaitlistLeft(**waits(ASHA).facts(), reason="not-entitled")


def test_a_booking_that_lost_its_seat_is_moved_before_who_waits() -> None:
    alike = SeatAdded(library_id="L1", seat_id="S3", label="A3", zone="general")
    given = (*OPEN, alike, booked(RAVI), waits(ASHA), out_of_service("S1"))
    move = MoveAffected("B0", "S3", None, None, None, OWNER, NOW, consented=True)
    assert only(BookingRescheduled, when(MOVE_AFFECTED, given, move)).seat_id == "S3"


def test_revoking_leaves_the_seat_to_who_waits() -> None:
    revoked = BookingRevoked(**booked(MIRA).facts(), reason="library")
    given = (*ONE_SEAT, booked(MIRA), waits(ASHA), revoked)
    with pytest.raises(SeatAwaited):
        when(BOOK_SEAT, given, book(RAVI))
    assert entry_events(when(OFFER_PLACE, given, offer("E-asha")))


def test_twenty_who_wait_for_one_seat_are_offered_it_one_after_another() -> None:
    line = [waits(Actor(f"s{number}", "student")) for number in range(20)]
    given: list[Event] = [*ONE_SEAT, *line]
    at = NOW
    served = []
    for _ in range(20):
        for joined in line:
            try:
                events = when(OFFER_PLACE, given, offer(joined.entry_id, hold_id=f"H{len(given)}", at=at))
            except (SeatAwaited, SeatTaken):
                continue
            given.extend(events)
            if any(isinstance(event, WaitlistOffered) for event in events):
                served.append(joined.entry_id)
        at += OFFERED_FOR
    assert served == [joined.entry_id for joined in line]
    assert isinstance(line[0], WaitlistJoined)
