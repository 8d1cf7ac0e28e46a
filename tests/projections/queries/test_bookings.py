"""Bookings, read by those whom they concern, and by nobody else."""

from typing import Any

import httpx

from tests.projections.happenings import (
    HOUR,
    NINE,
    booked,
    cancelled,
    checked_in,
    checked_out,
    completed,
    missed,
    opened,
    paid,
    refunded,
    rescheduled,
    revoked,
)
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer
from tests.projections.system import Log

ANNA, BEN = bearer("anna"), bearer("ben")
OWNER, RIVAL = bearer("owner", "library_owner"), bearer("rival", "library_owner")
PATH = "/api/bookings"


async def filled(log: Log) -> int:
    """Two libraries of two owners, with five bookings of two students, an hour apart."""
    first, *others = [
        booked("B1", user_id="anna"),
        booked("B2", user_id="anna", start=NINE + HOUR),
        booked("B3", user_id="ben", start=NINE + 2 * HOUR),
        booked("B4", user_id="ben", start=NINE + 3 * HOUR, library_id="L2"),
        booked("B5", user_id="anna", start=NINE + 4 * HOUR, library_id="L2"),
    ]
    return await log.append(
        opened("L1", "owner"),
        opened("L2", "rival"),
        first,
        *others,
        cancelled(first, late=True, kept_minor=2000),
        checked_in(others[0]),
        checked_in(others[1]),
        checked_out(others[1]),
    )


async def listed(reads: httpx.AsyncClient, headers: dict[str, str], **parameters: Any) -> list[str]:
    return [row["id"] for row in (await ask(reads, PATH, headers=headers, **parameters))["rows"]]


async def test_each_sees_their_own_bookings_and_owners_those_of_their_libraries(
    log: Log, reads: httpx.AsyncClient
) -> None:
    await ask(reads, PATH, await filled(log), ANNA)
    assert await listed(reads, ANNA) == ["B5", "B2", "B1"]
    assert await listed(reads, BEN) == ["B4", "B3"]
    assert await listed(reads, OWNER) == ["B3", "B2", "B1"]
    assert await listed(reads, RIVAL) == ["B5", "B4"]
    assert await listed(reads, bearer("nobody")) == []
    assert await listed(reads, bearer("anna", "library_owner")) == ["B5", "B2", "B1"], "she has no library"
    assert await listed(reads, bearer("owner")) == [], "as a student he has booked nothing"
    # A filter narrows what one may see; it never widens it.
    assert await listed(reads, ANNA, userId="ben") == []
    assert await listed(reads, OWNER, libraryId="L2") == []


async def test_filters_narrow_the_list(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), ANNA)
    assert await listed(reads, ANNA, libraryId="L1") == ["B2", "B1"]
    assert await listed(reads, OWNER, userId="ben") == ["B3"]
    assert await listed(reads, OWNER, status="checked-in") == ["B2"]
    assert await listed(reads, OWNER, status="completed") == ["B3"]
    assert await listed(reads, OWNER, status="cancelled") == ["B1"]
    assert await listed(reads, OWNER, **{"from": text(NINE + HOUR)}) == ["B3", "B2"]
    assert await listed(reads, OWNER, to=text(NINE + HOUR)) == ["B1"]
    assert await listed(reads, OWNER, **{"from": text(NINE + HOUR / 2), "to": text(NINE + HOUR * 1.5)}) == [
        "B2",
        "B1",
    ]
    for wrong in ({"status": "lost"}, {"from": "today"}, {"libraryId": "a b"}, {"cursor": "WyJ4IiwieSJd"}):
        assert_problem(await reads.get(PATH, params=wrong, headers=ANNA), 422, "invalid-request")


async def test_the_bookings_of_a_series_are_found(log: Log, reads: httpx.AsyncClient) -> None:
    days = [NINE + 24 * HOUR * number for number in range(3)]
    made = [
        booked(f"B{number}", start=day, user_id="anna", series_id="R1") for number, day in enumerate(days)
    ]
    position = await log.append(opened("L1"), *made, booked("B9", user_id="ben", series_id="R2"))
    await ask(reads, PATH, position, ANNA)
    assert await listed(reads, ANNA, seriesId="R1") == ["B2", "B1", "B0"]
    assert await listed(reads, OWNER, seriesId="R2") == ["B9"]
    assert await listed(reads, ANNA, seriesId="R2") == []
    assert (await ask(reads, f"{PATH}/B9", headers=BEN))["seriesId"] == "R2"


async def test_pages_hold_while_bookings_are_added(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), OWNER)
    first = await ask(reads, PATH, headers=OWNER, limit=2)
    assert [row["id"] for row in first["rows"]] == ["B3", "B2"]
    newest = await log.append(booked("B6", start=NINE + 9 * HOUR))
    second = await ask(reads, PATH, newest, OWNER, limit=2, cursor=first["next"])
    assert [row["id"] for row in second["rows"]] == ["B1"]
    assert second["next"] is None


