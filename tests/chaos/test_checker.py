"""The judge finds each fault that is planted into a clean day, and nothing in the clean day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.passages import Delivery, Passage, Socket
from studyspot.checker.records import Answer, Record
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day

Plant = Callable[[Evidence], None]
STUDENT, OWNER, OTHER = 0, 1, 2


def test_a_clean_day_passes() -> None:
    verdict = judge(day.evidence())
    assert verdict.clean, str(verdict)
    assert verdict.judged == {
        "events": 15,
        "messages": 15,
        "answers": 17,
        "sockets": 3,
        "frames": 52,
        "reads": 2,
    }
    assert str(verdict).startswith("clean: 15 events")


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


def with_record(position: int, **changes: Any) -> Plant:
    """Plant a change of the log's data, in the log and, so that only that is wrong, nowhere else."""

    def plant(evidence: Evidence) -> None:
        evidence.records = [
            replace(record, stored={**record.stored, "data": {**record.facts, **changes}})
            if record.position == position
            else record
            for record in evidence.records
        ]
        only_log(evidence)

    return plant


def only_log(evidence: Evidence) -> None:
    evidence.messages, evidence.answers, evidence.sockets, evidence.reads = None, [], [], []


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
    added = Record(16, day.EPOCH, "staff.added", day.stored(16, "w1", {"libraryId": "L1", "userId": "t1"}))
    gone = Record(17, day.EPOCH, "staff.removed", day.stored(17, "w1", {"libraryId": "L1", "userId": "t1"}))
    facts = day.booking("B5", "S2", "s2", day.ELEVEN, "2026-12-01T12:00:00Z", "confirmed")
    booked = Record(18, day.EPOCH, "booking.created", day.stored(18, "s2", facts))
    evidence.records = [*records, added, gone, booked]
    socket = day.recorded_socket("t1", "staff", [])
    staff = day.frame(booked, ["library:L1:staff"])
    socket.connections[-1].passages.append(Passage(False, staff))
    socket.delivered = None
    evidence.messages, evidence.answers, evidence.sockets, evidence.settled = None, [], [socket], False


def overlap_on_a_seat(evidence: Evidence) -> None:
    with_record(11, start=day.NINE, seatId="S2", userId="s1")(evidence)


def overlap_of_a_student(evidence: Evidence) -> None:
    with_record(11, start="2026-12-01T09:30:00Z")(evidence)


def position_gap(evidence: Evidence) -> None:
    evidence.records = [record for record in evidence.records if record.position != 12]
    only_log(evidence)


def position_twice(evidence: Evidence) -> None:
    records = list(evidence.records)
    evidence.records = [*records, records[-1]]
    only_log(evidence)


def epoch_comes_back(evidence: Evidence) -> None:
    evidence.records = [
        replace(record, epoch="k4") if 5 < record.position < 9 else record for record in evidence.records
    ]
    only_log(evidence)


def unreadable_event(evidence: Evidence) -> None:
    records = list(evidence.records)
    records[10] = replace(records[10], stored={**records[10].stored, "data": {"bookingId": "B3"}})
    evidence.records = records
    only_log(evidence)


def cancelled_twice(evidence: Evidence) -> None:
    records = list(evidence.records)
    again = replace(records[9], position=16, stored={**records[9].stored, "commandid": "c16"})
    evidence.records = [*records, again]
    only_log(evidence)


def acknowledged_booking_missing(evidence: Evidence) -> None:
    """The log's last event is gone, and with it every trace but the answer."""
    evidence.records = list(evidence.records)[:-1]
    answers = evidence.answers
    only_log(evidence)
    evidence.answers = answers


def acknowledged_position_holds_another(evidence: Evidence) -> None:
    with_record(11, bookingId="B7")(evidence)
    evidence.answers = day.answers()


def answer_differs(evidence: Evidence) -> None:
    evidence.answers = [
        replace(answer, body={**answer.body, "amountMinor": 1}) if answer.position == 11 else answer
        for answer in evidence.answers
    ]


def acknowledged_change_missing(evidence: Evidence) -> None:
    """The seat is said to be out of service, and the log took it back in between."""
    change = next(answer for answer in evidence.answers if answer.method == "PATCH")
    evidence.answers.append(replace(change, body={**change.body, "inService": True}))


