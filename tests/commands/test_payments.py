"""The ledger of a booking over HTTP: recorded, never more than is due, never back more than was paid."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.commands.hall import HOUR, NOW, Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


def paid(amount_minor: int, **more: Any) -> dict[str, Any]:
    return {"kind": "payment", "amountMinor": amount_minor, "method": "upi", **more}


def refund(amount_minor: int) -> dict[str, Any]:
    return {"kind": "refund", "amountMinor": amount_minor}


async def test_payments_never_exceed_what_is_due_nor_refunds_what_was_paid(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(5000)
    path = f"/api/bookings/{(await hall.books(asha))['id']}/payments"
    first = await hall.owner.asks("POST", path, paid(6000, reference="UPI 4711"), key="pay")
    assert first.status_code == 201
    told = first.json()
    assert (told["paidMinor"], told["dueMinor"], told["bookingStatus"]) == (6000, 4000, "confirmed")
    assert (await hall.owner.does("POST", path, paid(6000, reference="UPI 4711"), key="pay")) == told
    over = await hall.owner.is_refused(409, "payment-exceeds-due", "POST", path, paid(4001))
    assert over["dueMinor"] == 4000
    more = await hall.owner.does("POST", path, refund(1000))
    assert (more["paidMinor"], more["dueMinor"], more["paymentId"]) == (5000, 5000, None)
    back = await hall.owner.is_refused(409, "refund-exceeds-paid", "POST", path, refund(5001))
    assert back["paidMinor"] == 5000
    with psycopg.connect(hall.database_url) as connection:
        logged = connection.execute("SELECT data FROM store.events").fetchall()
        kept = connection.execute("SELECT text FROM private.texts WHERE text = 'UPI 4711'").fetchall()
    assert not any(b"4711" in bytes(data) for (data,) in logged)
    assert len(kept) == 1


async def test_only_the_library_enters_anything_and_only_what_makes_sense(hall: Hall) -> None:
    asha = hall.person()
    path = f"/api/bookings/{(await hall.books(asha))['id']}/payments"
    await asha.is_refused(403, "role-not-allowed", "POST", path, paid(1))
    other = hall.person("owner", "library_owner")
    await other.is_refused(404, "booking-unknown", "POST", path, paid(1))
    await hall.owner.is_refused(409, "not-payable", "POST", path, paid(1))
    for body in (
        paid(0),
        paid(1, method="shells"),
        {"kind": "payment", "amountMinor": 1},
        {**refund(1), "reference": "UPI 1"},
        {"kind": "gift", "amountMinor": 1},
    ):
        await hall.owner.is_refused(422, "invalid-request", "POST", path, body)


async def test_what_is_kept_and_given_back_is_answered(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    await hall.costs(5000)
    await hall.owner.does("PUT", f"{hall.path}/rules", {"lateRefundPercent": 25})
    late, taken_back = await hall.books(asha), await hall.books(ravi, 1)
    for made in (late, taken_back):
        await hall.owner.does("POST", f"/api/bookings/{made['id']}/payments", paid(10_000))
    hall.now = NOW + 1.5 * HOUR
    cancelled = await asha.does("POST", f"/api/bookings/{late['id']}/cancel")
    assert (cancelled["late"], cancelled["keptMinor"], cancelled["refundMinor"]) == (True, 7500, 2500)
    path = f"/api/bookings/{taken_back['id']}/revoke"
    await ravi.is_refused(403, "role-not-allowed", "POST", path)
    revoked = await hall.owner.does("POST", path, {"reason": "The ceiling leaks"}, key="revoke")
    assert (revoked["status"], revoked["keptMinor"], revoked["refundMinor"]) == ("revoked", 0, 10_000)
    assert await hall.owner.does("POST", path, {"reason": "The ceiling leaks"}, key="revoke") == revoked
    await hall.owner.is_refused(409, "booking-revoked", "POST", path)
