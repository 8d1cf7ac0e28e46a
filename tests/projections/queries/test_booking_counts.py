"""How many bookings there are, told to those whose they are."""

import httpx

from tests.projections.happenings import (
    booked,
    cancelled,
    checked_in,
    completed,
    missed,
    opened,
    revoked,
)
from tests.projections.queries.asking import ask, assert_problem
from tests.projections.serving import bearer
from tests.projections.system import Log

PATH = "/api/bookings/stats"
NONE = {"confirmed": 0, "checked-in": 0, "completed": 0, "cancelled": 0, "no-show": 0, "revoked": 0}


async def test_each_counts_their_own_and_owners_those_of_their_libraries(
    log: Log, reads: httpx.AsyncClient
) -> None:
    anna = [booked(f"A{number}", user_id="anna") for number in range(6)]
    elsewhere = booked("A9", user_id="anna", library_id="L2")
    await log.append(opened("L1", "owner"), opened("L2", "rival"), *anna, elsewhere, booked("B1"))
    position = await log.append(
        *(cancelled(anna[0]), checked_in(anna[1]), checked_in(anna[2]), completed(anna[2])),
        *(missed(anna[3]), revoked(anna[4])),
    )
    own = await ask(reads, PATH, position, bearer("anna"))
    each = dict.fromkeys(NONE, 1)
    assert (own["total"], own["byStatus"]) == (7, each | {"confirmed": 2})
    theirs = await ask(reads, PATH, position, bearer("owner", "library_owner"))
    assert (theirs["total"], theirs["byStatus"]) == (7, each | {"confirmed": 2})
    rival = await ask(reads, PATH, position, bearer("rival", "library_owner"))
    assert (rival["total"], rival["byStatus"]) == (1, NONE | {"confirmed": 1})
    without_library = await ask(reads, PATH, position, bearer("anna", "library_owner"))
    assert without_library["byStatus"] == own["byStatus"], "her own are hers, whatever her role is"
    for nobody in (bearer("nobody"), bearer("owner")):
        assert (await ask(reads, PATH, position, nobody))["byStatus"] == NONE
    assert_problem(await reads.get(PATH), 401, "unauthenticated")
