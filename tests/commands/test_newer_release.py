"""A newer release writes while this one still answers."""

import httpx

from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent
from tests.commands.conftest import bearer
from tests.commands.test_http import OWNER, a_library, assert_problem, booking

NEWER = b'{"v":99,"time":"2026-12-01T09:00:00Z","commandid":"c1","actor":null,"traceparent":null,"data":{}}'


async def test_a_decision_that_needs_an_event_of_a_newer_release_is_put_off(
    api: httpx.AsyncClient, database_url: str
) -> None:
    library, (seat, _) = await a_library(api)
    with EventStore(database_url) as store:
        store.append([NewEvent("seat.availability-changed", NEWER, (f"seat:{seat}", f"library:{library}"))])
    answer = await api.post("/api/bookings", json=booking(library, seat), headers=bearer("s1"))
    problem = assert_problem(answer, 503, "unavailable")
    assert "newer release" in problem["detail"]
    assert answer.headers["Retry-After"]
    assert (await api.post("/api/libraries", json=LIBRARY, headers=OWNER)).status_code == 201


LIBRARY = {"name": "Another", "city": "Pune", "timeZone": "Asia/Kolkata"}
