"""Changes on the condition that nobody has changed what was read (ETag, If-Match)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from studyspot.projections.models.registry import named
from tests.commands.hall import Hall, Person, a_hall
from tests.projections.system import a_log, working


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    """A hall whose reads are kept up."""
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(a_log(database_url))
        for projection in named(("libraries", "seats", "bookings")):
            await stack.enter_async_context(working(log, projection))
        yield await stack.enter_async_context(a_hall(database_url))


async def read(person: Person, http: httpx.AsyncClient, path: str, at_least: int) -> httpx.Response:
    answer = await http.get(path, headers=person.headers | {"StudySpot-Min-Position": str(at_least)})
    assert answer.status_code == 200, answer.text
    return answer


async def changed(
    hall: Hall, person: Person, method: str, path: str, body: Any, if_match: str
) -> tuple[int, Any]:
    answer = await hall.http.request(method, path, json=body, headers=person.headers | {"If-Match": if_match})
    told = answer.json()
    if answer.status_code == 412:
        assert told["type"] == "/problems/changed-since"
        assert int(answer.headers["StudySpot-Position"]) > 0
    return answer.status_code, told


async def test_a_library_that_somebody_has_changed_since_is_left_as_it_is(hall: Hall) -> None:
    position = (await hall.owner.does("PATCH", hall.path, {"name": "Lakshmi"}))["position"]
    etag = (await read(hall.owner, hall.http, hall.path, position)).headers["ETag"]
    # What happens in the library is no change of it.
    await hall.books(hall.person())
    status, told = await changed(hall, hall.owner, "PATCH", hall.path, {"name": "Durga"}, etag)
    assert (status, told["name"]) == (200, "Durga")
    for path, body in (
        (hall.path, {"name": "Parvati"}),
        (f"{hall.path}/pricing", {"plans": [{"id": "h", "unit": "hour", "amountMinor": 100}]}),
        (f"{hall.path}/hours", {"hours": [{"day": "monday", "opens": "08:00", "closes": "20:00"}]}),
        (f"{hall.path}/rules", {"preset": "leeds"}),
    ):
        method = "PATCH" if path == hall.path else "PUT"
        assert (await changed(hall, hall.owner, method, path, body, etag))[0] == 412
    fresh = await read(hall.owner, hall.http, hall.path, told["position"])
    assert (fresh.json()["name"], fresh.json()["priceVersion"]) == ("Durga", None)
    known = await hall.http.get(hall.path, headers={"If-None-Match": fresh.headers["ETag"]})
    assert known.status_code == 304
    status, _ = await changed(
        hall, hall.owner, "PATCH", hall.path, {"name": "Parvati"}, fresh.headers["ETag"]
    )
    assert status == 200


async def test_a_tag_that_no_version_has_matches_nothing_and_a_star_matches_any(hall: Hall) -> None:
    position = (await hall.owner.does("PATCH", hall.path, {"name": "Lakshmi"}))["position"]
    etag = (await read(hall.owner, hall.http, hall.path, position)).headers["ETag"]
    _, epoch, *_ = etag.replace("-", '"').split('"')
    wrong = ('"abc"', "nonsense", f'W/"{epoch}-999999"', f'W/"other-{position}"', f'W/"{epoch}-1"')
    for tag in wrong:
        assert (await changed(hall, hall.owner, "PATCH", hall.path, {"name": "No"}, tag))[0] == 412
    for tag in (f'W/"{epoch}-1", {etag}', "*"):
        assert (await changed(hall, hall.owner, "PATCH", hall.path, {"name": f"For {tag[0]}"}, tag))[0] == 200
    # Whom it does not concern is told that, and not what has happened meanwhile.
    rival = hall.person("rival", "library_owner")
    status, told = await changed(hall, rival, "PATCH", hall.path, {"name": "Mine"}, '"abc"')
    assert (status, told["type"]) == (403, "/problems/not-your-library")


async def test_a_seat_is_changed_as_it_was_on_the_map(hall: Hall) -> None:
    added = (await hall.owner.does("PATCH", f"{hall.path}/seats/{hall.seats[1]}", {"zone": "ac"}))["position"]
    path = f"{hall.path}/seats?start={hall.at(0)}&end={hall.at(1)}"
    seat_map = (await read(hall.owner, hall.http, path, added)).json()
    tag = f'W/"{seat_map["epoch"]}-{seat_map["position"]}"'
    seat = f"{hall.path}/seats/{hall.seats[0]}"
    await hall.books(hall.person())
    assert (await changed(hall, hall.owner, "PATCH", seat, {"label": "B0"}, tag))[0] == 200
    assert (await changed(hall, hall.owner, "PATCH", seat, {"label": "C0"}, tag))[0] == 412
    other = f"{hall.path}/seats/{hall.seats[1]}"
    assert (await changed(hall, hall.owner, "PATCH", other, {"label": "B1"}, tag))[0] == 200


async def test_a_booking_is_moved_only_as_it_was_read(hall: Hall) -> None:
    anna = hall.person("anna")
    booking = await hall.books(anna)
    path = f"/api/bookings/{booking['id']}"
    first = await read(anna, hall.http, path, booking["position"])
    etag = first.headers["ETag"]
    known = await hall.http.get(path, headers=anna.headers | {"If-None-Match": etag})
    assert (known.status_code, known.headers["ETag"]) == (304, etag)
    moved = {"start": hall.at(6), "end": hall.at(8)}
    status, told = await changed(hall, anna, "PATCH", path, moved, etag)
    assert status == 200
    back = {"start": hall.at(2), "end": hall.at(4)}
    assert (await changed(hall, anna, "PATCH", path, back, etag))[0] == 412
    second = await read(anna, hall.http, path, told["position"])
    assert second.headers["ETag"] != etag
    assert (await changed(hall, anna, "PATCH", path, back, second.headers["ETag"]))[0] == 200


async def test_of_many_who_change_what_they_all_read_one_does(hall: Hall) -> None:
    position = (await hall.owner.does("PATCH", hall.path, {"name": "Lakshmi"}))["position"]
    etag = (await read(hall.owner, hall.http, hall.path, position)).headers["ETag"]
    attempts = [changed(hall, hall.owner, "PATCH", hall.path, {"name": f"Name {n}"}, etag) for n in range(8)]
    statuses = [status for status, _ in await asyncio.gather(*attempts)]
    assert sorted(statuses) == [200, *[412] * 7]
