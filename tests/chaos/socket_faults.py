"""Faults of sockets and their clients, each planted alone into the recorded day."""

from collections.abc import Callable
from typing import Any

import orjson

from studyspot.checker.judge import Evidence
from studyspot.checker.passages import Delivery, Passage, Socket
from studyspot.checker.records import Record
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day

Plant = Callable[[Evidence], None]
STUDENT, OWNER, OTHER = 0, 1, 2


def event_at(socket: Socket, position: int) -> int:
    """Return where in the last connection the event came."""
    passages = socket.connections[-1].passages
    (index,) = (
        index
        for index, passage in enumerate(passages)
        if passage.frame["type"] == "event" and passage.frame["position"] == position
    )
    return index


def with_frame(who: int, position: int, change: Callable[[dict[str, Any]], None]) -> Plant:
    """Plant a change of the frame that the socket got for this position."""

    def plant(evidence: Evidence) -> None:
        socket = evidence.sockets[who]
        index = event_at(socket, position)
        frame = orjson.loads(orjson.dumps(dict(socket.connections[-1].passages[index].frame)))
        change(frame)
        socket.connections[-1].passages[index] = Passage(False, frame)

    return plant


def drop_frame(evidence: Evidence) -> None:
    socket = evidence.sockets[STUDENT]
    del socket.connections[-1].passages[event_at(socket, 12)]


def drop_last_frame_and_heartbeat(evidence: Evidence) -> None:
    socket = evidence.sockets[STUDENT]
    del socket.connections[-1].passages[event_at(socket, 15) :]


def repeat_frame(evidence: Evidence) -> None:
    socket = evidence.sockets[STUDENT]
    index = event_at(socket, 12)
    socket.connections[-1].passages.insert(index, socket.connections[-1].passages[index])


def swap_frames(evidence: Evidence) -> None:
    passages = evidence.sockets[STUDENT].connections[-1].passages
    first, second = (event_at(evidence.sockets[STUDENT], position) for position in (12, 13))
    passages[first], passages[second] = passages[second], passages[first]


def resume_too_late(evidence: Evidence) -> None:
    socket = evidence.sockets[STUDENT]
    connection = socket.connections[0]
    del connection.passages[-1]
    connect = dict(socket.connections[1].passages[0].frame)
    connect["since"] = {"epoch": day.EPOCH, "position": 8}
    socket.connections[1].passages[0] = Passage(True, connect)
    del socket.connections[1].passages[event_at(socket, 8)]


def frame_of_a_foreign_room(evidence: Evidence) -> None:
    """Another student's booking, as its student sees it."""
    records = list(evidence.records)
    passages = evidence.sockets[STUDENT].connections[-1].passages
    index = event_at(evidence.sockets[STUDENT], 10)
    passages[index - 1] = Passage(False, day.frame(records[8], ["user:s2"]))


def let_into_a_foreign_room(evidence: Evidence) -> None:
    socket = evidence.sockets[OTHER]
    answer = {"room": "library:L1:staff", "joined": True}
    socket.connections[-1].passages.append(
        Passage(False, {"type": "joined", "id": None, "rooms": [answer], "resume": "live"})
    )


def taken_for_another(evidence: Evidence) -> None:
    socket = evidence.sockets[OTHER]
    connected = dict(socket.connections[-1].passages[1].frame)
    socket.connections[-1].passages[1] = Passage(False, {**connected, "user": "s1"})


def public_actor(frame: dict[str, Any]) -> None:
    frame["event"]["actor"] = "s2"


def public_user(frame: dict[str, Any]) -> None:
    frame["event"]["data"]["userId"] = "s2"


def user_in_an_allowed_field(frame: dict[str, Any]) -> None:
    frame["event"]["data"]["occupation"] = "s2"


def other_state(frame: dict[str, Any]) -> None:
    frame["event"]["data"]["state"] = "held"


def other_id(frame: dict[str, Any]) -> None:
    frame["event"]["id"] = "k2-12"


def without_seat(frame: dict[str, Any]) -> None:
    del frame["event"]["data"]["seatId"]


def unknown_position(frame: dict[str, Any]) -> None:
    frame["position"] = 99


