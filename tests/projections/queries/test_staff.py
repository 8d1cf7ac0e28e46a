"""Who works for a library sees what its owner sees of it; and who may see who works there."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from studyspot.domain.events import LibraryDeleted
from tests.projections.happenings import HOUR, NINE, booked, hired, invited, let_go, opened
from tests.projections.queries.asking import ask, assert_problem
from tests.projections.serving import bearer
from tests.projections.system import Log

OWNER, RIVAL = bearer("owner", "library_owner"), bearer("rival", "library_owner")
STELLA = bearer("stella", "staff")
PATH = "/api/libraries/L1/staff"


def known(log: Log, *people: tuple[str, str, str]) -> None:
    """Let these have accounts: id, address and name."""
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        for user_id, email, name in people:
            connection.execute(
                "INSERT INTO accounts.accounts (user_id, email, name, password_hash, registered_role)"
                " VALUES (%s, %s, %s, '', 'student')",
                [user_id, email, name],
            )


def written_to(log: Log, invitation_id: str, email: str) -> None:
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO accounts.invitations (invitation_id, email) VALUES (%s, %s)", [invitation_id, email]
        )


async def test_staff_see_what_is_booked_in_their_library_and_all_of_their_own(
    log: Log, reads: httpx.AsyncClient
) -> None:
    own = booked("B3", "S9", user_id="stella", library_id="L2", start=NINE + 2 * HOUR)
    await log.append(opened("L1"), opened("L2", "rival"), booked("B1"), booked("B2", "S2", NINE + HOUR), own)
    before = await ask(reads, "/api/bookings", log.store.head().position, STELLA)
    assert [row["id"] for row in before["rows"]] == ["B3"]
    assert_problem(await reads.get("/api/bookings/B1", headers=STELLA), 404, "booking-unknown")
    assert_problem(await reads.get("/api/libraries/L1/stats", headers=STELLA), 403, "not-your-library")
    position = await log.append(invited("stella"), hired("stella"))
    now = await ask(reads, "/api/bookings", position, STELLA)
    assert [row["id"] for row in now["rows"]] == ["B3", "B2", "B1"]
    page = await ask(reads, "/api/bookings", headers=STELLA, limit=2)
    rest = await ask(reads, "/api/bookings", headers=STELLA, limit=2, cursor=page["next"])
    assert [row["id"] for row in (*page["rows"], *rest["rows"])] == ["B3", "B2", "B1"]
    assert (await ask(reads, "/api/bookings/B1", headers=STELLA))["userId"] == "student"
    assert (await ask(reads, "/api/bookings/stats", headers=STELLA))["total"] == 3
    assert (await ask(reads, "/api/libraries/L1/stats", position, STELLA))["seats"] == 0
    affected = {"start": NINE.isoformat(), "end": (NINE + HOUR).isoformat()}
    await ask(reads, "/api/libraries/L1/affected", position, STELLA, **affected)
    # The role of the token says as what one asks.
    as_student = await ask(reads, "/api/bookings", headers=bearer("stella"))
    assert [row["id"] for row in as_student["rows"]] == ["B3"]
    after = await ask(reads, "/api/bookings", await log.append(let_go("stella")), STELLA)
    assert [row["id"] for row in after["rows"]] == ["B3"]
    assert_problem(await reads.get("/api/libraries/L1/stats", headers=STELLA), 403, "not-your-library")


async def test_a_library_tells_its_staff_who_works_there_and_its_owner_who_is_invited(
    log: Log, reads: httpx.AsyncClient
) -> None:
    known(log, ("stella", "stella@example.org", "Stella"))
    written_to(log, "I3", "new@example.org")
    past = datetime.now(UTC) - timedelta(hours=1)
    position = await log.append(
        *(opened(), invited("stella", "I1"), hired("stella", invitation_id="I1"), invited("tom", "I2")),
        *(invited(None, "I3"), invited("late", "I4", until=past), hired("umar", invitation_id="I5")),
    )
    told = await ask(reads, PATH, position, OWNER)
    assert [(row["userId"], row["name"]) for row in told["rows"]] == [("stella", "Stella"), ("umar", None)]
    pending = [(row["id"], row["userId"], row["email"]) for row in told["invitations"]]
    assert sorted(pending) == [("I2", "tom", None), ("I3", None, "new@example.org")]
    to_staff = await ask(reads, PATH, position, STELLA)
    assert (to_staff["rows"], to_staff["invitations"]) == (told["rows"], [])
    for other in (RIVAL, bearer("stella"), bearer("tom", "staff"), bearer("root", "admin")):
        assert_problem(await reads.get(PATH, headers=other), 403, "not-your-library")
    assert_problem(await reads.get("/api/libraries/L9/staff", headers=OWNER), 404, "library-unknown")


async def test_the_staff_list_has_an_etag_that_changes_with_it_alone(
    log: Log, reads: httpx.AsyncClient
) -> None:
    position = await log.append(opened(), hired("stella"))
    await ask(reads, PATH, position, OWNER)
    etag = (await reads.get(PATH, headers=OWNER)).headers["ETag"]
    await ask(reads, PATH, await log.append(opened("L2", "rival")), OWNER)
    same = await reads.get(PATH, headers=OWNER | {"If-None-Match": etag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    assert same.headers["StudySpot-Position"] == str(log.store.head().position)
    await ask(reads, PATH, await log.append(let_go("stella")), OWNER)
    changed = await reads.get(PATH, headers=OWNER | {"If-None-Match": etag})
    assert (changed.status_code, changed.json()["rows"]) == (200, [])


async def test_one_finds_the_invitations_that_one_may_accept(log: Log, reads: httpx.AsyncClient) -> None:
    known(log, ("anna", "anna@example.org", "Anna"), ("ben", "ben@example.org", "Ben"))
    written_to(log, "I2", "anna@example.org")
    past = datetime.now(UTC) - timedelta(hours=1)
    await log.append(opened("L1"), opened("L2", "rival"), opened("L3", "third"))
    position = await log.append(
        *(invited("anna", "I1", "L1"), invited(None, "I2", "L2"), invited("anna", "I3", "L3", until=past)),
        invited("ben", "I4", "L1"),
    )
    found = await ask(reads, "/api/invitations", position, bearer("anna"))
    # Those of one moment come in no order.
    assert {(row["id"], row["libraryId"], row["libraryName"]) for row in found["rows"]} == {
        ("I1", "L1", "Library L1"),
        ("I2", "L2", "Library L2"),
    }
    assert [row["id"] for row in (await ask(reads, "/api/invitations", headers=bearer("ben")))["rows"]] == [
        "I4"
    ]
    position = await log.append(hired("anna", "L1", "I1"))
    left = await ask(reads, "/api/invitations", position, bearer("anna", "staff"))
    assert [row["id"] for row in left["rows"]] == ["I2"]
    assert (await ask(reads, "/api/invitations", headers=bearer("nobody")))["rows"] == []


async def test_who_runs_libraries_finds_theirs_among_all(log: Log, reads: httpx.AsyncClient) -> None:
    await log.append(opened("L1"), opened("L2", "rival"), opened("L3"), opened("L4"))
    await log.append(LibraryDeleted(library_id="L4"), hired("stella", "L2"), hired("stella", "L3", "I2"))
    position = await log.append(let_go("stella", "L2"))

    async def found(headers: dict[str, str], **filters: object) -> list[str]:
        rows = (await ask(reads, "/api/libraries", position, headers, **filters))["rows"]
        return [row["id"] for row in rows]

    assert await found({}) == ["L1", "L2", "L3"]
    assert await found(OWNER, mine=True) == ["L1", "L3"]
    assert await found(OWNER, mine=True, q="library l3") == ["L3"]
    assert await found(STELLA, mine=True) == ["L3"]
    for other in (bearer("stella"), bearer("owner", "staff"), bearer("owner"), bearer("root", "admin")):
        assert await found(other, mine=True) == []
    assert_problem(await reads.get("/api/libraries", params={"mine": True}), 401, "unauthenticated")
