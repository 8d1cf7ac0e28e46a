"""What cannot be applied does not end a rebuild: it is parked, as the worker parks it."""

from typing import Any

import orjson

from studyspot.projections.models import bookings
from tests.projections.poison import overwrite
from tests.projections.rebuild.steps import all_rows, current, rebuild, verifying
from tests.projections.system import Log, until, working


def created(log: Log, which: int) -> tuple[int, dict[str, Any]]:
    """The position and the stored data of some booking's first event."""
    [(position, data)] = log.rows(
        "SELECT position, data FROM store.events WHERE type = 'booking.created'"
        " ORDER BY position LIMIT 1 OFFSET %s",
        which,
    )
    return position, orjson.loads(data)


def spoil(log: Log) -> tuple[set[str], set[int]]:
    """Make one booking unreadable, and another one's row unwritable; return their keys and positions."""
    unreadable, stored = created(log, 20)
    keys = {stored["data"]["bookingId"]}
    del stored["data"]["start"]
    overwrite(log, unreadable, orjson.dumps(stored))

    refused, stored = created(log, 40)
    keys.add(stored["data"]["bookingId"])
    overwrite(log, refused, orjson.dumps(stored).replace(b'"amountMinor":', b'"amountMinor":9' + b"9" * 30))
    positions = log.rows(
        "SELECT DISTINCT position FROM store.event_tags WHERE tag = ANY(%s)",
        [f"booking:{key}" for key in keys],
    )
    return keys, {position for (position,) in positions}


async def test_a_rebuild_parks_what_a_worker_parks_and_copies_all_else(history: Log) -> None:
    keys, positions = spoil(history)
    head = history.store.head().position
    async with working(history, bookings.PROJECTION) as worker:
        await until(lambda: worker.position == head, limit=60)
    kept_up = current(history, bookings.PROJECTION)

    rebuilt = await rebuild(history, bookings.PROJECTION, workers=2)

    parked = "SELECT position, key, library_id, user_id, reason FROM read.parked WHERE number = %s ORDER BY 1"
    by_worker, by_rebuild = history.rows(parked, kept_up.number), history.rows(parked, rebuilt.build.number)
    assert {row[0] for row in by_rebuild} == positions
    assert {row[1] for row in by_rebuild} == keys
    assert [row[:4] for row in by_rebuild] == [row[:4] for row in by_worker]
    # Of each key, the first event has a reason, and the others only follow.
    assert [row[4] is None for row in by_rebuild] == [row[4] is None for row in by_worker]
    assert all_rows(history, bookings.PROJECTION, rebuilt.build) == all_rows(
        history, bookings.PROJECTION, kept_up
    )

    verified = await verifying(history, bookings.PROJECTION)
    assert (verified.difference, verified.parked) == (None, len(keys))
