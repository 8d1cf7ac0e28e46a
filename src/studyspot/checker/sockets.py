"""The sockets: each got every event that it is entitled to, per room once and in order, and nothing else."""

from collections.abc import Iterator, Mapping, Set

from studyspot.checker.connections import ConnectionJudge
from studyspot.checker.log import Log
from studyspot.checker.passages import Frame, Socket
from studyspot.checker.progress import Progress
from studyspot.checker.rooms import Rooms
from studyspot.checker.verdict import Finding, Kind

_REVOKED = 4503


def judge_socket(
    log: Log, rooms: Rooms, socket: Socket, *, settled: bool, progress: Progress | None = None
) -> Iterator[Finding]:
    """Find every fault of this socket's connections, and of what its client made of them.

    With `settled`, a socket that is still open has got everything up to the log's head. Who is interested
    in how far the socket came hands in an empty `progress`.
    """
    progress = progress or Progress()
    for connection in socket.connections:
        judge = ConnectionJudge(log, rooms, socket, progress)
        for passage in connection.passages:
            yield from judge.judge(passage)
        if connection.close_code == _REVOKED and not rooms.rights.was_ever_shut_out(socket.user):
            yield Finding(Kind.FALSE_REFUSAL, socket.who, None, "was sent away for good, and may be here")
        is_open = connection is socket.connections[-1] and connection.close_code is None
        yield from judge.end(settled=settled and is_open)
    if socket.delivered is not None:
        yield from _judge_deliveries(socket, progress.due)


def _judge_deliveries(socket: Socket, due: Mapping[int, Set[str]]) -> Iterator[Finding]:
    left, begun_anew = _rooms_left(socket), _rooms_begun_anew(socket)
    delivered: dict[int, frozenset[str]] = {}
    points: dict[str, int] = {}
    for delivery in socket.delivered or ():
        position = delivery.position
        if delivery.fields <= delivered.get(position, frozenset()) and position in delivered:
            yield Finding(Kind.TWICE, socket.who, position, "was handed over twice")
        elif behind := [
            room for room in delivery.rooms if points.get(room, 0) >= position and room not in begun_anew
        ]:
            yield Finding(
                Kind.OUT_OF_ORDER, socket.who, position, f"handed over after later ones of {behind[0]}"
            )
        delivered[position] = delivered.get(position, frozenset()) | delivery.fields
        for room in delivery.rooms:
            points[room] = max(points.get(room, 0), position)
    received = {
        passage.frame["position"]
        for connection in socket.connections
        for passage in connection.passages
        if not passage.sent and passage.frame["type"] == "event"
    }
    for position in sorted(due.keys() - delivered.keys()):
        if not due[position] <= left:
            yield Finding(Kind.GAP, socket.who, position, "was received and never handed over")
    for position in sorted(delivered.keys() - received):
        yield Finding(Kind.ALTERED, socket.who, position, "was handed over and never received")


def _rooms_left(socket: Socket) -> frozenset[str]:
    """Return the rooms that the client ever asked to leave: joined again, they begin at any point."""
    return frozenset(room for frame in _asked(socket, "leave") for room in frame["rooms"])


def _rooms_begun_anew(socket: Socket) -> frozenset[str]:
    """Return those, the rooms that were taken from it, and those that it asked for again.

    It has said that they are lost, or where they begin: what comes then may be older.
    """
    asked: set[str] = set()
    again: set[str] = set()
    for frame in _asked(socket, "connect", "join"):
        if frame["type"] == "join":
            again |= asked.intersection(frame["rooms"])
        asked |= {*frame.get("rooms", ())}
    return _rooms_left(socket) | _rooms_lost(socket) | again


def _rooms_lost(socket: Socket) -> frozenset[str]:
    return frozenset(
        room
        for connection in socket.connections
        for passage in connection.passages
        if not passage.sent and passage.frame["type"] == "left" and passage.frame.get("id") is None
        for room in passage.frame["rooms"]
    )


def _asked(socket: Socket, *types: str) -> Iterator[Frame]:
    """Yield the frames of these types that the client sent, on all of its connections."""
    for connection in socket.connections:
        for passage in connection.passages:
            if passage.sent and passage.frame["type"] in types:
                yield passage.frame
