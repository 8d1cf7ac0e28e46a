"""Rooms that are given while others are still being brought: they come in an order of their own."""

from collections.abc import Iterator

import pytest

from studyspot.client.items import Event
from studyspot.client.session import Session
from studyspot.wire.frames import CaughtUp, Connected, EventFrame, Heartbeat, Joined, RoomAnswer, ServerFrame
from tests.client.clocks import NOON
from tests.client.model_server import AUTOMATIC

STAFF = "library:L1:staff"


@pytest.fixture
def session() -> Session:
    """At 100, and let into a staff room since; then the replay of all other rooms ends, without it."""
    session = Session()
    connected = Connected(
        id=1,
        session="x",
        epoch="k1",
        head=100,
        user="s1",
        role="student",
        expires_in=900,
        server_now=NOON,
        heartbeat=25,
        rooms=(),
        resume="live",
    )
    given = Joined(id=None, rooms=(RoomAnswer(room=STAFF, joined=True),), resume="live")
    assert not list(received(session, connected, given, CaughtUp(position=130, rooms=AUTOMATIC)))
    return session


def received(session: Session, *frames: ServerFrame) -> Iterator[int]:
    for frame in frames:
        for item in session.receive(frame):
            assert isinstance(item, Event)
            yield item.position


def of_staff(position: int) -> EventFrame:
    event = {
        "id": f"k1-{position}",
        "type": "studyspot.booking.created.v1",
        "time": NOON.isoformat(),
        "sequence": str(position),
        "data": {"bookingId": f"B{position}"},
    }
    return EventFrame(name="booking:created", position=position, rooms=(STAFF,), event=event)


def test_what_such_a_room_brings_later_is_handed_over(session: Session) -> None:
    assert list(received(session, of_staff(120), of_staff(140))) == [120, 140]


def test_the_next_connection_resumes_from_where_such_a_room_is(session: Session) -> None:
    for frame, resumes_from in (
        (of_staff(120), 120),
        (Heartbeat(position=135, server_now=NOON), 135),
    ):
        list(received(session, frame))
        assert session.since is not None
        assert session.since.position == resumes_from
