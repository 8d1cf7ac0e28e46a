"""People, as administrators see and change them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from studyspot.projections.models import people
from tests.commands.hall import Hall, Person, a_hall
from tests.commands.visitors import a_visitor
from tests.engines import PostgresServer
from tests.projections.system import a_log, working

PATH = "/api/people"


@pytest.fixture
async def hall(postgres_server: PostgresServer) -> AsyncIterator[Hall]:
    """A hall in a database of its own, where who has an account can be read."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres_server.migrated_database())
        log = await stack.enter_async_context(a_log(url))
        await stack.enter_async_context(working(log, people.PROJECTION))
        yield await stack.enter_async_context(a_hall(url))


@pytest.fixture
def admin(hall: Hall) -> Person:
    return hall.person("admin", "admin")


async def listed(admin: Person, hall: Hall, position: int, **query: Any) -> list[dict[str, Any]]:
    headers = admin.headers | {"StudySpot-Min-Position": str(position)}
    answer = await hall.http.get(PATH, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


async def ids(admin: Person, hall: Hall, position: int, **query: Any) -> list[str]:
    return [row["id"] for row in await listed(admin, hall, position, **query)]


async def test_people_are_listed_found_and_told_apart_by_role_and_status(hall: Hall, admin: Person) -> None:
    async with a_visitor(hall.http.base_url) as asha, a_visitor(hall.http.base_url) as ravi:
        await asha.registers(name="Asha 100%")
        ravi.email = "Ravi_Kumar@Example.org"
        position = (await ravi.registers("library_owner", name="Ravi Kumar"))["position"]
        rows = await listed(admin, hall, position)
        assert [(row["id"], row["email"], row["name"], row["role"], row["status"]) for row in rows] == [
            (ravi.id, "ravi_kumar@example.org", "Ravi Kumar", "library_owner", "active"),
            (asha.id, asha.email, "Asha 100%", "student", "active"),
        ]
        assert rows[0]["registeredAt"] == "2026-12-01T03:30:00Z"
        for query, found in (
            ({"role": "student"}, [asha.id]),
            ({"role": "admin"}, []),
            ({"q": "KUMAR"}, [ravi.id]),
            ({"q": "i_k"}, [ravi.id]),
            ({"q": "0%"}, [asha.id]),
            ({"q": "%"}, [asha.id]),
            ({"q": "example.ORG"}, [ravi.id, asha.id]),
            ({"q": asha.id}, [asha.id]),
            ({"status": "disabled"}, []),
        ):
            assert await ids(admin, hall, position, **query) == found, query
        position = (await admin.does("PATCH", f"{PATH}/{asha.id}", {"status": "disabled"}))["position"]
        assert await ids(admin, hall, position, status="disabled") == [asha.id]
        position = (await admin.does("PATCH", f"{PATH}/{asha.id}", {"status": "erased"}))["position"]
        (erased,) = await listed(admin, hall, position, status="erased")
        assert (erased["id"], erased["email"], erased["name"]) == (asha.id, None, None)
        # Whose tokens come from elsewhere is known only once they are barred.
        position = (await admin.does("PATCH", f"{PATH}/guest", {"status": "disabled"}))["position"]
        (guest,) = await listed(admin, hall, position, status="disabled")
        assert (guest["id"], guest["role"], guest["registeredAt"]) == ("guest", None, None)


async def test_a_list_is_read_in_pages(hall: Hall, admin: Person) -> None:
    async with a_visitor(hall.http.base_url) as visitor:
        known: list[str] = []
        for number in range(3):
            visitor.email = f"student-{number}@example.org"
            position = (await visitor.registers())["position"]
            known.insert(0, visitor.id)
    headers = admin.headers | {"StudySpot-Min-Position": str(position)}
    first = (await hall.http.get(PATH, headers=headers, params={"limit": 2})).json()
    rest = (await hall.http.get(PATH, headers=headers, params={"limit": 2, "cursor": first["next"]})).json()
    assert [row["id"] for row in first["rows"] + rest["rows"]] == known
    assert rest["next"] is None
    await admin.is_refused(422, "invalid-request", "GET", PATH, cursor="x")
    await admin.is_refused(422, "invalid-request", "GET", PATH, limit=101)


async def test_one_person_is_read_and_changed_where_nobody_else_has_changed_them(
    hall: Hall, admin: Person
) -> None:
    async with a_visitor(hall.http.base_url) as visitor:
        position = (await visitor.registers())["position"]
    path = f"{PATH}/{visitor.id}"
    headers = admin.headers | {"StudySpot-Min-Position": str(position)}
    answer = await hall.http.get(path, headers=headers)
    assert (answer.json()["id"], answer.json()["email"]) == (visitor.id, visitor.email)
    condition = admin.headers | {"If-Match": answer.headers["ETag"]}
    body = {"role": "library_owner", "status": "disabled"}
    changed = await hall.http.patch(path, json=body, headers=condition)
    assert (changed.status_code, changed.json()["role"], changed.json()["status"]) == (
        200,
        "library_owner",
        "disabled",
    )
    late = await hall.http.patch(path, json={"status": "active"}, headers=condition)
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed-since")
    await admin.is_refused(404, "not-found", "GET", f"{PATH}/nobody")


async def test_only_administrators_see_people(hall: Hall) -> None:
    for role in ("student", "library_owner", "staff"):
        person = hall.person("somebody", role)
        for path in (PATH, f"{PATH}/{person.id}"):
            await person.is_refused(403, "role-not-allowed", "GET", path)
        body = {"role": "admin"}
        await person.is_refused(403, "role-not-allowed", "PATCH", f"{PATH}/{person.id}", body)
