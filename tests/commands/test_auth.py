"""Registering, signing in, staying signed in and signing out, over HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from studyspot.access.passwords import FEWEST_CHARACTERS
from studyspot.access.sessions import GRACE, LASTS
from tests.commands.conftest import KEY
from tests.commands.hall import Hall, a_hall
from tests.commands.visitors import PASSWORD, Visitor, a_visitor, assert_problem


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


@pytest.fixture
async def visitor(hall: Hall) -> AsyncIterator[Visitor]:
    async with a_visitor(hall.http.base_url) as visitor:
        yield visitor


def rows(hall: Hall, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(hall.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token that our key has signed, whatever the time."""
    claims: dict[str, Any] = jwt.decode(
        token,
        KEY.private.public_key(),
        algorithms=["EdDSA"],
        audience="studyspot",
        options={"verify_iat": False, "verify_exp": False},
    )
    return claims


async def test_who_registers_is_signed_in_and_can_book(hall: Hall, visitor: Visitor) -> None:
    told = await visitor.registers()
    assert told["account"] == {
        "id": visitor.id,
        "email": visitor.email,
        "name": "Asha",
        "role": "student",
    }
    assert told["expiresIn"] == 900
    booked = await visitor.http.post("/api/bookings", json=hall.seat(), headers=visitor.headers)
    assert booked.status_code == httpx.codes.CREATED, booked.text
    assert booked.json()["userId"] == visitor.id


async def test_an_owner_who_registers_can_open_a_library(visitor: Visitor) -> None:
    await visitor.registers("library_owner")
    body = {"name": "Ganga", "city": "Pune", "timeZone": "Asia/Kolkata"}
    opened = await visitor.http.post("/api/libraries", json=body, headers=visitor.headers)
    assert opened.status_code == httpx.codes.CREATED, opened.text


async def test_a_token_says_who_it_speaks_for_and_until_when(visitor: Visitor) -> None:
    await visitor.registers()
    claims = claims_of(visitor.token)
    assert set(claims) == {"sub", "role", "name", "iss", "aud", "iat", "exp", "sid"}
    assert (claims["sub"], claims["role"], claims["name"]) == (visitor.id, "student", "Asha")
    assert claims["exp"] - claims["iat"] == 900


async def test_what_is_not_fit_is_refused_and_repeated_nowhere(visitor: Visitor) -> None:
    unfit: list[dict[str, Any]] = [
        {"email": "no address"},
        {"email": "a@b@c"},
        {"email": "a" * 250 + "@b.org"},
        {"email": "a@b.org\x00"},
        {"password": "x" * (FEWEST_CHARACTERS - 1)},
        {"password": "x" * 201},
        {"password": "correct\x00horse"},
        {"password": "correct\ud800horse"},
        {"password": 1234567890},
        {"name": ""},
        {"name": "a\u202eb"},
        {"name": "x" * 121},
        {"unknown": 1},
        *({"role": role} for role in ("staff", "admin", "Student", None)),
    ]
    for changes in unfit:
        body = {"email": visitor.email, "password": PASSWORD, "name": "Asha"} | changes
        answer = await visitor.http.post(
            "/api/auth/register", content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        assert_problem(answer, 422, "invalid-request")
        assert str(body["password"]) not in answer.text


async def test_an_address_has_one_account(visitor: Visitor) -> None:
    await visitor.registers()
    body = {"email": visitor.email.upper(), "password": PASSWORD + "s", "name": "Ravi"}
    told = assert_problem(await visitor.http.post("/api/auth/register", json=body), 409, "email-taken")
    assert "Sign in" in told["detail"]


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(visitor: Visitor) -> None:
    await visitor.registers()
    wrong = assert_problem(await visitor.tries("wrong password"), 401, "credentials-wrong")
    unknown = assert_problem(await visitor.tries(email="nobody@example.org"), 401, "credentials-wrong")
    assert wrong == unknown


@pytest.mark.parametrize(
    ("changes", "status", "slug"),
    [
        ({"email": "visitor\x00@example.org"}, 422, "invalid-request"),
        ({"email": "visitor\ud800@example.org"}, 422, "invalid-request"),
        ({"password": "correct \ud800 horse"}, 401, "credentials-wrong"),
        ({"password": "correct\x00horse"}, 401, "credentials-wrong"),
        ({"password": "x" * 1000}, 401, "credentials-wrong"),
    ],
)
async def test_what_nobody_can_have_signs_nobody_in(
    visitor: Visitor, changes: dict[str, str], status: int, slug: str
) -> None:
    body = {"email": visitor.email, "password": PASSWORD} | changes
    answer = await visitor.http.post(
        "/api/auth/login", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, status, slug)


async def test_who_one_is_is_told_to_whoever_has_a_token(hall: Hall, visitor: Visitor) -> None:
    await visitor.registers(name="Asha Rao")
    told = (await visitor.http.get("/api/auth/me", headers=visitor.headers)).json()
    known: dict[str, str | None] = {
        "id": visitor.id,
        "email": visitor.email,
        "name": "Asha Rao",
        "role": "student",
    }
    assert {key: told[key] for key in known} == known
    elsewhere = (await visitor.http.get("/api/auth/me", headers=hall.person("guest", "staff").headers)).json()
    known = {"email": None, "name": None, "role": "staff"}
    assert {key: elsewhere[key] for key in known} == known
    assert_problem(await visitor.http.get("/api/auth/me"), 401, "unauthenticated")


async def test_the_refresh_token_is_in_a_cookie_that_scripts_and_other_paths_do_not_see(
    visitor: Visitor,
) -> None:
    await visitor.registers()
    answer = await visitor.refreshes()
    assert answer.status_code == httpx.codes.OK, answer.text
    (cookie,) = answer.headers.get_list("set-cookie")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "path=/api/auth", "samesite=strict"} <= attributes
    assert "secure" not in attributes, "over plain HTTP it would be lost"
    assert visitor.refresh_token not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_behind_tls_the_cookie_is_sent_over_tls_only(visitor: Visitor) -> None:
    await visitor.registers()
    answer = await visitor.refreshes(**{"X-Forwarded-Proto": "https"})
    assert "; Secure" in answer.headers["set-cookie"]