async def test_a_booking_is_told_in_full_to_its_parties(log: Log, reads: httpx.AsyncClient) -> None:
    position = await filled(log)
    answer = await ask(reads, f"{PATH}/B1", position, ANNA)
    assert answer == await ask(reads, f"{PATH}/B1", position, OWNER) | {"serverNow": answer["serverNow"]}
    shown = {
        key: value
        for key, value in answer.items()
        if key not in ("serverNow", "createdAt", "changedAt", "endedAt", "ledger")
    }
    assert answer["createdAt"] == answer["changedAt"] == answer["endedAt"]
    assert shown == {
        "id": "B1",
        "libraryId": "L1",
        "seatId": "S1",
        "userId": "anna",
        "occupation": "o-B1",
        "holdId": None,
        "seriesId": None,
        "start": text(NINE),
        "end": text(NINE + HOUR),
        "occupiedUntil": text(NINE + HOUR),
        "status": "cancelled",
        "amountMinor": 5000,
        "keptMinor": 2000,
        "paidMinor": 0,
        "refundedMinor": 0,
        "dueMinor": 2000,
        "currency": "INR",
        "planId": None,
        "priceVersion": None,
        "checkInFrom": text(NINE - HOUR / 4),
        "checkInUntil": text(NINE + HOUR / 2),
        "freeCancelUntil": text(NINE - HOUR),
        "lateRefundPercent": 0,
        "planShare": False,
        "checkedInAt": None,
        "late": True,
        "revocationReason": None,
        "closureId": None,
        "position": position,
    }


async def test_a_booking_tells_its_ledger_what_was_paid_and_what_is_due(
    log: Log, reads: httpx.AsyncClient
) -> None:
    first = booked("B1", user_id="anna", amount_minor=5000)
    moved = rescheduled(first, seat_id="S2", start=NINE + HOUR, amount_minor=7000)
    await log.append(opened("L1", "owner"), first, moved)
    unpaid = await ask(reads, f"{PATH}/B1", await log.append(booked("B2", user_id="ben")), ANNA)
    assert (unpaid["amountMinor"], unpaid["paidMinor"], unpaid["dueMinor"]) == (7000, 0, 7000)
    some = await log.append(paid(moved, 3000, 3000), actor="owner")
    partly = await ask(reads, f"{PATH}/B1", some, ANNA)
    assert (partly["status"], partly["paidMinor"], partly["dueMinor"]) == ("confirmed", 3000, 4000)
    assert partly["changedAt"] == unpaid["changedAt"], "a payment does not change the booking"
    more = paid(moved, 4000, 7000, payment_id="P2")
    await log.append(more, cancelled(moved, late=True, kept_minor=3500), refunded(moved, 3500, 3500))
    ended = await ask(reads, f"{PATH}/B1", log.store.head().position, ANNA)
    assert (ended["status"], ended["keptMinor"], ended["paidMinor"]) == ("cancelled", 3500, 3500)
    assert (ended["refundedMinor"], ended["dueMinor"]) == (3500, 0)
    assert [(row["position"], row["kind"], row["amountMinor"], row["by"]) for row in ended["ledger"]] == [
        (2, "charge", 5000, None),
        (3, "charge-difference", 2000, None),
        (5, "payment", 3000, "owner"),
        (6, "payment", 4000, None),
        (7, "waiver", 3500, None),
        (8, "refund", 3500, None),
    ]
    payment, refund = ended["ledger"][2], ended["ledger"][5]
    assert (payment["method"], payment["paymentId"], payment["referenceId"]) == ("upi", "P1", "R1")
    assert (payment["reason"], refund["reason"]) == (None, "cancelled")
    listed_row = (await ask(reads, PATH, headers=ANNA))["rows"][0]
    assert (listed_row["paidMinor"], listed_row["dueMinor"], "ledger" in listed_row) == (3500, 0, False)


async def test_each_ending_is_told_with_its_moment(log: Log, reads: httpx.AsyncClient) -> None:
    made = [booked(f"B{number}", f"S{number}", user_id="anna") for number in range(4)]
    await log.append(opened("L1", "owner"), *made, missed(made[0]), revoked(made[1], "C7"))
    later = rescheduled(made[3], seat_id="S9", start=NINE + 5 * HOUR)
    position = await log.append(checked_in(made[2]), completed(made[2]), later)
    missing = await ask(reads, f"{PATH}/B0", position, ANNA)
    assert (missing["status"], missing["endedAt"]) == ("no-show", text(NINE + HOUR / 2))
    assert (missing["keptMinor"], missing["dueMinor"]) == (None, 5000)
    taken_back = await ask(reads, f"{PATH}/B1", headers=ANNA)
    why = (taken_back["revocationReason"], taken_back["closureId"])
    assert (taken_back["status"], *why) == ("revoked", "closure", "C7")
    assert (taken_back["keptMinor"], taken_back["dueMinor"]) == (0, 0)
    stayed = await ask(reads, f"{PATH}/B2", headers=ANNA)
    assert (stayed["status"], stayed["endedAt"]) == ("completed", text(NINE + HOUR))
    moved = await ask(reads, f"{PATH}/B3", headers=ANNA)
    assert (moved["status"], moved["seatId"], moved["start"]) == ("confirmed", "S9", text(NINE + 5 * HOUR))
    assert await listed(reads, ANNA, status="no-show") == ["B0"]
    assert await listed(reads, ANNA, status="revoked") == ["B1"]
    assert await listed(reads, ANNA, **{"from": text(NINE + 5 * HOUR)}) == ["B3"]


async def test_to_others_a_booking_does_not_exist(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), ANNA)
    for stranger in (BEN, RIVAL, bearer("owner"), bearer("root", "admin"), bearer("someone", "staff")):
        assert_problem(await reads.get(f"{PATH}/B1", headers=stranger), 404, "booking-unknown")
    assert_problem(await reads.get(f"{PATH}/B9", headers=ANNA), 404, "booking-unknown")


async def test_without_a_token_nothing_is_told(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), ANNA)
    for path in (PATH, f"{PATH}/B1"):
        assert_problem(await reads.get(path), 401, "unauthenticated")
        assert_problem(await reads.get(path, headers={"Authorization": "Bearer x"}), 401, "token-refused")