def heartbeat_beyond_the_log(evidence: Evidence) -> None:
    heartbeat = {"type": "heartbeat", "position": 16, "serverNow": day.TEN}
    evidence.sockets[STUDENT].connections[-1].passages.append(Passage(False, heartbeat))


def caught_up_without_an_event(evidence: Evidence) -> None:
    """An event of the replay is missing, and nothing but its end tells."""
    socket = evidence.sockets[OTHER]
    del socket.connections[-1].passages[event_at(socket, 9)]


def delivered_twice(evidence: Evidence) -> None:
    delivered = evidence.sockets[STUDENT].delivered
    assert delivered
    delivered.append(delivered[-1])


def delivered_out_of_order(evidence: Evidence) -> None:
    delivered = evidence.sockets[STUDENT].delivered
    assert delivered
    delivered[-2], delivered[-3] = delivered[-3], delivered[-2]


def never_delivered(evidence: Evidence) -> None:
    delivered = evidence.sockets[STUDENT].delivered
    assert delivered
    del delivered[-3]


def delivered_from_nowhere(evidence: Evidence) -> None:
    delivered = evidence.sockets[OTHER].delivered
    assert delivered is not None
    delivered.append(Delivery(14, ("library:L1",), frozenset({"seatId"})))


def after_losing_the_room(evidence: Evidence) -> None:
    """The log removes a member of staff, and a frame of that room still comes."""
    records = list(evidence.records)
    invitation = {"libraryId": "L1", "invitationId": "I1", "userId": "t1"}
    until = {"until": "2026-12-08T10:00:00Z"}
    invited, added, gone = (
        Record(position, day.EPOCH, f"staff.{verb}", day.stored(position, actor, facts))
        for position, verb, actor, facts in (
            (16, "invited", "w1", {**invitation, **until}),
            (17, "added", "t1", invitation),
            (18, "removed", "w1", {"libraryId": "L1", "userId": "t1"}),
        )
    )
    facts = day.created("B5", "S2", "s2", day.ELEVEN, "2026-12-01T12:00:00Z")
    booked = Record(19, day.EPOCH, "booking.created", day.stored(19, "s2", facts))
    evidence.records = [*records, invited, added, gone, booked]
    socket = day.recorded_socket("t1", "staff", [])
    staff = day.frame(booked, ["library:L1:staff"])
    socket.connections[-1].passages.append(Passage(False, staff))
    socket.delivered = None
    evidence.messages, evidence.answers, evidence.sockets, evidence.settled = None, [], [socket], False


SOCKET_FAULTS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (drop_frame, Kind.GAP, 12),
    (drop_last_frame_and_heartbeat, Kind.GAP, 15),
    (caught_up_without_an_event, Kind.GAP, 9),
    (resume_too_late, Kind.GAP, 8),
    (repeat_frame, Kind.TWICE, 12),
    (swap_frames, Kind.OUT_OF_ORDER, 12),
    (frame_of_a_foreign_room, Kind.LEAK, 9),
    (let_into_a_foreign_room, Kind.LEAK, None),
    (taken_for_another, Kind.LEAK, None),
    (after_losing_the_room, Kind.LEAK, 19),
    (with_frame(STUDENT, 12, public_actor), Kind.LEAK, 12),
    (with_frame(STUDENT, 12, public_user), Kind.LEAK, 12),
    (with_frame(STUDENT, 12, user_in_an_allowed_field), Kind.LEAK, 12),
    (with_frame(STUDENT, 12, other_state), Kind.ALTERED, 12),
    (with_frame(STUDENT, 12, other_id), Kind.ALTERED, 12),
    (with_frame(STUDENT, 12, without_seat), Kind.ALTERED, 12),
    (with_frame(OWNER, 12, unknown_position), Kind.ALTERED, 99),
    (heartbeat_beyond_the_log, Kind.ALTERED, 16),
    (delivered_twice, Kind.TWICE, 15),
    (delivered_out_of_order, Kind.OUT_OF_ORDER, 13),
    (never_delivered, Kind.GAP, 13),
    (delivered_from_nowhere, Kind.ALTERED, 14),
)