async def test_a_refresh_token_is_good_once_and_shown_again_ends_the_session(
    hall: Hall, visitor: Visitor
) -> None:
    await visitor.registers()
    stolen = visitor.refresh_token
    assert (await visitor.refreshes()).status_code == httpx.codes.OK
    hall.now += GRACE + timedelta(seconds=1)
    refused = await visitor.refreshes(stolen)
    assert_problem(refused, 401, "session-over")
    assert "Max-Age=0" in refused.headers["set-cookie"]
    assert_problem(await visitor.refreshes(), 401, "session-over")
    await visitor.signs_in()


async def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    await visitor.registers()
    token = visitor.refresh_token
    left = await visitor.http.post("/api/auth/logout")
    assert left.status_code == httpx.codes.NO_CONTENT
    assert "studyspot-refresh" not in visitor.http.cookies
    assert_problem(await visitor.refreshes(token), 401, "session-over")
    assert (await visitor.http.post("/api/auth/logout")).status_code == httpx.codes.NO_CONTENT


async def test_a_session_ends_after_thirty_days(hall: Hall, visitor: Visitor) -> None:
    await visitor.registers()
    token = visitor.refresh_token
    hall.now += LASTS
    assert_problem(await visitor.refreshes(token), 401, "session-over")


async def test_a_foreign_page_cannot_use_the_cookie(visitor: Visitor) -> None:
    await visitor.registers()
    foreign = ("https://evil.example", "null", "http://127.0.0.1:1")
    for origin, path in product(foreign, ("refresh", "logout", "login", "register")):
        answer = await visitor.http.post(f"/api/auth/{path}", headers={"Origin": origin})
        assert_problem(answer, 403, "origin-refused")
    own = str(visitor.http.base_url).rstrip("/")
    assert (await visitor.refreshes(Origin=own)).status_code == httpx.codes.OK


async def test_who_is_disabled_neither_signs_in_nor_goes_on(hall: Hall, visitor: Visitor) -> None:
    await visitor.registers()
    admin = hall.person("admin", "admin")
    await admin.does("PATCH", f"/api/people/{visitor.id}", {"status": "disabled"})
    assert_problem(await visitor.tries(), 401, "account-barred")
    assert_problem(await visitor.tries("wrong password"), 401, "credentials-wrong")
    assert_problem(await visitor.refreshes(), 401, "account-barred")
    await admin.does("PATCH", f"/api/people/{visitor.id}", {"status": "active"})
    await visitor.signs_in()


async def test_a_changed_role_is_in_the_next_token(hall: Hall, visitor: Visitor) -> None:
    await visitor.registers()
    admin = hall.person("admin", "admin")
    await admin.does("PATCH", f"/api/people/{visitor.id}", {"role": "library_owner"})
    told = (await visitor.refreshes()).json()
    assert told["account"]["role"] == "library_owner"
    assert claims_of(told["token"])["role"] == "library_owner"


async def test_what_a_crash_left_unsaid_is_said_at_the_next_sign_in(hall: Hall, visitor: Visitor) -> None:
    await visitor.registers("library_owner")
    # As if the process had ended before it said so: the log knows nothing of this id.
    rows(hall, "DELETE FROM accounts.sessions WHERE user_id = %s", visitor.id)
    rows(hall, "UPDATE accounts.accounts SET user_id = 'unsaid' WHERE user_id = %s", visitor.id)
    head = (await visitor.http.get("/api/ready")).json()["head"]
    told = await visitor.signs_in()
    assert told["account"]["role"] == "library_owner"
    assert told["position"] == head + 1
    assert (await visitor.signs_in())["position"] == head + 1


async def test_a_password_that_was_hashed_weakly_is_hashed_anew(hall: Hall, visitor: Visitor) -> None:
    from argon2 import PasswordHasher

    await visitor.registers()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    rows(hall, "UPDATE accounts.accounts SET password_hash = %s WHERE user_id = %s", weak, visitor.id)
    await visitor.signs_in()
    ((strong,),) = rows(hall, "SELECT password_hash FROM accounts.accounts WHERE user_id = %s", visitor.id)
    assert strong != weak
    await visitor.signs_in()
