"""Faults of log, answers, stream and read models, each planted alone into the recorded day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from studyspot.checker.judge import Evidence
from studyspot.checker.records import Answer, Record
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day

Plant = Callable[[Evidence], None]


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


RECORD_FAULTS: tuple[tuple[Plant, Kind, int | None], ...] = (
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
