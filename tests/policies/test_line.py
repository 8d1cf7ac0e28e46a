"""Who waits is offered what becomes free, in the order of the line; a line is never stuck."""

from typing import Any

import pytest

from studyspot.decisions.run import Decisions
from studyspot.domain.events import (
    BookingCancelled,
    HoldLapsed,
    HoldReleased,
    LibraryRulesSet,
    SeatAdded,
    SeatUpdated,
    WaitlistLeft,
    WaitlistOffered,
)
from studyspot.domain.rules import BookingRules
from studyspot.domain.waitlist import OFFERED_FOR
from studyspot.policies import offering
from studyspot.policies.offering import Offering
from studyspot.policies.tables import connect
from tests.policies.happenings import (
    HOUR,
    NINE,
    became,
    booked,
    closed,
    held,
    moved,
    opened,
    seat,
    service,
    waits,
    withdrawn,
)
from tests.policies.system import DAY_BEFORE, Log


def offers(log: Log) -> list[tuple[str, str]]:
    """Whom which seat was offered, in order."""
    return [
        (recorded.event.entry_id, recorded.event.seat_id)
        for recorded in log.recorded()
        if isinstance(recorded.event, WaitlistOffered)
    ]


def left(log: Log) -> list[tuple[str, str]]:
    return [
        (recorded.event.entry_id, recorded.event.reason)
        for recorded in log.recorded()
        if isinstance(recorded.event, WaitlistLeft)
    ]


async def test_who_is_first_in_line_is_offered_what_is_freed(log: Log) -> None:
    taken = booked("B1", user_id="other")
    log.append(opened(), seat(), taken, waits("W1"), waits("W2"))
    await log.settle()
    assert offers(log) == []
    log.append(became(BookingCancelled, taken, late=False))
    await log.settle()
    assert offers(log) == [("W1", "S1")]
    (offered,) = [one.event for one in log.recorded() if isinstance(one.event, WaitlistOffered)]
    assert offered.until == DAY_BEFORE + OFFERED_FOR


async def test_an_offer_that_lapses_goes_to_who_is_next(log: Log) -> None:
    log.append(opened(), seat(), waits("W1"), waits("W2"))
    await log.settle()
    await log.settle(DAY_BEFORE + OFFERED_FOR)
    await log.settle(DAY_BEFORE + 2 * OFFERED_FOR)
    await log.settle(DAY_BEFORE + 3 * OFFERED_FOR)
    assert offers(log) == [("W1", "S1"), ("W2", "S1")]
    lapsed = [notice.user_id for notice in log.notices() if notice.kind == "waitlist-offer-lapsed"]
    assert lapsed == ["u-W1", "u-W2"]
    assert log.rows("SELECT FROM policies.waiting") == []
    assert log.rows("SELECT FROM policies.tasks") == []


async def test_who_lost_a_booking_comes_before_who_came_first(log: Log) -> None:
    taken = booked("B1", user_id="other")
    log.append(opened(), seat(), taken, waits("W1"), waits("W2", revoked_booking_id="B9"))
    log.append(became(BookingCancelled, taken, late=False))
    await log.settle()
    assert offers(log) == [("W2", "S1")]


async def test_only_a_seat_that_is_asked_for_is_offered(log: Log) -> None:
    log.append(opened(), seat("S1"), seat("S2"), seat("S3"))
    log.append(SeatUpdated(library_id="L1", seat_id="S2", label="S2", zone="ac", attributes={"power": True}))
    log.append(SeatUpdated(library_id="L1", seat_id="S3", label="S3", zone="ac", attributes={"power": False}))
    wanted: dict[str, Any] = {"zone": "ac", "attributes": {"power": True}}
    log.append(waits("W1", **wanted), waits("W2", **wanted))
    await log.settle()
    assert offers(log) == [("W1", "S2")]


async def test_who_can_take_no_seat_leaves_the_line_and_is_told(log: Log) -> None:
    log.append(opened(), seat(), seat("S2"), booked("B1", "S2", user_id="u-W1"), waits("W1"), waits("W2"))
    await log.settle()
    assert left(log) == [("W1", "not-entitled")]
    assert offers(log) == [("W2", "S1")]
    (notice,) = [notice for notice in log.notices() if notice.kind == "waitlist-left"]
    assert (notice.user_id, notice.parameters["reason"]) == ("u-W1", "not-entitled")


async def test_waiting_ends_when_its_time_has_begun(log: Log) -> None:
    log.append(opened(), seat(), booked("B1", user_id="other"), waits("W1"))
    await log.settle(NINE)
    assert left(log) == []
    await log.settle(NINE + HOUR / 12)
    assert left(log) == [("W1", "over")]
    assert log.rows("SELECT FROM policies.waiting") == []


