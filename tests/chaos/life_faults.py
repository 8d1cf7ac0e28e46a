"""Faults in the lives of holds and bookings, and in their money, each planted alone into a clean day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from studyspot.checker.judge import Evidence
from studyspot.checker.passages import Passage
from studyspot.checker.records import Answer, BookingsRead, SeatMapRead
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day
from tests.chaos import recorded_life as life
from tests.chaos.record_faults import only_log

Plant = Callable[[Evidence], None]
STUDENT, OTHER, OWNER = 0, 1, 2


def changed(position: int, time: str | None = None, **facts: Any) -> Plant:
    """Another time, or other facts, in the log; nothing but the log is judged."""

    def plant(evidence: Evidence) -> None:
        log = life.records()
        known = log[position - 1]
        stored = {**known.stored, "data": {**known.facts, **facts}}
        if time is not None:
            stored["time"] = life.at(time)
        log[position - 1] = replace(known, stored=stored)
        evidence.records = log
        only_log(evidence)

    return plant


def without(position: int, then: Plant | None = None) -> Plant:
    """The record did not happen; something harmless stands in its place."""

    def plant(evidence: Evidence) -> None:
        if then is not None:
            then(evidence)
        log = list(evidence.records)
        time = log[position - 1].stored["time"][11:16]
        log[position - 1] = life.record(position, time, "w1", "library.updated", day.library("L1", "w1"))
        evidence.records = log
        only_log(evidence)

    return plant


def also(*happened: tuple[str, str | None, str, dict[str, Any]]) -> Plant:
    """More happens at the end."""

    def plant(evidence: Evidence) -> None:
        more = (life.record(life.HEAD + number, *one) for number, one in enumerate(happened, start=1))
        evidence.records = [*life.records(), *more]
        only_log(evidence)

    return plant


def refused(who: str, request: dict[str, Any], path: str = "/api/bookings", **more: Any) -> Plant:
    """A refusal that names a rival, at some time after a position; told as one likes."""
    told = {"type": "/problems/seat-taken", "status": 409, **more.pop("told", {})}

    def plant(evidence: Evidence) -> None:
        method = "POST" if path in ("/api/bookings", "/api/holds") else "PATCH"
        evidence.answers.append(Answer(who, method, path, None, request, 409, told, **more))

    return plant


def answer_differs(number: int, **body: Any) -> Plant:
    def plant(evidence: Evidence) -> None:
        known = evidence.answers[number]
        evidence.answers[number] = replace(known, body={**known.body, **body})

    return plant


def map_differs(number: int, seat: int, **row: Any) -> Plant:
    def plant(evidence: Evidence) -> None:
        read = life.reads()[number]
        assert isinstance(read, SeatMapRead)
        read.body["seats"][seat]["occupations"][0].update(row)
        evidence.reads[number] = read

    return plant


def paid_otherwise(evidence: Evidence) -> None:
    read = evidence.reads[-1]
    assert isinstance(read, BookingsRead)
    evidence.reads[-1] = replace(read, rows=({**read.rows[0], "paidMinor": 10000},))


def told_otherwise(who: int, position: int, **data: Any) -> Plant:
    """The frame of a position tells other data."""

    def plant(evidence: Evidence) -> None:
        passages = evidence.sockets[who].connections[0].passages
        for index, passage in enumerate(passages):
            if passage.frame.get("position") == position and passage.frame["type"] == "event":
                frame = orjson.loads(orjson.dumps(dict(passage.frame)))
                frame["event"]["data"].update(data)
                passages[index] = Passage(False, frame)

    return plant


def told_to_the_public(position: int) -> Plant:
    """A payment or notice of another comes by the library's room."""

    def plant(evidence: Evidence) -> None:
        record = life.records()[position - 1]
        envelope = {"id": record.id, "type": record.wire_type, "time": record.stored["time"]}
        event = {**envelope, "sequence": str(position), "data": dict(record.facts)}
        frame = {"type": "event", "name": "booking:updated", "position": position, "event": event}
        passages = evidence.sockets[STUDENT].connections[0].passages
        passages.insert(-1, Passage(False, {**frame, "rooms": ["library:L1"]}))

    return plant


