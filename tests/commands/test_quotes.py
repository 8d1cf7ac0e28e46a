"""Quotes over HTTP, honoured while they are valid; and what is left of a quota."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.commands.hall import NOW, Hall, a_hall, text


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_a_quote_is_honoured_though_the_price_has_changed(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    await hall.costs(5000)
    quote = await asha.does("POST", f"{hall.path}/quote", hall.to_quote())
    assert quote == {
        **hall.seat(),
        "id": quote["id"],
        "userId": asha.id,
        "planId": "hourly",
        "priceVersion": 1,
        "amountMinor": 10_000,
        "currency": "INR",
        "validUntil": text(NOW + timedelta(minutes=10)),
        "serverNow": text(NOW),
        "position": quote["position"],
    }
    assert len(quote["id"]) <= 64
    await hall.costs(7000)
    hall.now = NOW + timedelta(minutes=9, seconds=59)
    booked = await asha.does("POST", "/api/bookings", hall.seat(quoteId=quote["id"]))
    assert (booked["amountMinor"], booked["priceVersion"]) == (10_000, 1)
    dearer = await ravi.does("POST", "/api/bookings", hall.seat(1))
    assert dearer["amountMinor"] == 14_000


async def test_a_quote_that_is_over_is_answered_with_a_fresh_one(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(5000)
    quote = await asha.does("POST", f"{hall.path}/quote", hall.to_quote())
    await hall.costs(7000)
    hall.now = NOW + timedelta(minutes=10)
    body = hall.seat(quoteId=quote["id"])
    changed = await asha.is_refused(409, "price-changed", "POST", "/api/bookings", body)
    assert (changed["amountMinor"], changed["quote"]["amountMinor"]) == (14_000, 14_000)
    await hall.costs(9000)
    booked = await asha.does("POST", "/api/bookings", hall.seat(quoteId=changed["quote"]["id"]))
    assert booked["amountMinor"] == 14_000


async def test_a_quote_holds_only_for_what_was_quoted(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    await hall.costs(5000)
    quote = (await asha.does("POST", f"{hall.path}/quote", hall.to_quote()))["id"]
    tampered = ("A" if quote[8] != "A" else "B").join((quote[:8], quote[9:]))
    for person, body in (
        (asha, hall.seat(1, quoteId=quote)),
        (asha, hall.seat(0, 2, 5, quoteId=quote)),
        (ravi, hall.seat(quoteId=quote)),
        (asha, hall.seat(quoteId=tampered)),
        (asha, hall.seat(quoteId="none")),
        (asha, hall.seat(quoteId=quote, planId="daily")),
    ):
        await person.is_refused(422, "quote-mismatch", "POST", "/api/bookings", body)


async def test_what_cannot_be_priced_is_not_quoted(hall: Hall) -> None:
    asha = hall.person()
    path = f"{hall.path}/quote"
    free = await asha.does("POST", path, hall.to_quote())
    assert (free["amountMinor"], free["planId"], free["priceVersion"]) == (0, None, None)
    plans = [{"id": unit, "unit": unit, "amountMinor": 1} for unit in ("hour", "day")]
    await hall.owner.does("PUT", f"{hall.path}/pricing", {"plans": plans})
    several = await asha.is_refused(422, "plan-required", "POST", path, hall.to_quote())
    assert several["planIds"] == ["hour", "day"]
    await asha.is_refused(422, "plan-not-applicable", "POST", path, hall.to_quote(planId="week"))
    await asha.is_refused(404, "seat-unknown", "POST", path, {**hall.to_quote(), "seatId": "none"})
    await asha.is_refused(422, "start-in-the-past", "POST", path, hall.to_quote(0, -2, 1))
    await hall.owner.is_refused(422, "student-required", "POST", path, hall.to_quote())


async def test_what_is_left_of_a_quota_is_told_before(hall: Hall) -> None:
    asha = hall.person()
    await hall.owner.does("PUT", f"{hall.path}/rules", {"dayBookings": 2, "weekMinutes": 300})
    path = f"{hall.path}/quota"
    await hall.books(asha)
    left = await asha.does("GET", path, start=hall.at(5))
    assert left["quotas"] == [
        {"name": "day-bookings", "limit": 2, "used": 1, "left": 1},
        {"name": "week-minutes", "limit": 300, "used": 120, "left": 180},
    ]
    assert (left["strikes"], left["strikesAllowed"], left["blockedUntil"]) == (0, 3, None)
    assert left["serverNow"] == text(NOW)
    tomorrow = await asha.does("GET", path, start=hall.at(24))
    assert [quota["left"] for quota in tomorrow["quotas"]] == [2, 180]
    exhausted = await asha.is_refused(409, "quota-exhausted", "POST", "/api/bookings", hall.seat(0, 5, 10))
    assert (exhausted["quota"], exhausted["limit"], exhausted["used"]) == ("week-minutes", 300, 120)
    told = await hall.owner.does("GET", path, userId=asha.id)
    assert told["quotas"] == left["quotas"]
    other = hall.person("owner", "library_owner")
    await other.is_refused(403, "not-your-library", "GET", path, userId=asha.id)
    await hall.person().is_refused(403, "not-for-others", "GET", path, userId=asha.id)
    await asha.is_refused(422, "beyond-horizon", "GET", path, start="9998-01-01T00:00:00")
    await asha.is_refused(422, "start-in-the-past", "GET", path, start="1970-01-02T00:00:00Z")


async def test_a_question_of_a_position_that_the_log_has_not_reached_is_refused(hall: Hall) -> None:
    asha = hall.person()
    position = (await asha.does("GET", f"{hall.path}/quota"))["position"]
    url = f"{hall.path}/quota"
    for ahead, status in ((0, 200), (1, 422)):
        headers = dict(asha.headers) | {"StudySpot-Min-Position": str(position + ahead)}
        answer = await hall.http.get(url, headers=headers)
        assert answer.status_code == status
    assert answer.json()["type"] == "/problems/position-ahead"