FREEING = [
    ("hold released", (held(until=NINE - HOUR),), became(HoldReleased, held(until=NINE - HOUR))),
    ("hold lapsed", (held(until=NINE - HOUR),), became(HoldLapsed, held(until=NINE - HOUR))),
    ("cancelled", (booked(),), became(BookingCancelled, booked(), late=False)),
    ("moved away", (booked(),), moved(booked(), NINE + 5 * HOUR)),
    ("closure withdrawn", (closed(),), withdrawn()),
    ("closure made shorter", (closed(),), closed(NINE + 5 * HOUR)),
    ("seat in service", (service(False),), service(True)),
    ("seat added", (service(False),), seat("S2")),
    (
        "rules",
        (LibraryRulesSet(library_id="L1", rules=BookingRules(longest_minutes=30)),),
        LibraryRulesSet(library_id="L1", rules=BookingRules()),
    ),
]


@pytest.mark.parametrize(("before", "freeing"), [row[1:] for row in FREEING], ids=[row[0] for row in FREEING])
async def test_whatever_frees_a_place_leads_to_an_offer(log: Log, before: tuple, freeing: object) -> None:  # type: ignore[type-arg]
    log.append(opened(), seat(), *before, waits("W1"))
    await log.settle()
    assert offers(log) == []
    log.append(freeing)  # type: ignore[arg-type]
    await log.settle()
    assert [entry for entry, _ in offers(log)] == ["W1"]


async def test_what_time_alone_allows_is_offered_then(log: Log) -> None:
    rules = LibraryRulesSet(library_id="L1", rules=BookingRules(advance_days=0))
    log.append(opened(), seat(), waits("W1"), rules)
    await log.settle()
    assert offers(log) == []
    ((due,),) = log.rows("SELECT due_at FROM policies.tasks WHERE kind = 'offer-places'")
    assert DAY_BEFORE < due < NINE
    await log.settle(due)
    assert offers(log) == [("W1", "S1")]


async def test_a_long_line_is_walked_to_its_end(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer makes seats look free that are not: every try is in vain, but for the last place."""
    monkeypatch.setattr(offering, "TRIES", 3)
    rules = LibraryRulesSet(library_id="L1", rules=BookingRules(buffer_minutes=10))
    log.append(opened(), seat(), seat("S2"), rules)
    log.append(*(booked(f"B{seat_id}", seat_id, NINE - HOUR, f"u-{seat_id}") for seat_id in ("S1", "S2")))
    log.append(*(waits(f"W{number}") for number in range(10)), waits("late", start=NINE + 3 * HOUR))
    await log.settle()
    assert offers(log) == [("late", "S1")]
    assert log.rows("SELECT FROM policies.tasks WHERE kind = 'offer-places'") == []


async def test_who_is_last_is_reached_however_often_something_is_freed(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offering, "TRIES", 1)
    rules = LibraryRulesSet(library_id="L1", rules=BookingRules(buffer_minutes=10))
    log.append(opened(), seat(), rules, booked("B1", "S1", NINE - HOUR, "u-S1"))
    log.append(*(waits(f"W{number}", zone="quiet") for number in range(5)), waits("last", zone="ac"))
    await log.settle()
    log.append(SeatAdded(library_id="L1", seat_id="S2", label="S2", zone="ac"))
    log.execute("INSERT INTO policies.seats VALUES ('S2', 'L1', 'ac', '{}')")
    async with await connect(log.database_url) as connection:
        walks = Offering(connection, Decisions(log.store))
        for asked_by in range(6):
            # Something else is freed after every single try.
            assert offers(log) == []
            await walks.go_on("L1", asked_by, log.clock.at)
    assert offers(log) == [("last", "S2")]


async def test_one_lamp_is_not_that_there_is_a_lamp_and_keeps_nobody_waiting(log: Log) -> None:
    log.append(
        opened(), SeatAdded(library_id="L1", seat_id="S1", label="S1", zone="ac", attributes={"lamp": True})
    )
    log.append(waits("W1", attributes={"lamp": 1}), waits("W2"))
    await log.settle()
    assert offers(log) == [("W2", "S1")]


async def test_who_loses_an_offer_to_a_closure_keeps_their_place(log: Log) -> None:
    log.append(opened(), seat(), waits("W1"), waits("W2"))
    await log.settle()
    log.append(closed(revoke_at=DAY_BEFORE))
    await log.settle()
    (notice,) = log.notices()
    assert (notice.user_id, notice.kind, notice.parameters["status"]) == (
        "u-W1",
        "waitlist-offer-lapsed",
        "waiting",
    )
    log.append(withdrawn())
    await log.settle()
    assert offers(log) == [("W1", "S1"), ("W1", "S1")]