def another(of: dict[str, Any], time: str) -> tuple[str, str | None, str, dict[str, Any]]:
    """A hold of this seat and time by somebody else."""
    mine = {**of, "occupation": "o9", "userId": "s9"}
    return (time, "s9", "hold.placed", life.hold(9, mine, "23:00"))


AFTERNOON = life.occupation(9, "S1", "s9", "18:00", "19:00", "19:10")
LOOSE = {"libraryId": "L1", "seatId": "S1", "start": life.at("18:00"), "end": life.at("19:00")}
EVENING_AT_S2 = {"libraryId": "L1", "seatId": "S2", "start": life.at("10:15"), "end": life.at("11:00")}

_OVERLAPS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(8, seatId="S1"), Kind.OVERLAP, 8),
    (changed(8, userId="s1"), Kind.OVERLAP, 8),
    # Within the ten minutes after what is occupied.
    (changed(15, seatId="S1", start=life.at("12:05"), occupiedUntil=life.at("12:20")), Kind.OVERLAP, 15),
    (changed(11, seatId="S2", start=life.at("09:30")), Kind.OVERLAP, 11),
    # A hold that stands, and a missed booking whose no-show is nowhere.
    (without(9, changed(10, "08:12")), Kind.OVERLAP, 10),
    (without(13, changed(15, start=life.at("09:45"))), Kind.OVERLAP, 15),
)
_LIVES: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(9, "08:12"), Kind.IMPOSSIBLE, 9),
    (changed(6, "08:11"), Kind.IMPOSSIBLE, 6),
    (changed(6, userId="s2"), Kind.IMPOSSIBLE, 6),
    (changed(6, occupation="o7"), Kind.IMPOSSIBLE, 6),
    (changed(6, holdId="H7"), Kind.IMPOSSIBLE, 6),
    (changed(10, occupation="o1"), Kind.IMPOSSIBLE, 10),
    (changed(10, holdId="H2"), Kind.IMPOSSIBLE, 10),
    (changed(11, previousSeatId="S2"), Kind.IMPOSSIBLE, 11),
    (changed(11, previousAmountMinor=1), Kind.IMPOSSIBLE, 11),
    (changed(11, userId="s2"), Kind.IMPOSSIBLE, 11),
    (changed(11, bookingId="B7"), Kind.IMPOSSIBLE, 11),
    (changed(13, "09:20"), Kind.IMPOSSIBLE, 13),
    (changed(16, "09:46"), Kind.IMPOSSIBLE, 16),
    (changed(16, holdId="H2"), Kind.IMPOSSIBLE, 16),
    (changed(17, "10:40"), Kind.IMPOSSIBLE, 17),
    (changed(17, "11:30"), Kind.IMPOSSIBLE, 17),
    (changed(17, seatId="S2"), Kind.IMPOSSIBLE, 17),
    (changed(17, bookingId="B2"), Kind.IMPOSSIBLE, 17),
    (changed(18, "12:05"), Kind.IMPOSSIBLE, 18),
    (changed(22, "13:30"), Kind.IMPOSSIBLE, 22),
    (changed(26, late=False), Kind.IMPOSSIBLE, 26),
    (without(17), Kind.IMPOSSIBLE, 18),
)
_PLACES: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(15, seatId="S9"), Kind.IMPOSSIBLE, 15),
    (changed(21, inService=True), Kind.IMPOSSIBLE, 23),
    (without(23, also(another(life.REVOKED, "17:00"))), Kind.IMPOSSIBLE, life.HEAD + 1),
    (also(another(life.REVOKED, "17:00")), Kind.IMPOSSIBLE, life.HEAD + 1),
    (changed(25, start=life.at("15:30")), Kind.IMPOSSIBLE, 25),
    (
        also(("17:00", "w1", "library.deleted", {"libraryId": "L1"}), another(AFTERNOON, "17:01")),
        Kind.IMPOSSIBLE,
        life.HEAD + 2,
    ),
)
_MONEY: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(7, paymentMinor=20000, paidMinor=20000), Kind.LEDGER, 7),
    (changed(7, paidMinor=9000), Kind.LEDGER, 7),
    (changed(7, paymentMinor=0, paidMinor=0), Kind.LEDGER, 7),
    (changed(7, bookingId="B9"), Kind.LEDGER, 7),
    (changed(12, refundMinor=12000, paidMinor=-2000), Kind.LEDGER, 12),
    (changed(12, refundMinor=1000, paidMinor=9000), Kind.LEDGER, 12),
    (without(12), Kind.LEDGER, 11),
    (changed(26, keptMinor=9000), Kind.LEDGER, 26),
    (changed(27, paymentMinor=6000, paidMinor=6000), Kind.LEDGER, 27),
)
_NOTICES: tuple[tuple[Plant, Kind, int | None], ...] = (
    (also(("17:00", None, "notification.sent", life.NOTICE)), Kind.TWICE, life.HEAD + 1),
    (changed(14, cause="20:booking-no-show"), Kind.IMPOSSIBLE, 14),
    (changed(14, cause="13:booking-revoked"), Kind.IMPOSSIBLE, 14),
    (changed(14, userId="s1"), Kind.IMPOSSIBLE, 14),
)
_REFUSALS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (refused("s2", LOOSE), Kind.FALSE_REFUSAL, None),
    (refused("s2", LOOSE, "/api/holds"), Kind.FALSE_REFUSAL, None),
    # It was taken once, and free again before the request was sent; or not yet, when it was decided.
    (refused("s2", life.WANTED, after=13), Kind.FALSE_REFUSAL, None),
    (refused("s2", life.WANTED, position=7), Kind.FALSE_REFUSAL, 7),
    # By a rival who never was, by the clock alone, by oneself.
    (refused("s2", life.WANTED, told={"end": life.at("10:20")}), Kind.FALSE_REFUSAL, None),
    (refused("s9", EVENING_AT_S2, after=16), Kind.FALSE_REFUSAL, None),
    (refused("s1", {"end": life.at("12:30")}, "/api/bookings/B1", after=12), Kind.FALSE_REFUSAL, None),
    (
        refused("s2", {**life.WANTED, "holdId": "H2"}, after=8, position=9),
        Kind.FALSE_REFUSAL,
        9,
    ),
    (refused("s9", LOOSE, told={"type": "/problems/student-busy"}), Kind.FALSE_REFUSAL, None),
    (
        refused("s1", life.WANTED, told={"type": "/problems/student-holding"}, after=6),
        Kind.FALSE_REFUSAL,
        None,
    ),
)
_RECEIVED: tuple[tuple[Plant, Kind, int | None], ...] = (
    (answer_differs(3, bufferMinutes=5), Kind.LOST, 4),
    (answer_differs(4, id="H9"), Kind.LOST, 5),
    (answer_differs(4, until=life.at("08:30")), Kind.ALTERED, 5),
    (answer_differs(7, paidMinor=1), Kind.ALTERED, 7),
    (answer_differs(11, end=life.at("13:00")), Kind.ALTERED, 12),
    (answer_differs(15, label="By the door"), Kind.LOST, 19),
    (map_differs(0, 0, until=life.at("08:20")), Kind.READ_MODEL, 5),
    (map_differs(2, 0, end=life.at("12:00")), Kind.READ_MODEL, 12),
    (paid_otherwise, Kind.READ_MODEL, life.HEAD),
    (told_otherwise(STUDENT, 8, userId="s2"), Kind.LEAK, 8),
    (told_otherwise(STUDENT, 8, until=life.at("09:00")), Kind.ALTERED, 8),
    (told_otherwise(STUDENT, 8, end=life.at("10:00")), Kind.ALTERED, 8),
    (told_otherwise(STUDENT, 11, previousSeatId="S2"), Kind.ALTERED, 11),
    (told_otherwise(OWNER, 8, userId="s1"), Kind.ALTERED, 8),
    (told_otherwise(OTHER, 14, cause="13:booking-no-show"), Kind.LEAK, 14),
    (told_otherwise(OTHER, 14, kind="booking-moved"), Kind.ALTERED, 14),
    (told_to_the_public(27), Kind.LEAK, 27),
    (told_to_the_public(14), Kind.LEAK, 14),
)
LIFE_FAULTS = (*_OVERLAPS, *_LIVES, *_PLACES, *_MONEY, *_NOTICES, *_REFUSALS, *_RECEIVED)
