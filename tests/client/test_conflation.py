"""A client that asks for conflation: it says so on every connection, and its seat maps are as exact."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.client.client import Client
from studyspot.client.items import Event as Frame
from studyspot.client.seat_map import SeatMapFold
from studyspot.domain.events import Event
from studyspot.ws_fanout.conflation import Unsent, seat_key
from tests.client.clocks import EagerClock
from tests.client.scripted_socket import ScriptedServer
from tests.client.seat_days import STEPS, SeatDays, Step
from tests.client.seat_maps import PUBLIC, frames, read_map

DAY = datetime(2026, 12, 1, tzinfo=UTC)
START, END = DAY + timedelta(hours=6), DAY + timedelta(hours=22)


async def test_it_asks_again_on_every_connection(server: ScriptedServer, clock: EagerClock) -> None:
    async with Client("http://127.0.0.1:1", server.url, "token", clock=clock, conflate=True) as client:
        client.events()
        first = await server.connection()
        assert (await first.accept(0))["conflate"] is True
        first.abort()
        assert (await (await server.connection()).accept(0))["conflate"] is True


@given(STEPS, st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_conflated_frames_fold_to_the_map_of_all_frames_and_of_the_read_model(
    steps: list[Step], data: st.DataObject
) -> None:
    log = SeatDays(steps).events
    taken_at = data.draw(st.integers(0, len(log)))
    snapshot = read_map(log[:taken_at], START, END, DAY)
    conflated, whole = SeatMapFold("L1", START, END, snapshot), SeatMapFold("L1", START, END, snapshot)

    position = taken_at
    while position < len(log):
        until = data.draw(st.integers(position + 1, len(log)))
        all_frames = frames(log[:until], PUBLIC, after=position)
        left = newest(log, all_frames)
        assert len(left) <= len(all_frames)
        assert [frame.position for frame in left] == sorted(frame.position for frame in left)
        for frame in left:
            conflated.apply(frame)
        for frame in all_frames:
            whole.apply(frame)
        position = until

        assert conflated.seat_map == whole.seat_map
        expected = {seat.id: seat for seat in read_map(log[:position], START, END, DAY).seats}
        assert conflated.seat_map.at(DAY).seats == expected


def newest(log: Sequence[Event], all_frames: Sequence[Frame]) -> list[Frame]:
    """What is left of frames that are written together."""
    unsent = Unsent()
    for frame in all_frames:
        unsent.add(b"%d" % frame.position, frame.position, seat_key(log[frame.position - 1]))
    positions = {int(number) for number in unsent.take()}
    return [frame for frame in all_frames if frame.position in positions]
