"""What people were told, read by nobody else."""

from dataclasses import replace

import httpx
import psycopg

from studyspot.domain.events import AnnouncementMade, NotificationRead
from studyspot.projections.models import notifications
from tests.projections.happenings import HOUR, NINE, joined, notice, offered, opened
from tests.projections.poison import append_raw, failing_at
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer, reads_of
from tests.projections.system import Log, until, working

PATH = "/api/notifications"
ANNOUNCEMENTS = "/api/announcements"
ANNA, BEN = bearer("anna"), bearer("ben")


async def test_each_reads_what_they_were_told_newest_first(log: Log, reads: httpx.AsyncClient) -> None:
    # Ids say nothing of the order.
    position = await log.append(
        *(notice("N9", "anna", seatLabel="A1", count=2, late=True, why=None), notice("N5", "ben")),
        *(notice("N1", "anna"), opened()),
    )
    told = await ask(reads, PATH, position, ANNA)
    assert [row["id"] for row in told["rows"]] == ["N1", "N9"]
    oldest = told["rows"][1]
    assert oldest.pop("sentAt").endswith("Z")
    assert oldest == {
        "id": "N9",
        "libraryId": "L1",
        "kind": "booking-revoked",
        "parameters": {"seatLabel": "A1", "count": 2, "late": True, "why": None},
        "text": None,
        "deleted": False,
        "readAt": None,
    }
    assert told["next"] is None
    assert told["serverNow"].endswith("Z")
    assert [row["id"] for row in (await ask(reads, PATH, position, BEN))["rows"]] == ["N5"]
    for other in (bearer("carl"), bearer("root", "admin"), bearer("owner", "library_owner")):
        assert (await ask(reads, PATH, position, other))["rows"] == []
    assert_problem(await reads.get(PATH), 401, "unauthenticated")


async def test_pages_hold_while_more_is_told(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(*(notice(f"N{number}", "anna") for number in range(5)))
    first = await ask(reads, PATH, position, ANNA, limit=2)
    assert [row["id"] for row in first["rows"]] == ["N4", "N3"]
    newer = await log.append(notice("N7", "anna"))
    second = await ask(reads, PATH, newer, ANNA, limit=2, cursor=first["next"])
    assert [row["id"] for row in second["rows"]] == ["N2", "N1"]
    last = await ask(reads, PATH, newer, ANNA, limit=2, cursor=second["next"])
    assert ([row["id"] for row in last["rows"]], last["next"]) == (["N0"], None)
    for wrong in ("x", "WyJ4Il0", "WyItMSJd", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OSJd", "WyIxIiwiMiJd"):
        answer = await reads.get(PATH, params={"cursor": wrong}, headers=ANNA)
        assert_problem(answer, 422, "invalid-request")


async def test_what_is_unread_is_counted_and_asked_for(log: Log, reads: httpx.AsyncClient) -> None:
    read = NotificationRead(notification_id="N1", user_id="anna")
    entry = joined("E1", "anna", NINE)
    position = await log.append(
        *(notice("N0", "anna"), notice("N1", "anna"), notice("N2", "ben"), entry),
        *(offered(entry, NINE + HOUR, hold_id="H1"), read),
    )
    told = await ask(reads, PATH, position, ANNA)
    marked = [(row["id"], row["readAt"] is not None) for row in told["rows"]]
    assert (marked, told["unread"]) == ([("H1", False), ("N1", True), ("N0", False)], 2)
    offer = told["rows"][0]
    assert (offer["kind"], offer["libraryId"]) == ("waitlist-offered", "L1")
    assert offer["parameters"] == {
        "entryId": "E1",
        "holdId": "H1",
        "seatId": "S1",
        "start": text(NINE),
        "end": text(NINE + HOUR),
        "until": text(NINE + HOUR),
    }
    unread = await ask(reads, PATH, position, ANNA, unread=True, limit=1)
    assert [row["id"] for row in unread["rows"]] == ["H1"]
    rest = await ask(reads, PATH, position, ANNA, unread=True, limit=1, cursor=unread["next"])
    assert ([row["id"] for row in rest["rows"]], rest["next"], rest["unread"]) == (["N0"], None, 2)
    position = await log.append(NotificationRead(notification_id="H1", user_id="anna"))
    assert (await ask(reads, PATH, position, ANNA))["unread"] == 1
    nothing = await ask(reads, PATH, position, bearer("carl"))
    assert (nothing["rows"], nothing["unread"]) == ([], 0)


async def test_the_text_of_a_personal_notice_is_told_until_it_is_deleted(
    log: Log, reads: httpx.AsyncClient
) -> None:
    personal = replace(notice("N1", "anna"), kind="personal", text_id="T1")
    position = await log.append(personal, notice("N2", "anna"))
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO private.texts (id, text, about) VALUES ('T1', 'Hello', 'anna')")
        rows = (await ask(reads, PATH, position, ANNA))["rows"]
        assert [(row["text"], row["deleted"]) for row in rows] == [(None, False), ("Hello", False)]
        connection.execute("DELETE FROM private.texts")
    rows = (await ask(reads, PATH, position, ANNA))["rows"]
    assert [(row["text"], row["deleted"]) for row in rows] == [(None, False), (None, True)]


async def test_announcements_are_told_to_everyone_newest_first(log: Log, reads: httpx.AsyncClient) -> None:
    made = [AnnouncementMade(announcement_id=f"A{n}", title=f"Title {n}", text="Text") for n in range(3)]
    position = await log.append(made[0], made[1])
    first = await ask(reads, ANNOUNCEMENTS, position, ANNA, limit=1)
    assert [(row["id"], row["title"], row["text"]) for row in first["rows"]] == [("A1", "Title 1", "Text")]
    etag = (await reads.get(ANNOUNCEMENTS, headers=BEN)).headers["ETag"]
    position = await log.append(made[2])
    rest = await ask(reads, ANNOUNCEMENTS, position, ANNA, limit=1, cursor=first["next"])
    assert ([row["id"] for row in rest["rows"]], rest["next"]) == (["A0"], None)
    position = await log.append(notice("N1", "anna"))
    changed = await reads.get(ANNOUNCEMENTS, headers=BEN | {"If-None-Match": etag})
    assert (changed.status_code, len(changed.json()["rows"])) == (200, 3)
    assert (await ask(reads, ANNOUNCEMENTS, position, BEN))["position"] == position
    etag = changed.headers["ETag"]
    assert (await reads.get(ANNOUNCEMENTS, headers=BEN | {"If-None-Match": etag})).status_code == 304
    assert_problem(await reads.get(ANNOUNCEMENTS), 401, "unauthenticated")


async def test_a_notice_that_is_parked_is_told_to_its_person_alone(log: Log) -> None:
    await log.append(notice("N1", "anna"), notice("N2", "anna"), notice("N3", "ben"))
    async with working(log, failing_at(notifications.PROJECTION, 2)):
        await until(lambda: log.readable("notifications"))
        async with reads_of(log) as client:
            answer = await client.get(PATH, headers=ANNA)
            assert [row["id"] for row in answer.json()["rows"]] == ["N1"]
            assert (answer.json()["parked"], answer.headers["StudySpot-Parked"]) == (True, "true")
            assert "parked" not in (await client.get(PATH, headers=BEN)).json()
            # One that cannot be read may be anybody's.
            await append_raw(log, "notification.sent", b'{"v":1,"data":{"notificationId":"N4"}}')
            await until(lambda: log.position("notifications") == 4)
            assert (await client.get(PATH, headers=BEN)).json()["parked"] is True
