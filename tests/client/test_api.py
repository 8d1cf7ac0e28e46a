"""Commands and reads over HTTP: keys, retries, positions, problems."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.client.errors import AnswerLost, AnswerUnreadable, ProblemError
from studyspot.embedded.ports import free_port
from studyspot.wire.bodies import NewSeatBody, PlanBody, UpdateLibraryBody
from tests.client.clocks import EagerClock, Highest
from tests.client.scripted_http import HANG_UP, Scripted, ScriptedHttp, scripted_http

NINE, TEN = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)
BOOKED = {
    "id": "B1",
    "libraryId": "L1",
    "seatId": "S1",
    "userId": "s1",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T10:00:00Z",
    "status": "confirmed",
    "amountMinor": 5000,
    "currency": "INR",
    "planId": None,
    "priceVersion": 3,
    "checkInFrom": "2026-12-01T08:45:00Z",
    "checkInUntil": "2026-12-01T09:30:00Z",
    "freeCancelUntil": "2026-12-01T08:00:00Z",
    "lateRefundPercent": 50,
    "planShare": False,
    "position": 124,
    "somethingNew": True,
}
UNAVAILABLE = Scripted(503, {"type": "/problems/unavailable", "title": "away", "detail": "soon"})


@pytest.fixture
async def http() -> AsyncIterator[ScriptedHttp]:
    async with scripted_http() as script:
        yield script


@pytest.fixture
def witness() -> Witness:
    return Witness("s1", "s1", "student")


@pytest.fixture
async def caller(
    http: ScriptedHttp, clock: EagerClock, chance: Highest, witness: Witness
) -> AsyncIterator[Client]:
    async with Client(
        http.url,
        "ws://127.0.0.1:1",
        "token",
        clock=clock,
        chance=chance,
        witness=witness,
        read_own_writes=True,
    ) as client:
        yield client


def answered(body: dict[str, Any], status: int = 200) -> Scripted:
    return Scripted(status, body, {"StudySpot-Position": str(body["position"])})


async def test_a_booking_is_asked_for_and_read_as_the_contract_says(
    http: ScriptedHttp, caller: Client
) -> None:
    http.will_answer(answered(BOOKED, 201))
    booking = await caller.book("L1", "S1", NINE, TEN)
    (asked,) = http.asked
    assert (asked.method, asked.path) == ("POST", "/api/bookings")
    assert asked.headers["authorization"] == "Bearer token"
    assert asked.body["libraryId"] == "L1"
    assert asked.body["start"] == "2026-12-01T09:00:00Z"
    assert (booking.id, booking.amount_minor, booking.start) == ("B1", 5000, NINE)
    assert caller.position == 124


async def test_every_command_goes_to_its_route(http: ScriptedHttp, caller: Client) -> None:
    library: dict[str, Any] = {
        "id": "L1",
        "name": "A",
        "city": "Pune",
        "address": None,
        "timeZone": "Asia/Kolkata",
        "currency": "INR",
        "amenities": [],
        "position": 1,
    }
    seat = {"id": "S1", "label": "A1", "zone": "general", "attributes": {}, "inService": True}
    plan = {"id": "hourly", "unit": "hour", "amountMinor": 5000, "shift": None, "zone": None}
    money = {"keptMinor": 2500, "refundMinor": 2500}
    payment = {
        "kind": "payment",
        "paymentId": "P1",
        "amountMinor": 5000,
        "currency": "INR",
        "paidMinor": 5000,
        "dueMinor": 0,
        "bookingStatus": "confirmed",
    }
    held = BOOKED | {"id": "H1", "status": "held", "until": "2026-12-01T08:05:00Z", "position": 7}
    quiet = {"zone": "quiet", "attributes": {"power": True}, "revokedBookingId": None}
    waiting = BOOKED | quiet | {"id": "E1", "status": "waiting", "place": 3, "position": 7}
    http.will_answer(
        answered(library, 201),
        answered(library),
        answered({"seats": [seat], "position": 2}, 201),
        answered({**seat, "inService": False, "revokeAt": None, "position": 3}),
        answered({"priceVersion": 1, "currency": "INR", "plans": [plan], "position": 4}),
        answered({"id": "B1", "status": "checked-in", "position": 5}),
        answered({"id": "B1", "status": "completed", "position": 6}),
        answered(BOOKED | {"refundMinor": 0, "position": 6}),
        answered({"id": "B1", "status": "cancelled", **money, "late": True, "position": 7}),
        answered({"id": "B2", "status": "revoked", **money, "position": 7}),
        answered({"id": "B3", **payment, "position": 7}, 201),
        answered(held, 201),
        answered({"id": "H1", "status": "released", "position": 7}),
        answered(waiting, 201),
        answered({"id": "E1", "status": "left", "position": 7}),
        answered({"id": "S1", "position": 7}),
        answered({"id": "L1", "position": 8}),
    )
    await caller.create_library("A", "Pune", "Asia/Kolkata")
    await caller.update_library("L1", UpdateLibraryBody(address=None))
    await caller.add_seats("L1", [NewSeatBody(label="A1")])
    await caller.change_seat("L1", "S1", in_service=False)
    await caller.set_pricing("L1", [PlanBody(id="hourly", unit="hour", amount_minor=5000)])
    await caller.check_in("B1")
    await caller.check_out("B1")
    assert (await caller.reschedule("B1", start=NINE)).refund_minor == 0
    assert (await caller.cancel("B1", reason="the train is late")).late
    await caller.revoke("B2")
    assert (await caller.record_payment("B3", 5000, "cash")).due_minor == 0
    await caller.hold("L1", "S1", NINE, TEN)
    await caller.release("H1")
    assert (await caller.join_waitlist("L1", NINE, TEN, zone="quiet", attributes={"power": True})).place == 3
    assert (await caller.leave_waitlist("E1")).status == "left"
    await caller.remove_seat("L1", "S1")
    await caller.delete_library("L1")
    assert [(asked.method, asked.path) for asked in http.asked] == [
        ("POST", "/api/libraries"),
        ("PATCH", "/api/libraries/L1"),
        ("POST", "/api/libraries/L1/seats"),
        ("PATCH", "/api/libraries/L1/seats/S1"),
        ("PUT", "/api/libraries/L1/pricing"),
        ("POST", "/api/bookings/B1/check-in"),
        ("POST", "/api/bookings/B1/check-out"),
        ("PATCH", "/api/bookings/B1"),
        ("POST", "/api/bookings/B1/cancel"),
        ("POST", "/api/bookings/B2/revoke"),
        ("POST", "/api/bookings/B3/payments"),
        ("POST", "/api/holds"),
        ("DELETE", "/api/holds/H1"),
        ("POST", "/api/waitlist"),
        ("DELETE", "/api/waitlist/E1"),
        ("DELETE", "/api/libraries/L1/seats/S1"),
        ("DELETE", "/api/libraries/L1"),
    ]
    assert http.asked[1].body == {"address": None}
    keys = [asked.headers.get("idempotency-key") for asked in http.asked]
    is_keyed = [asked.method == "POST" or asked.path == "/api/bookings/B1" for asked in http.asked]
    assert [key is not None for key in keys] == is_keyed
    assert len({key for key in keys if key}) == sum(is_keyed)
    assert caller.position == 8


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    http: ScriptedHttp, caller: Client, witness: Witness
) -> None:
    http.will_answer(HANG_UP, UNAVAILABLE, answered(BOOKED, 201))
    assert (await caller.book("L1", "S1", NINE, TEN)).id == "B1"
    assert len({asked.headers["idempotency-key"] for asked in http.asked}) == 1
    assert [asked.body for asked in http.asked] == [http.asked[0].body] * 3
    assert [answer.status for answer in witness.answers] == [None, 503, 201]
    assert [answer.position for answer in witness.answers] == [None, None, 124]


async def test_ones_own_key_is_used_as_it_is(http: ScriptedHttp, caller: Client) -> None:
    http.will_answer(answered(BOOKED, 201))
    await caller.book("L1", "S1", NINE, TEN, key="mine")
    assert http.asked[0].headers["idempotency-key"] == "mine"


async def test_waits_between_tries_grow_and_respect_retry_after(
    http: ScriptedHttp, caller: Client, clock: EagerClock
) -> None:
    http.will_answer(
        UNAVAILABLE,
        Scripted(503, UNAVAILABLE.body, {"Retry-After": "3"}),
        UNAVAILABLE,
        answered(BOOKED, 201),
    )
    await caller.book("L1", "S1", NINE, TEN)
    assert [slept.total_seconds() for slept in clock.slept] == [0.2, 3, 0.8]


async def test_patience_ends(http: ScriptedHttp, caller: Client, clock: EagerClock) -> None:
    http.will_answer(*[UNAVAILABLE] * 20)
    with pytest.raises(ProblemError) as problem:
        await caller.book("L1", "S1", NINE, TEN)
    assert problem.value.status == 503
    assert sum(clock.slept, timedelta()) <= timedelta(seconds=30)
    assert 5 < len(http.asked) < 20


async def test_a_server_that_is_not_there_is_an_answer_lost(clock: EagerClock, chance: Highest) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with Client(url, "ws://127.0.0.1:1", "token", clock=clock, chance=chance) as client:
        with pytest.raises(AnswerLost):
            await client.book("L1", "S1", NINE, TEN)
    assert len(clock.slept) > 5


async def test_a_delete_whose_answer_is_lost_is_not_repeated(http: ScriptedHttp, caller: Client) -> None:
    http.will_answer(UNAVAILABLE, HANG_UP)
    with pytest.raises(AnswerLost):
        await caller.delete_library("L1")
    assert len(http.asked) == 2


async def test_a_refusal_is_a_typed_error_and_final(http: ScriptedHttp, caller: Client) -> None:
    body = {
        "type": "/problems/seat-taken",
        "title": "Seat taken",
        "status": 409,
        "detail": "Someone else has this seat.",
        "instance": "/api/bookings",
        "seatId": "S1",
    }
    http.will_answer(Scripted(409, body, {"content-type": "application/problem+json"}))
    with pytest.raises(ProblemError) as refused:
        await caller.book("L1", "S1", NINE, TEN)
    problem = refused.value
    assert (problem.type, problem.title, problem.status) == ("/problems/seat-taken", "Seat taken", 409)
    assert (problem.detail, problem.extras) == ("Someone else has this seat.", {"seatId": "S1"})
    assert len(http.asked) == 1
    assert caller.position == 0


async def test_an_answer_that_is_no_contract_is_said_to_be_so(http: ScriptedHttp, caller: Client) -> None:
    http.will_answer(Scripted(201, {"hello": "world"}), Scripted(502, "no json object"))
    with pytest.raises(AnswerUnreadable):
        await caller.book("L1", "S1", NINE, TEN)
    with pytest.raises(ProblemError) as problem:
        await caller.book("L1", "S1", NINE, TEN)
    assert (problem.value.type, problem.value.status) == ("about:blank", 502)


async def test_reads_reflect_our_own_writes(http: ScriptedHttp, caller: Client) -> None:
    empty: dict[str, Any] = {"rows": [], "next": None, "position": 130, "serverNow": "2026-12-01T09:00:00Z"}
    http.will_answer(answered(BOOKED, 201), *[Scripted(200, empty)] * 3)
    await caller.book("L1", "S1", NINE, TEN)
    page = await caller.bookings(status="confirmed", start=NINE, limit=5)
    await caller.bookings(min_position=7)
    await caller.libraries(text="quiet", min_position=900)
    assert (page.position, page.rows) == (130, ())
    asked = http.asked[1:]
    assert [request.headers["studyspot-min-position"] for request in asked] == ["124", "124", "900"]
    assert asked[0].path == "/api/bookings?status=confirmed&from=2026-12-01T09%3A00%3A00Z&limit=5"
    assert asked[2].path == "/api/libraries?q=quiet"


async def test_a_read_that_is_not_asked_to_wait_does_not(http: ScriptedHttp, clock: EagerClock) -> None:
    shown = {
        "position": 5,
        "epoch": "k3",
        "serverNow": "2026-12-01T09:00:00Z",
        "libraryId": "L1",
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "seats": [],
    }
    http.will_answer(answered(BOOKED, 201), Scripted(200, shown))
    async with Client(http.url, "ws://127.0.0.1:1", "token", clock=clock) as client:
        await client.book("L1", "S1", NINE, TEN)
        assert (await client.seat_map("L1", NINE, TEN)).epoch == "k3"
    assert "studyspot-min-position" not in http.asked[1].headers
    assert http.asked[1].path == (
        "/api/libraries/L1/seats?start=2026-12-01T09%3A00%3A00Z&end=2026-12-01T10%3A00%3A00Z"
    )


async def test_malformed_input_is_not_sent(http: ScriptedHttp, caller: Client) -> None:
    with pytest.raises(ValueError, match="seat_id"):
        await caller.book("L1", "no seat id", NINE, TEN)
    assert http.asked == []
