"""Over HTTP: somebody is invited by id or by address, accepts, works, and is let go."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.commands.hall import DAY, Hall, Person, a_hall, text


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def accepted(hall: Hall, person: Person, invitation_id: str, body: Any = None) -> None:
    told = await person.does("POST", f"/api/invitations/{invitation_id}/accept", body)
    assert told["libraryId"] == hall.id


async def with_account(hall: Hall, person: Person, email: str) -> None:
    """Give the person an account here, as far as its address goes."""
    async with await psycopg.AsyncConnection.connect(hall.database_url, autocommit=True) as connection:
        await connection.execute(
            """
            INSERT INTO accounts.accounts (user_id, email, name, password_hash, registered_role)
            VALUES (%s, %s, 'Meena', '', 'student')
            """,
            (person.id, email),
        )


async def times_kept(hall: Hall, email: str) -> int:
    async with await psycopg.AsyncConnection.connect(hall.database_url) as connection:
        cursor = await connection.execute("SELECT FROM accounts.invitations WHERE email = %s", (email,))
        return cursor.rowcount


async def test_who_accepts_works_there_until_they_are_let_go(hall: Hall) -> None:
    meena = hall.person("meena", "staff")
    seat = f"{hall.path}/seats/{hall.seats[0]}"
    await meena.is_refused(403, "not-your-library", "PATCH", seat, {"label": "B1"})
    invited = await hall.owner.does("POST", f"{hall.path}/invitations", {"userId": meena.id})
    assert invited["until"] == text(hall.now + 7 * DAY)
    await accepted(hall, meena, invited["id"])
    await accepted(hall, meena, invited["id"])
    assert (await meena.does("PATCH", seat, {"label": "B1"}))["label"] == "B1"
    await meena.is_refused(403, "role-not-allowed", "PATCH", hall.path, {"city": "Goa"})
    member = f"{hall.path}/staff/{meena.id}"
    assert (await hall.owner.does("DELETE", member))["userId"] == meena.id
    await hall.owner.is_refused(404, "staff-unknown", "DELETE", member)
    await meena.is_refused(403, "not-your-library", "PATCH", seat, {"label": "B2"})
    await meena.is_refused(409, "invitation-expired", "POST", f"/api/invitations/{invited['id']}/accept")


async def test_who_works_there_may_go(hall: Hall) -> None:
    meena, kabir = hall.person("meena", "staff"), hall.person("kabir", "staff")
    for person in (meena, kabir):
        invited = await hall.owner.does("POST", f"{hall.path}/invitations", {"userId": person.id})
        await accepted(hall, person, invited["id"])
    await kabir.is_refused(403, "not-library-owner", "DELETE", f"{hall.path}/staff/{meena.id}")
    assert await meena.does("DELETE", f"{hall.path}/staff/{meena.id}")


async def test_an_address_is_invited_whether_or_not_anybody_has_it(hall: Hall) -> None:
    meena, ravi = hall.person("meena"), hall.person("ravi")
    await with_account(hall, meena, "meena@example.in")
    path = f"{hall.path}/invitations"
    known = await hall.owner.does("POST", path, {"email": "Meena@Example.in"})
    unknown = await hall.owner.does("POST", path, {"email": "nobody@example.in"})
    assert known.keys() == unknown.keys()
    accept, code = f"/api/invitations/{known['id']}/accept", {"code": known["code"]}
    await ravi.is_refused(404, "invitation-unknown", "POST", accept, code)
    await accepted(hall, meena, known["id"], {"code": known["code"].lower().replace("-", " ")})
    await ravi.is_refused(404, "invitation-unknown", "POST", accept, code)
    other = f"/api/invitations/{unknown['id']}/accept"
    await meena.is_refused(404, "invitation-unknown", "POST", other, {"code": unknown["code"]})


async def test_to_have_registered_an_address_is_not_to_be_whom_the_library_means(hall: Hall) -> None:
    thief = hall.person("thief")
    await with_account(hall, thief, "invited@example.in")
    path = f"{hall.path}/invitations"
    invited = await hall.owner.does("POST", path, {"email": "invited@example.in"}, key="once")
    another = await hall.owner.does("POST", path, {"email": "invited@example.in"})
    assert (await hall.owner.does("POST", path, {"email": "invited@example.in"}, key="once")) == invited
    accept = f"/api/invitations/{invited['id']}/accept"
    for code in (None, another["code"], "AAAA-AAAA-AAAA-AAAA", "é"):
        await thief.is_refused(404, "invitation-unknown", "POST", accept, {"code": code})
    await thief.is_refused(404, "invitation-unknown", "POST", accept)
    assert (await hall.owner.does("POST", path, {"userId": thief.id}))["code"] is None


async def test_an_address_is_kept_once_for_an_invitation_that_exists(hall: Hall) -> None:
    path, email = f"{hall.path}/invitations", "once@example.in"
    body = {"email": email}
    other = hall.person("other", "library_owner")
    await other.is_refused(403, "not-your-library", "POST", path, body)
    assert await times_kept(hall, email) == 0
    first = await hall.owner.does("POST", path, body, key="k")
    assert await hall.owner.does("POST", path, body, key="k") == first
    assert await times_kept(hall, email) == 1


async def test_an_invitation_names_one_person(hall: Hall) -> None:
    path = f"{hall.path}/invitations"
    bodies: tuple[dict[str, str], ...] = (
        {},
        {"userId": "a", "email": "a@example.in"},
        {"email": "nowhere"},
        {"userId": "a b"},
    )
    for body in bodies:
        await hall.owner.is_refused(422, "invalid-request", "POST", path, body)
    await hall.owner.is_refused(409, "cannot-be-staff", "POST", path, {"userId": hall.owner.id})


async def test_addresses_of_invitations_long_over_are_not_kept(hall: Hall) -> None:
    async def invite(email: str) -> None:
        await hall.owner.does("POST", f"{hall.path}/invitations", {"email": email})

    await invite("long-ago@example.org")
    await invite("lately@example.org")
    async with await psycopg.AsyncConnection.connect(hall.database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE accounts.invitations SET invited_at = now() - interval '31 days' WHERE email LIKE 'long%'"
        )
    await invite("now@example.org")
    kept = [await times_kept(hall, f"{when}@example.org") for when in ("long-ago", "lately", "now")]
    assert kept == [0, 1, 1]
