"""The load generator: what a crowd receives is kept whole, and what is wrong with it is seen."""

import orjson
import pytest
from benchmarks.sockets.checks import Expected
from benchmarks.sockets.crowd import crowd
from benchmarks.sockets.dialects import NatsListener, Plain, SocketIo, StudySpot
from benchmarks.sockets.events import bookings
from benchmarks.sockets.frames import TEXT, client_frame, frame_at, payloads, whole_frames
from benchmarks.sockets.python_server import BROADCAST, LOOP, python_server
from websockets.frames import Frame, Opcode

EVENTS = [happening.shown for happening in bookings(["L1"], after=4, count=3, epoch="e", seed=1)]


def frame(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_are_read(size: int) -> None:
    data = frame(b"x" * size)
    assert list(payloads(data * 2)) == [(TEXT, b"x" * size)] * 2
    assert frame_at(data, 0, len(data) - 1) is None
    assert whole_frames(data + data[:-1]) == data
    with pytest.raises(ValueError, match="cut off"):
        list(payloads(data + b"\x81"))


def test_a_clients_frame_is_masked() -> None:
    assert client_frame(b"hello")[:2] == b"\x81\x85"
    assert client_frame(b"x" * 200)[:4] == b"\x81\xfe\x00\xc8"


def test_bookings_are_the_same_for_a_seed_and_about_300_bytes() -> None:
    assert [one.shown for one in bookings(["L1"], after=4, count=3, epoch="e", seed=1)] == EVENTS
    assert [orjson.loads(event)["position"] for event in EVENTS] == [5, 6, 7]
    assert all(300 < len(event) < 400 for event in EVENTS)


def test_each_dialect_finds_the_events_among_other_messages() -> None:
    plain = [(TEXT, event) for event in EVENTS]
    assert list(Plain(greeting=b"hello").events([(TEXT, b"hello"), *plain])) == EVENTS
    assert list(StudySpot().events([(TEXT, b'{"type":"heartbeat"}'), *plain])) == EVENTS
    packets = [(TEXT, b'42["seat:availability",' + event + b"]") for event in EVENTS]
    assert list(SocketIo().events([(TEXT, b"2"), *packets])) == EVENTS
    stream = b"PING\r\n" + b"".join(b"MSG room 1 %d\r\n%s\r\n" % (len(event), event) for event in EVENTS)
    # Its messages begin and end anywhere in its frames.
    assert list(NatsListener().events([(2, stream[:50]), (2, stream[50:])])) == EVENTS


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (EVENTS, None),
        ([b'{"type":"heartbeat"}', *EVENTS], None),
        (EVENTS[:2], "2 events instead of 3"),
        ([*EVENTS, EVENTS[2]], "4 events instead of 3"),
        ([EVENTS[1], EVENTS[0], EVENTS[2]], "event 1 is"),
        ([EVENTS[0], EVENTS[1], EVENTS[2].replace(b"booked", b"boiled")], "event 3 is"),
    ],
)
def test_what_is_missing_repeated_out_of_order_or_changed_is_seen(
    received: list[bytes], said: str | None
) -> None:
    expected = Expected(StudySpot(), EVENTS)
    assert expected.wrong([b"".join(map(frame, EVENTS))]) is None
    wrong = expected.wrong([b"".join(map(frame, received))])
    assert wrong == said if said is None else said in str(wrong)


def test_a_socket_may_have_its_events_over_two_connections() -> None:
    expected = Expected(StudySpot(), EVENTS)
    assert expected.wrong([frame(EVENTS[0]), frame(EVENTS[1]) + frame(EVENTS[2])]) is None
    assert expected.wrong([frame(EVENTS[0]), frame(EVENTS[2])]) == "2 events instead of 3"


def test_a_crowd_receives_what_a_server_sends() -> None:
    with crowd() as people, python_server(LOOP, EVENTS) as server:
        people.open(server.dialect, server.port, [server.dialect.opening("", ())] * 120)
        people.forget()
        people.expect(b'"position":7,')
        assert server.prepare("L1", 3) == EVENTS
        server.publish()
        people.wait(limit=5)
        assert people.wrongs(server.dialect, EVENTS) == []
        assert len(people.wrongs(server.dialect, EVENTS[:2])) == 120
        people.drop()


def test_a_socket_that_lacks_what_it_waits_for_is_told() -> None:
    with crowd() as people, python_server(BROADCAST, EVENTS) as server:
        people.open(server.dialect, server.port, [server.dialect.opening("", ())] * 2)
        people.expect(b"never")
        with pytest.raises(TimeoutError, match="2 of 2 sockets"):
            people.wait(limit=0.1)
