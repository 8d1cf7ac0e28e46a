"""Commands as a client sends them: shapes, positions, keys, and a typed error for everything else."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from studyspot.domain import refusals
from studyspot.wire.problems import OTHERS, REFUSALS
from tests.commands.conftest import KEY, bearer, token

OWNER = bearer("owner-1", "library_owner")
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)


def at(hours: float) -> str:
    return (TOMORROW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def student() -> tuple[str, dict[str, str]]:
    user_id = f"student-{next(_numbers)}"
    return user_id, bearer(user_id)


_numbers = iter(range(10**9))


async def a_library(api: httpx.AsyncClient, seats: int = 2) -> tuple[str, list[str]]:
    body = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
    library = (await api.post("/api/libraries", json=body, headers=OWNER)).json()
    labels = {"seats": [{"label": f"A{number}"} for number in range(seats)]}
    added = await api.post(f"/api/libraries/{library['id']}/seats", json=labels, headers=OWNER)
    assert added.status_code == 201, added.text
    return library["id"], [seat["id"] for seat in added.json()["seats"]]


def booking(library: str, seat: str, start: float = 0, end: float = 2, **more: Any) -> dict[str, Any]:
    return {"libraryId": library, "seatId": seat, "start": at(start), "end": at(end), **more}


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert problem["instance"] == answer.request.url.path
    return problem


async def head(api: httpx.AsyncClient) -> int:
    position: int = (await api.get("/api/ready")).json()["head"]
    return position


async def test_a_library_is_created_updated_priced_and_retired(api: httpx.AsyncClient) -> None:
    body = {
        "name": "Saraswati",
        "city": "Pune",
        "timeZone": "Asia/Kolkata",
        "address": "12 FC Road",
        "amenities": ["wifi"],
    }
    created = await api.post("/api/libraries", json=body, headers=OWNER)
    assert created.status_code == 201
    library = created.json()
    assert library == {**body, "id": library["id"], "currency": "INR", "position": library["position"]}
    assert created.headers["StudySpot-Position"] == str(library["position"])
    path = f"/api/libraries/{library['id']}"
    updated = await api.patch(path, json={"city": "Mumbai", "address": None}, headers=OWNER)
    assert (updated.json()["city"], updated.json()["address"]) == ("Mumbai", None)
    plans = {"plans": [{"id": "hourly", "unit": "hour", "amountMinor": 5000}]}
    priced = await api.put(f"{path}/pricing", json=plans, headers=OWNER)
    assert priced.status_code == 200
    assert (priced.json()["priceVersion"], priced.json()["currency"]) == (1, "INR")
    retired = await api.delete(path, headers=OWNER)
    assert retired.status_code == 200
    assert_problem(await api.delete(path, headers=OWNER), 409, "library-retired")


async def test_a_booking_is_made_checked_and_cancelled(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    user_id, headers = student()
    booked = await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)
    assert booked.status_code == 201
    answer = booked.json()
    assert {name: answer[name] for name in ("libraryId", "seatId", "userId", "start", "end", "status")} == {
        "libraryId": library,
        "seatId": seats[0],
        "userId": user_id,
        "start": at(0),
        "end": at(2),
        "status": "confirmed",
    }
    assert (answer["amountMinor"], answer["currency"]) == (0, "INR")
    path = f"/api/bookings/{answer['id']}"
    assert_problem(await api.post(f"{path}/check-in", headers=headers), 409, "check-in-too-early")
    assert_problem(await api.post(f"{path}/check-out", headers=headers), 409, "not-checked-in")
    cancelled = await api.post(f"{path}/cancel", json={"reason": "I am ill"}, headers=headers)
    assert cancelled.status_code == 200
    assert cancelled.json() == {
        "id": answer["id"],
        "status": "cancelled",
        "late": False,
        "keptMinor": 0,
        "refundMinor": 0,
        "position": answer["position"] + 1,
    }
    assert_problem(await api.post(f"{path}/cancel", headers=headers), 409, "booking-cancelled")


async def test_a_walk_in_checks_in_and_out(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    _, headers = student()
    now = datetime.now(UTC)
    body = booking(library, seats[0]) | {
        "start": now.isoformat(),
        "end": (now + timedelta(hours=1)).isoformat(),
    }
    made = (await api.post("/api/bookings", json=body, headers=headers)).json()
    path = f"/api/bookings/{made['id']}"
    assert (await api.post(f"{path}/check-in", headers=OWNER)).json()["status"] == "checked-in"
    assert_problem(await api.post(f"{path}/cancel", headers=headers), 409, "already-checked-in")
    assert (await api.post(f"{path}/check-out", headers=headers)).json()["status"] == "completed"
    again = await api.post("/api/bookings", json=body, headers=headers)
    assert again.status_code == 201


async def test_a_reason_is_kept_outside_the_log(api: httpx.AsyncClient, database_url: str) -> None:
    library, seats = await a_library(api)
    _, headers = student()
    made = (await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)).json()
    words = "my grandmother Lakshmi is ill"
    await api.post(f"/api/bookings/{made['id']}/cancel", json={"reason": words}, headers=headers)
    again = await api.post(f"/api/bookings/{made['id']}/cancel", json={"reason": "twice"}, headers=headers)
    assert again.status_code == 409
    with psycopg.connect(database_url) as connection:
        logged = connection.execute("SELECT data FROM store.events").fetchall()
        kept = connection.execute("SELECT text FROM private.texts").fetchall()
    assert not any(b"Lakshmi" in bytes(data) for (data,) in logged)
    assert (words,) in kept
    assert ("twice",) not in kept


async def test_of_a_repeated_cancellation_one_reason_is_kept(
    api: httpx.AsyncClient, database_url: str
) -> None:
    library, seats = await a_library(api)
    _, headers = student()
    made = (await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)).json()
    keyed = headers | {"Idempotency-Key": "cancel-once"}
    path, body = f"/api/bookings/{made['id']}/cancel", {"reason": "of many, one"}
    answers = [await api.post(path, json=body, headers=keyed) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    other = await api.post(path, json={"reason": "of many, one more"}, headers=keyed)
    assert_problem(other, 422, "idempotency-key-reused")
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("SELECT FROM private.texts WHERE text LIKE 'of many, one%'").fetchall()
    assert len(kept) == 1


async def test_a_name_that_no_encoding_carries_harms_nobody(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    strange = token("student-strange", extra={"name": "a\ud800"})
    headers = {"Authorization": f"Bearer {strange}"}
    booked = await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)
    assert booked.status_code == 201
    again = await api.post("/api/bookings", json=booking(library, seats[1], 4, 5), headers=headers)
    assert again.status_code == 201


async def test_a_large_library_retires_without_holding_up_the_others(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api, seats=500)
    _, headers = student()
    made = (await api.post("/api/bookings", json=booking(library, seats[250]), headers=headers)).json()
    refused = await api.delete(f"/api/libraries/{library}", headers=OWNER)
    assert assert_problem(refused, 409, "future-bookings")["count"] == 1
    await api.post(f"/api/bookings/{made['id']}/cancel", headers=headers)
    assert (await api.delete(f"/api/libraries/{library}", headers=OWNER)).status_code == 200


async def test_two_hundred_bookings_of_one_seat_leave_one_winner(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    wishes = [
        api.post("/api/bookings", json=booking(library, seats[0]), headers=student()[1]) for _ in range(200)
    ]
    answers = await asyncio.gather(*wishes)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 199
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "seat-taken")


async def test_a_retirement_is_refused_while_bookings_are_to_come(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    _, headers = student()
    made = (await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)).json()
    refused = await api.delete(f"/api/libraries/{library}", headers=OWNER)
    assert assert_problem(refused, 409, "future-bookings")["count"] == 1
    again = await api.post("/api/bookings", json=booking(library, seats[1], 4, 5), headers=headers)
    assert again.status_code == 201, "the library is open again after the refusal"
    for booked in (made, again.json()):
        await api.post(f"/api/bookings/{booked['id']}/cancel", headers=headers)
    assert (await api.delete(f"/api/libraries/{library}", headers=OWNER)).status_code == 200
    closed = await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)
    assert_problem(closed, 409, "library-retired")


async def test_a_repeated_key_books_once(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    _, headers = student()
    keyed = headers | {"Idempotency-Key": "k-1"}
    body = booking(library, seats[0])
    twins = await asyncio.gather(*(api.post("/api/bookings", json=body, headers=keyed) for _ in range(10)))
    assert {twin.status_code for twin in twins} == {201}
    assert len({twin.text for twin in twins}) == 1
    other = await api.post("/api/bookings", json=booking(library, seats[1], 5, 6), headers=keyed)
    assert_problem(other, 422, "idempotency-key-reused")
    elsewhere = await api.post("/api/bookings/none/cancel", headers=keyed)
    assert_problem(elsewhere, 422, "idempotency-key-reused")
    _, stranger = student()
    theirs = await api.post("/api/bookings", json=body, headers=stranger | {"Idempotency-Key": "k-1"})
    assert_problem(theirs, 409, "seat-taken")


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"{", 400, "malformed"),
        (b"", 422, "invalid-request"),
        (b"\xff\xfe", 400, "malformed"),
        (b"[]", 422, "invalid-request"),
        (b"null", 422, "invalid-request"),
        (b"[" * 100_000, 400, "malformed"),
        (b'{"libraryId": "L"}', 422, "invalid-request"),
        (b"x" * 300_000, 413, "body-too-large"),
    ],
)
async def test_a_body_that_is_no_booking_is_a_typed_error(
    api: httpx.AsyncClient, content: bytes, status: int, slug: str
) -> None:
    before = await head(api)
    headers = student()[1] | {"Content-Type": "application/json"}
    assert_problem(await api.post("/api/bookings", content=content, headers=headers), status, slug)
    assert await head(api) == before


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"unknown": 1}, "invalid-request"),
        ({"seatId": "a b"}, "invalid-request"),
        ({"seatId": "x" * 65}, "invalid-request"),
        ({"seatId": 7}, "invalid-request"),
        ({"seatId": "a\u0000b"}, "invalid-request"),
        ({"start": "tomorrow"}, "invalid-request"),
        ({"start": "2026-12-01T09:00"}, "invalid-request"),
        ({"start": "0001-01-01T00:00:00"}, "invalid-request"),
        ({"start": 1795365354}, "invalid-request"),
        ({"start": "1795365354"}, "invalid-request"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "invalid-request"),
        ({"start": at(-48)}, "start-in-the-past"),
        ({"end": at(0)}, "end-not-after-start"),
        ({"end": at(-1)}, "end-not-after-start"),
        ({"end": "9999-12-31T23:59:59Z"}, "booking-too-long"),
        ({"planId": "none"}, "plan-not-applicable"),
    ],
)
async def test_a_booking_that_is_not_valid_is_a_typed_error(
    api: httpx.AsyncClient, change: dict[str, Any], slug: str
) -> None:
    library, seats = await a_library(api)
    before = await head(api)
    body = booking(library, seats[0]) | change
    answer = await api.post("/api/bookings", json=body, headers=student()[1])
    assert_problem(answer, 422, slug)
    assert await head(api) == before


async def test_text_that_no_database_takes_is_a_typed_error(api: httpx.AsyncClient) -> None:
    body = {"name": "a", "city": "Pune", "timeZone": "Asia/Kolkata"}
    for name in ("a\u0000b", "", "   ", "x" * 121, "line\nbreak", 7, None, {"a": 1}):
        answer = await api.post("/api/libraries", json=body | {"name": name}, headers=OWNER)
        assert_problem(answer, 422, "invalid-request")
    lone = json.dumps(body).replace('"name": "a"', '"name": "\\ud800"').encode()
    headers = OWNER | {"Content-Type": "application/json"}
    assert_problem(await api.post("/api/libraries", content=lone, headers=headers), 422, "invalid-request")


async def test_foreign_ids_are_not_found(api: httpx.AsyncClient) -> None:
    library, seats = await a_library(api)
    other, other_seats = await a_library(api)
    _, headers = student()
    for body, slug in (
        (booking("nowhere", seats[0]), "library-unknown"),
        (booking(library, "nothing"), "seat-unknown"),
        (booking(library, other_seats[0]), "seat-unknown"),
    ):
        assert_problem(await api.post("/api/bookings", json=body, headers=headers), 404, slug)
    made = (await api.post("/api/bookings", json=booking(library, seats[0]), headers=headers)).json()
    for path in (f"/api/bookings/{made['id']}/cancel", "/api/bookings/none/cancel"):
        assert_problem(await api.post(path, headers=student()[1]), 404, "booking-unknown")
    stranger = bearer("owner-2", "library_owner")
    patched = await api.patch(f"/api/libraries/{other}", json={"city": "Goa"}, headers=stranger)
    assert_problem(patched, 403, "not-your-library")
    a_library_of_mine = {"name": "a", "city": "Pune", "timeZone": "Asia/Kolkata"}
    as_student = await api.post("/api/libraries", json=a_library_of_mine, headers=headers)
    assert_problem(as_student, 403, "role-not-allowed")


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({}, "unauthenticated"),
        ({"Authorization": "Basic YTpi"}, "unauthenticated"),
        ({"Authorization": "Bearer"}, "unauthenticated"),
        ({"Authorization": "Bearer a.b.c"}, "token-refused"),
        ({"Authorization": "Bearer " + "x" * 9000}, "token-refused"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused(
    api: httpx.AsyncClient, headers: dict[str, str], slug: str
) -> None:
    answer = await api.post("/api/bookings", json=booking("L", "S"), headers=headers)
    assert_problem(answer, 401, slug)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_says_so(api: httpx.AsyncClient) -> None:
    old = token("s1", now=datetime.now(UTC) - timedelta(hours=1))
    answer = await api.post(
        "/api/bookings", json=booking("L", "S"), headers={"Authorization": f"Bearer {old}"}
    )
    assert_problem(answer, 401, "token-expired")


async def test_unknown_paths_and_methods_are_problems_too(api: httpx.AsyncClient) -> None:
    assert_problem(await api.get("/api/nothing"), 404, "not-found")
    assert_problem(await api.put("/api/bookings"), 405, "method-not-allowed")
    assert_problem(await api.get("/schemas/none.json"), 404, "not-found")


async def test_documents_are_served(api: httpx.AsyncClient) -> None:
    assert (await api.get("/.well-known/jwks.json")).json() == KEY.jwks()
    assert (await api.get("/api/config")).json()["subprotocol"] == "studyspot.v1"
    assert (await api.get("/api/health")).json() == {"status": "alive"}
    assert "booking.created" in (await api.get("/asyncapi.json")).json()["channels"]
    schema = (await api.get("/schemas/studyspot.booking.created.v1.json")).json()
    assert schema["title"] == "studyspot.booking.created.v1"
    assert (await api.get("/openapi.json")).status_code == 200


def test_every_refusal_has_a_row_and_every_slug_one_meaning() -> None:
    known = {
        value
        for value in vars(refusals).values()
        if isinstance(value, type) and issubclass(value, refusals.Refusal) and value is not refusals.Refusal
    }
    assert set(REFUSALS) == known
    slugs = [kind.slug for kind in (*REFUSALS.values(), *OTHERS)]
    assert len(set(slugs)) == len(slugs)


def test_every_refusal_says_what_is_so_and_what_to_do_next() -> None:
    for refusal in REFUSALS:
        sentence = " ".join((refusal.__doc__ or "").split())
        assert sentence.endswith("."), refusal
        assert len(re.findall(r"[.;:](?= |$)", sentence)) > 1, refusal
