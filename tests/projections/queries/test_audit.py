"""Who did what to others, for administrators alone."""

from datetime import timedelta
from typing import Any

import httpx

from studyspot.domain.events import AccountDisabled, AccountRegistered, LibraryUpdated, WaitlistLeft
from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    cancelled,
    hired,
    joined,
    notice,
    opened,
    paid,
    seat,
)
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer
from tests.projections.system import Log

PATH = "/api/audit"
ADMIN = bearer("root", "admin")
OF_ANNA = booked("B1", user_id="anna")


async def filled(log: Log) -> int:
    await log.append(opened(), seat("S1"), actor="owner", at=NINE)
    await log.append(OF_ANNA, actor="anna", at=NINE + HOUR)
    await log.append(notice("N1", "anna"), at=NINE + HOUR)
    await log.append(paid(OF_ANNA, 5000, 5000), actor="stella", at=NINE + 2 * HOUR)
    await log.append(cancelled(OF_ANNA), actor="owner", at=NINE + 3 * HOUR)
    await log.append(AccountRegistered(user_id="ben", role="student"), actor="ben", at=NINE + 4 * HOUR)
    return await log.append(AccountDisabled(user_id="ben"), actor="root", at=NINE + 5 * HOUR)


async def types(reads: httpx.AsyncClient, **filters: Any) -> list[str]:
    return [row["type"] for row in (await ask(reads, PATH, headers=ADMIN, **filters))["rows"]]


async def test_what_is_done_to_others_and_to_what_is_common_is_told_and_nothing_else(
    log: Log, reads: httpx.AsyncClient
) -> None:
    position = await filled(log)
    told = await ask(reads, PATH, position, ADMIN)
    assert [(row["type"], row["actor"]) for row in told["rows"]] == [
        ("account.disabled", "root"),
        ("account.registered", "ben"),
        ("booking.cancelled", "owner"),
        ("payment.recorded", "stella"),
        ("seat.added", "owner"),
        ("library.created", "owner"),
    ]
    payment = told["rows"][3]
    assert (payment["position"], payment["at"]) == (5, text(NINE + 2 * HOUR))
    assert (payment["libraryId"], payment["userId"]) == ("L1", "anna")
    assert payment["ids"] == {"seatId": "S1", "bookingId": "B1", "paymentId": "P1", "referenceId": "R1"}


async def test_places_in_line_that_a_library_takes_or_gives_up_for_others_are_told(
    log: Log, reads: httpx.AsyncClient
) -> None:
    of_anna, of_ben = joined("W1", user_id="anna"), joined("W2", user_id="ben")
    await log.append(opened(), of_anna, actor="owner", at=NINE)
    await log.append(of_ben, actor="ben", at=NINE)
    await log.append(WaitlistLeft(**of_ben.facts(), reason="asked"), actor="stella", at=NINE + HOUR)
    position = await log.append(WaitlistLeft(**of_anna.facts(), reason="over"), at=NINE + 2 * HOUR)
    told = await ask(reads, PATH, position, ADMIN)
    assert [(row["type"], row["actor"], row["userId"], row["ids"]) for row in told["rows"][:-1]] == [
        ("waitlist.left", "stella", "ben", {"entryId": "W2"}),
        ("waitlist.joined", "owner", "anna", {"entryId": "W1"}),
    ]
    assert told["rows"][-1]["type"] == "library.created"


async def test_filters_narrow_what_is_told_and_pages_hold(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), ADMIN)
    assert await types(reads, actor="stella") == ["payment.recorded"]
    assert await types(reads, userId="ben") == ["account.disabled", "account.registered"]
    assert len(await types(reads, libraryId="L1")) == 4
    assert await types(reads, type="seat.added") == ["seat.added"]
    later, until = text(NINE + 3 * HOUR), text(NINE + 5 * HOUR)
    assert await types(reads, **{"from": later, "to": until}) == ["account.registered", "booking.cancelled"]
    first = await ask(reads, PATH, headers=ADMIN, limit=4)
    newest = LibraryUpdated(library_id="L1", name="N", city="C", time_zone="Asia/Kolkata")
    position = await log.append(newest, actor="owner", at=NINE + timedelta(days=1))
    second = await ask(reads, PATH, position, ADMIN, limit=4, cursor=first["next"])
    assert [row["type"] for row in second["rows"]] == ["seat.added", "library.created"]
    assert second["next"] is None
    for wrong in ({"type": "seat.lost"}, {"from": "today"}, {"actor": "a b"}, {"cursor": "WyJ4IiwieSJd"}):
        assert_problem(await reads.get(PATH, params=wrong, headers=ADMIN), 422, "invalid-request")


async def test_nobody_else_may_look(log: Log, reads: httpx.AsyncClient) -> None:
    await log.append(opened(), hired("stella"))
    for other in (bearer("anna"), bearer("owner", "library_owner"), bearer("stella", "staff")):
        assert_problem(await reads.get(PATH, headers=other), 403, "not-admin")
    assert_problem(await reads.get(PATH), 401, "unauthenticated")
