"""What people were told, read by nobody else."""

import httpx

from studyspot.projections.models import notifications
from tests.projections.happenings import notice, opened
from tests.projections.poison import append_raw, failing_at
from tests.projections.queries.asking import ask, assert_problem
from tests.projections.serving import bearer, reads_of
from tests.projections.system import Log, until, working

PATH = "/api/notifications"
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


async def test_a_notice_that_is_parked_is_told_to_its_person_alone(log: Log) -> None:
    await log.append(notice("N1", "anna"), notice("N2", "anna"), notice("N3", "ben"))
    async with working(log, failing_at(notifications.PROJECTION, 2)):
        await until(lambda: log.position("notifications") == 3)
        async with reads_of(log) as client:
            answer = await client.get(PATH, headers=ANNA)
            assert [row["id"] for row in answer.json()["rows"]] == ["N1"]
            assert (answer.json()["parked"], answer.headers["StudySpot-Parked"]) == (True, "true")
            assert "parked" not in (await client.get(PATH, headers=BEN)).json()
            # One that cannot be read may be anybody's.
            await append_raw(log, "notification.sent", b'{"v":1,"data":{"notificationId":"N4"}}')
            await until(lambda: log.position("notifications") == 4)
            assert (await client.get(PATH, headers=BEN)).json()["parked"] is True
