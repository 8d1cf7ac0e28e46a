"""The benchmarks of delays, each in a short run: they measure, and find nothing wrong, and see what is."""

import asyncio
import time

import orjson
import pytest
from benchmarks.booked_socket import LIBRARIES, NAME, Booked
from benchmarks.commit_to_socket import what_is_wrong
from benchmarks.fanout_mixed import skewed_load
from benchmarks.frame import Report
from benchmarks.sockets.crowd import crowd
from benchmarks.sockets.dialects import Plain
from benchmarks.sockets.events import bookings
from benchmarks.sockets.python_server import LOOP, python_server
from benchmarks.sockets.stamped import event_ends
from benchmarks.sockets.steady import Load, SteadyTurns, hand_over_evenly
from websockets.frames import Frame, Opcode

from benchmarks import commit_to_socket, fanout_mixed, fanout_paced
from studyspot.console.temporary_system import temporary_system

EVENTS = [happening.shown for happening in bookings(["L1"] * 4, after=0, count=4, epoch="e", seed=1)]


def wrong(report: Report) -> list[str]:
    """What failed, but the musts about speed: the figures of so short a run mean nothing."""
    return [failure for failure in report.failures if "×" not in failure and "within" not in failure]


def test_a_paced_run_measures_ours_and_the_bare_loop() -> None:
    report = fanout_paced.measure(sockets=20, per_second=40, seconds=0.5, rounds=1, only=(LOOP,))
    assert wrong(report) == []
    assert set(report.ratio) == {LOOP}
    assert 0 < report.more["p50Ms"]["ours"]["median"] <= report.ours
    assert report.more["deliveries"] == 20 * 20
    assert set(report.more["shareOfAProcessor"]["ours"]) == {"server", "crowd", "publisher"}


def test_every_socket_of_a_mixed_run_has_the_events_of_its_own_library() -> None:
    report = fanout_mixed.measure(sockets=60, libraries=12, per_second=100, seconds=0.5, rounds=1, only=())
    assert wrong(report) == []
    assert report.ours > 0
    assert report.more["libraries"] > 1


def test_the_load_is_skewed_and_the_same_each_time() -> None:
    load = skewed_load(500, 50, 100, 20)
    assert load == skewed_load(500, 50, 100, 20)
    assert load.looks_at.count("L1") > 3 * load.looks_at.count("L50")
    assert Load(["L1", "L1", "L2"], ["L1", "L2", "L3", "L1"], 20).deliveries == 2 + 2 + 1


def test_events_are_handed_over_when_they_are_due() -> None:
    handed: list[int] = []
    began = time.time()
    moments = hand_over_evenly(10, 100, lambda first, end: handed.extend(range(first, end)))
    assert handed == list(range(10))
    assert all(moment - began >= number / 100 for number, moment in enumerate(moments))


def test_a_delay_ends_when_the_kernel_has_the_event_however_late_it_is_read() -> None:
    with crowd() as people, python_server(LOOP, EVENTS) as server:
        people.open(server.dialect, server.port, [server.dialect.opening("", ())] * 3, stamped=True)
        people.forget()
        people.expect(b'"position":4,')
        moments = hand_over_evenly(4, 50, server.send)
        people.wait(limit=60)
        assert people.wrongs(server.dialect, EVENTS) == []
        delays = people.delays(server.dialect, moments)
        assert len(delays) == 3 * 4
        assert all(0 < delay < 60 for delay in delays)
        # The same, a second earlier: it is the moments that count, and not when this is asked.
        earlier = people.delays(server.dialect, [moment - 1 for moment in moments])
        assert earlier == pytest.approx([delay + 1 for delay in delays], abs=1e-6)


def test_where_events_end_is_known_among_other_messages() -> None:
    frames = [Frame(Opcode.TEXT, data).serialize(mask=False) for data in (b"hello", *EVENTS)]
    data = b"".join(frames)
    ends = event_ends(Plain(greeting=b"hello"), data)
    assert len(ends) == len(EVENTS)
    assert ends[0] == len(frames[0]) + len(frames[1])
    assert ends[-1] == len(data)


def test_a_socket_that_misses_an_event_is_seen() -> None:
    load = Load(["L1"] * 3, ["L1"] * 4, 100)
    with crowd() as people, python_server(LOOP, [*EVENTS[:2], EVENTS[3], EVENTS[3]]) as server:
        turns = SteadyTurns(people, [""] * 3, load)
        server.prepare_of = lambda libraries: EVENTS[: len(libraries)]  # type: ignore[method-assign]
        turns.turn(LOOP, server)
    assert len(turns.wrongs) == 2 * 3
    assert "event 3 is" in turns.wrongs[0]


def test_what_is_wrong_with_the_bookings_of_a_socket_is_seen() -> None:
    booked = [Booked(position, f"B{position}", 0, 0, 0.0) for position in (4, 6)]

    def event(position: int, booking_id: str, name: str = NAME) -> bytes:
        return orjson.dumps(
            {"name": name, "position": position, "event": {"data": {"bookingId": booking_id}}}
        )

    assert what_is_wrong([event(4, "B4"), event(6, "B6")], booked) is None
    assert what_is_wrong([event(4, "B4"), event(6, "B6"), event(6, "B6")], booked) is not None
    assert what_is_wrong([event(6, "B6"), event(4, "B4")], booked) is not None
    assert what_is_wrong([event(4, "B4")], booked) == "1 events, not the 2 bookings in order"
    assert what_is_wrong([event(4, "B4"), event(6, "B5")], booked) == "booking:created of B5, not B6"
    assert what_is_wrong([event(4, "B4"), event(6, "B6", "booking:updated")], booked) is not None
    # As an owner of another library is shown it.
    summary = orjson.dumps({"name": NAME, "position": 6, "event": {"data": {"libraryId": "L1"}}})
    assert what_is_wrong([event(4, "B4"), summary], booked) is None


async def test_bookings_over_http_reach_students_and_owners_and_none_is_lost_over_a_cut() -> None:
    async with temporary_system() as system:
        report = await asyncio.to_thread(
            commit_to_socket.measure,
            system,
            sockets=LIBRARIES + 20,
            per_second=20,
            seconds=1,
            rounds=1,
            only=(),
        )
    assert wrong(report) == []
    assert report.more["lostAcrossReconnect"] == {"ours": [0]}
    # On a busy machine those who are told of the commit may run later than the socket has the event.
    assert report.more["p50Ms"]["ours"]["median"] <= report.ours