def acknowledged_update_missing(evidence: Evidence) -> None:
    body = {**day.library("L1", "w1"), "id": "L1", "name": "Renamed", "position": 15}
    path = "/api/libraries/L1"
    evidence.answers.append(Answer("w1", "PATCH", path, None, {"name": "Renamed"}, 200, body, 15))


def answered_twice_under_one_key(evidence: Evidence) -> None:
    first = next(answer for answer in evidence.answers if answer.position == 12)
    evidence.answers.append(replace(first, position=13, body={**first.body, "position": 13}))


def applied_twice(evidence: Evidence) -> None:
    """A retry was appended again: the log has a pricing that nobody was told about."""
    facts = {**day.PRICES, "priceVersion": 2}
    again = Record(16, day.EPOCH, "pricing.updated", day.stored(16, "w1", facts))
    answers = evidence.answers
    evidence.records = [*evidence.records, again]
    only_log(evidence)
    evidence.answers = answers


def two_winners(evidence: Evidence) -> None:
    """A second student is told that they have the seat; the log knows nothing of it."""
    facts = day.booking("B8", "S1", "s2", day.NINE, day.TEN, "confirmed")
    body = {"id": "B8", **facts, "position": 9}
    evidence.answers.append(Answer("s2", "POST", "/api/bookings", "other", None, 201, body, 9))


def refused_without_cause(evidence: Evidence) -> None:
    request = {"libraryId": "L1", "seatId": "S3", "start": day.NINE, "end": day.TEN}
    refusal = {"type": "/problems/seat-taken", "status": 409}
    evidence.answers.append(Answer("s2", "POST", "/api/bookings", "n", request, 409, refusal))


def message_missing(evidence: Evidence) -> None:
    assert evidence.messages
    del evidence.messages[9]


def message_altered(evidence: Evidence) -> None:
    assert evidence.messages
    body = orjson.loads(evidence.messages[9].body)
    body["data"]["amountMinor"] = 1
    evidence.messages[9] = replace(evidence.messages[9], body=orjson.dumps(body))


def message_elsewhere(evidence: Evidence) -> None:
    assert evidence.messages
    evidence.messages[9] = replace(evidence.messages[9], subject="studyspot.booking.cancelled.L2.s1")


def message_too_many(evidence: Evidence) -> None:
    assert evidence.messages
    evidence.messages.append(replace(evidence.messages[-1], position=16))


def stream_behind(evidence: Evidence) -> None:
    assert evidence.messages
    del evidence.messages[-1]


def stream_empty(evidence: Evidence) -> None:
    evidence.messages = []


def seat_of_map(evidence: Evidence, index: int) -> dict[str, Any]:
    read = day.seat_map()
    evidence.reads[0] = read
    seat: dict[str, Any] = read.body["seats"][index]
    return seat


def map_status_wrong(evidence: Evidence) -> None:
    seat_of_map(evidence, 0)["status"] = "free"


def map_occupation_missing(evidence: Evidence) -> None:
    seat_of_map(evidence, 0)["occupations"] = []


def map_occupation_stale(evidence: Evidence) -> None:
    stale = {"id": "o1", "state": "booked", "start": day.NINE, "end": day.TEN}
    seat_of_map(evidence, 1)["occupations"] = [stale]


def map_seat_missing(evidence: Evidence) -> None:
    read = day.seat_map()
    del read.body["seats"][1]
    evidence.reads[0] = read


def map_at_another_position(evidence: Evidence) -> None:
    """The rows of the end, told with the position of the middle."""
    evidence.reads[0] = day.seat_map(10)


def map_beyond_the_log(evidence: Evidence) -> None:
    evidence.reads[0] = day.seat_map(16)


def booking_row_wrong(evidence: Evidence) -> None:
    read = day.bookings_of_s2()
    evidence.reads[1] = replace(read, rows=({**read.rows[0], "status": "confirmed"}, read.rows[1]))


def booking_row_missing(evidence: Evidence) -> None:
    read = day.bookings_of_s2()
    evidence.reads[1] = replace(read, rows=read.rows[:1])


def booking_row_invented(evidence: Evidence) -> None:
    read = day.bookings_of_s2()
    evidence.reads[1] = replace(read, rows=(*read.rows, {**read.rows[0], "id": "B99"}))


