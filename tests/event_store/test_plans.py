"""How the database looks for what matches. It decides that once, perhaps while the log is still short."""

import re

import pytest

from studyspot.event_store.connections import read_pool
from studyspot.event_store.criteria import Groups, matching_positions
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from tests.event_store.steps import booked, fresh_tag

OCCUPYING = tuple(f"booking.{kind}" for kind in "abcdefghijk")
"""As many types as a decision about a seat's day reads."""


@pytest.mark.parametrize("length", [0, 100, 300, 400, 800])
def test_it_looks_up_tags_however_short_the_log_is(empty_store: EventStore, length: int) -> None:
    for start in range(0, length, 100):
        empty_store.append([booked(f"seat:{start + seat}", fresh_tag()) for seat in range(100)])
    conditions = _index_conditions(
        empty_store, [Criterion(OCCUPYING, ("a",)), Criterion(OCCUPYING[:4], ("b", "c"))]
    )
    assert conditions
    assert [condition for condition in conditions if "tag = " not in condition] == []


def _index_conditions(store: EventStore, criteria: list[Criterion]) -> list[str]:
    """Return what the index of tags would be asked for, in a read that is planned now."""
    groups = Groups()
    groups.add(criteria)
    names = [*groups.parameters(), "until"]
    statement = matching_positions(groups.shapes, limited=False)
    statement = re.sub(r"%\((\w+)\)b", lambda match: f"${names.index(match[1]) + 1}", statement)
    with read_pool(store.database_url, 1) as pool, pool.connection() as connection:
        # As text: what is explained takes no parameters.
        found = connection.pgconn.exec_(f"EXPLAIN (GENERIC_PLAN) {statement}".encode())
        lines = [(found.get_value(row, 0) or b"").decode() for row in range(found.ntuples)]
    return [line for line in lines if "Index Cond" in line]
