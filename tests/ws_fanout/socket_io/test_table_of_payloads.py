"""CONTRACT's table of events, before any socket: each event, in whichever of its rooms one is."""

from datetime import UTC, datetime
from itertools import chain, combinations

import pytest

from studyspot.ws_fanout.socket_io.payloads import packets
from tests.ws_fanout.events import library_created
from tests.ws_fanout.socket_io.booking_rows import booking_rows
from tests.ws_fanout.socket_io.library_rows import library_rows
from tests.ws_fanout.socket_io.notice_rows import notice_rows
from tests.ws_fanout.socket_io.rows import Row, told_by_packets
from tests.ws_fanout.socket_io.seat_rows import seat_rows
from tests.ws_fanout.socket_io.stage import Stage
from tests.ws_fanout.socket_io.told import Packet

ROWS = (*booking_rows(), *seat_rows(), *library_rows(), *notice_rows())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_whatever_rooms_a_socket_is_in_it_is_told_what_the_table_says(row: Row) -> None:
    now = datetime.now(UTC)
    stage = Stage(library_created())
    for before in row.before:
        stage.happen(before, time=now)
    position = stage.happen(row.event, time=now)
    event = stage.events[position]

    assert event.route.sights.keys() == row.sights.keys()
    every = chain.from_iterable(
        combinations(event.route.sights, count) for count in range(len(row.sights) + 1)
    )
    for rooms in every:
        made = packets(event, rooms, stage.scene, {"s1": "Asha"}.__getitem__, now)
        assert [Packet(name, payload) for name, payload in made] == told_by_packets(row, frozenset(rooms))