FAULTS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (drop_frame, Kind.GAP, 12),
    (drop_last_frame_and_heartbeat, Kind.GAP, 15),
    (caught_up_without_an_event, Kind.GAP, 9),
    (resume_too_late, Kind.GAP, 8),
    (repeat_frame, Kind.TWICE, 12),
    (swap_frames, Kind.OUT_OF_ORDER, 12),
    (frame_of_a_foreign_room, Kind.LEAK, 9),
    (let_into_a_foreign_room, Kind.LEAK, None),
    (taken_for_another, Kind.LEAK, None),
    (after_losing_the_room, Kind.LEAK, 18),
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
    (overlap_on_a_seat, Kind.OVERLAP, 11),
    (overlap_of_a_student, Kind.OVERLAP, 11),
    (position_gap, Kind.LOG_GAP, 12),
    (position_twice, Kind.TWICE, 15),
    (epoch_comes_back, Kind.OUT_OF_ORDER, 9),
    (unreadable_event, Kind.UNREADABLE, 11),
    (cancelled_twice, Kind.IMPOSSIBLE, 16),
    (acknowledged_booking_missing, Kind.LOST, 15),
    (acknowledged_position_holds_another, Kind.LOST, 11),
    (acknowledged_change_missing, Kind.LOST, 14),
    (acknowledged_update_missing, Kind.LOST, 15),
    (answer_differs, Kind.ALTERED, 11),
    (answered_twice_under_one_key, Kind.TWICE, 13),
    (applied_twice, Kind.TWICE, 16),
    (two_winners, Kind.TWO_WINNERS, 9),
    (refused_without_cause, Kind.FALSE_REFUSAL, None),
    (message_missing, Kind.STREAM, 10),
    (message_altered, Kind.STREAM, 10),
    (message_elsewhere, Kind.STREAM, 10),
    (message_too_many, Kind.STREAM, 16),
    (stream_behind, Kind.STREAM, 15),
    (stream_empty, Kind.STREAM, 15),
    (map_status_wrong, Kind.READ_MODEL, 15),
    (map_occupation_missing, Kind.READ_MODEL, 15),
    (map_occupation_stale, Kind.READ_MODEL, 15),
    (map_seat_missing, Kind.READ_MODEL, 15),
    (map_at_another_position, Kind.READ_MODEL, 10),
    (map_beyond_the_log, Kind.READ_MODEL, 16),
    (booking_row_wrong, Kind.READ_MODEL, 15),
    (booking_row_missing, Kind.READ_MODEL, 15),
    (booking_row_invented, Kind.READ_MODEL, 15),
)


@pytest.mark.parametrize(
    ("plant", "kind", "position"),
    FAULTS,
    ids=[f"{number}-{kind}-{position}" for number, (_, kind, position) in enumerate(FAULTS)],
)
def test_each_planted_fault_is_found_and_named(plant: Plant, kind: Kind, position: int | None) -> None:
    evidence = day.evidence()
    plant(evidence)
    verdict = judge(evidence)
    assert (kind, position) in {(finding.kind, finding.position) for finding in verdict.findings}, str(
        verdict
    )
    assert str(kind) in str(verdict)


def frames_of(evidence: Evidence) -> list[tuple[int, int, int]]:
    """Return where every event frame of the second connections is: socket, index, position."""
    return [
        (number, index, passage.frame["position"])
        for number, socket in enumerate(evidence.sockets)
        for index, passage in enumerate(socket.connections[-1].passages)
        if passage.frame["type"] == "event"
    ]


@pytest.mark.parametrize("place", frames_of(day.evidence()), ids=str)
def test_any_frame_that_is_dropped_repeated_or_delayed_is_missed(place: tuple[int, int, int]) -> None:
    number, index, position = place
    for fault, kind in (("drop", Kind.GAP), ("repeat", Kind.TWICE), ("delay", Kind.OUT_OF_ORDER)):
        evidence = day.evidence()
        passages = evidence.sockets[number].connections[-1].passages
        frame = passages[index] if fault == "repeat" else passages.pop(index)
        if fault != "drop":
            passages.append(frame)
        verdict = judge(evidence)
        found = {(finding.kind, finding.position) for finding in verdict.findings}
        assert (kind, position) in found, f"{fault}: {verdict}"


def test_a_run_that_is_not_settled_may_end_in_the_middle() -> None:
    evidence = day.evidence()
    drop_last_frame_and_heartbeat(evidence)
    stream_behind(evidence)
    evidence.sockets[STUDENT].delivered = None
    evidence.settled = False
    verdict = judge(evidence)
    assert verdict.clean, str(verdict)
