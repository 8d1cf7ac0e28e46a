"""Faults of accounts, staff and waitlists, and of the sockets that should follow them, each planted alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from studyspot.checker.judge import Evidence
from studyspot.checker.passages import Passage
from studyspot.checker.records import Record
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day
from tests.chaos import recorded_line as line
from tests.chaos.record_faults import only_log
from tests.chaos.recorded_life import at, booking, hold, occupation, record

Plant = Callable[[Evidence], None]
WORKER, LATER, SHUT_OUT, FORMER = 0, 1, 2, 3
KEPT = object()


def changed(position: int, *, actor: Any = KEPT, time: str | None = None, **facts: Any) -> Plant:
    """Another actor, another time, or other facts; nothing but the log is judged."""

    def plant(evidence: Evidence) -> None:
        log = line.records()
        known = log[position - 1]
        stored = {**known.stored, "data": {**known.facts, **facts}}
        if actor is not KEPT:
            stored["actor"] = actor
        if time is not None:
            stored["time"] = at(time)
        log[position - 1] = replace(known, stored=stored)
        evidence.records = log
        only_log(evidence)

    return plant


def without(*positions: int) -> Plant:
    """These did not happen; something harmless stands in their place."""

    def plant(evidence: Evidence) -> None:
        log = line.records()
        for position in positions:
            stored = log[position - 1].stored
            harmless = {**stored, "actor": "w1", "data": day.library("L1", "w1")}
            log[position - 1] = Record(position, day.EPOCH, "library.updated", harmless)
        evidence.records = log
        only_log(evidence)

    return plant


def also(*happened: tuple[str, str | None, str, dict[str, Any]], after: int = line.HEAD) -> Plant:
    """More happens after a position, and nothing else."""

    def plant(evidence: Evidence) -> None:
        more = (record(after + number, *one) for number, one in enumerate(happened, start=1))
        evidence.records = [*line.records()[:after], *more]
        only_log(evidence)

    return plant


def brought(who: int, position: int, room: str) -> Plant:
    """The socket is brought one more event, by a room that sees it, after all else."""

    def plant(evidence: Evidence) -> None:
        frame = day.frame(line.records()[position - 1], [room])
        evidence.sockets[who].connections[-1].passages.append(Passage(False, frame))

    return plant


def never_closed(who: int) -> Plant:
    def plant(evidence: Evidence) -> None:
        evidence.sockets[who].connections[-1].close_code = None

    return plant


def never_brought(position: int) -> Plant:
    """An event of the staff room does not reach who works there."""

    def plant(evidence: Evidence) -> None:
        passages = evidence.sockets[WORKER].connections[-1].passages
        passages[:] = [passage for passage in passages if passage.frame.get("position") != position]

    return plant


def let_in(who: int, head: int) -> Plant:
    """The socket is let in when the log had reached `head`."""

    def plant(evidence: Evidence) -> None:
        passages = evidence.sockets[who].connections[-1].passages
        passages[1] = Passage(False, {**passages[1].frame, "head": head})

    return plant


def placed(number: int, user: str, *, until: str = "09:10", **more: Any) -> dict[str, Any]:
    of = occupation(number, "S1", user, "10:00", "12:00", "12:10")
    return {**hold(number, of, until), **more}


WAITING = line.place(9, "s1", "waiting", revokedBookingId=None)
OTHERS_TURN = booking(
    9, occupation(9, "S1", "s8", "11:00", "13:00", "13:10"), "confirmed", **line.TERMS, holdId=None
)

_PLACES: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(15, holdId="H9"), Kind.IMPOSSIBLE, 15),
    (changed(15, until=at("08:40")), Kind.IMPOSSIBLE, 15),
    (changed(15, end=at("11:00")), Kind.IMPOSSIBLE, 15),
    (changed(10, zone="quiet"), Kind.IMPOSSIBLE, 15),
    (changed(10, attributes={"window": True}), Kind.IMPOSSIBLE, 15),
    (changed(10, revokedBookingId="B1"), Kind.IMPOSSIBLE, 10),
    (without(15), Kind.IMPOSSIBLE, 14),
    (without(14), Kind.IMPOSSIBLE, 15),
    (without(17), Kind.IMPOSSIBLE, 18),
    (without(18), Kind.IMPOSSIBLE, 17),
    (changed(18, status="waiting"), Kind.IMPOSSIBLE, 18),
    (changed(18, userId="s2"), Kind.IMPOSSIBLE, 18),
    (without(22), Kind.IMPOSSIBLE, 21),
    (without(21), Kind.IMPOSSIBLE, 22),
    (changed(22, bookingId="B9"), Kind.IMPOSSIBLE, 22),
    (changed(19, entryId="W9"), Kind.IMPOSSIBLE, 19),
    (changed(21, time="08:43"), Kind.IMPOSSIBLE, 21),
    (changed(31, time="10:01"), Kind.IMPOSSIBLE, 31),
    (changed(30, entryId="W2"), Kind.IMPOSSIBLE, 30),
    (also(("08:14", "s1", "waitlist.joined", WAITING), after=12), Kind.IMPOSSIBLE, 13),
    (
        also(("08:25", None, "waitlist.left", line.place(1, "s1", "left", reason="over")), after=16),
        Kind.IMPOSSIBLE,
        17,
    ),
)
_TURNS: tuple[tuple[Plant, Kind, int | None], ...] = (
    # The second in line before the first; somebody who does not wait before all of them.
    (
        also(
            ("08:21", None, "hold.placed", placed(8, "s2", entryId="W2")),
            (
                *("08:21", None, "waitlist.offered"),
                line.place(2, "s2", "offered", holdId="H8", seatId="S1", until=at("09:10")),
            ),
            after=13,
        ),
        Kind.OUT_OF_TURN,
        14,
    ),
    (also(("08:21", "s8", "hold.placed", placed(8, "s8")), after=13), Kind.OUT_OF_TURN, 14),
    (also(("08:21", "s8", "booking.created", OTHERS_TURN), after=13), Kind.OUT_OF_TURN, 14),
    # Who lost a booking comes first, whenever they joined.
    (
        also(
            ("08:20", "w1", "booking.revoked", booking(1, line.FREED, "revoked", reason="library")),
            ("08:20", "s9", "waitlist.joined", line.place(5, "s9", "waiting", revokedBookingId="B1")),
            ("08:21", None, "hold.placed", line.offer(1, line.HELD, "W1", "08:31")),
            (
                *("08:21", None, "waitlist.offered"),
                line.place(1, "s1", "offered", holdId="H1", seatId="S1", until=at("08:31")),
            ),
            after=12,
        ),
        Kind.OUT_OF_TURN,
        15,
    ),
)
_ACTS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(1, actor="w2"), Kind.IMPOSSIBLE, 1),
    (changed(2, actor="s1"), Kind.IMPOSSIBLE, 2),
    (changed(6, actor="t1"), Kind.IMPOSSIBLE, 6),
    (changed(7, actor="w1"), Kind.IMPOSSIBLE, 7),
    (changed(7, time="20:00"), Kind.IMPOSSIBLE, 7),
    (changed(7, invitationId="I2"), Kind.IMPOSSIBLE, 7),
    (changed(6, userId="t2"), Kind.IMPOSSIBLE, 7),
    (changed(12, actor="s2"), Kind.IMPOSSIBLE, 12),
    (changed(13, actor="s1"), Kind.IMPOSSIBLE, 13),
    (changed(24, actor="s1"), Kind.IMPOSSIBLE, 24),
    (changed(25, actor="s1"), Kind.IMPOSSIBLE, 25),
    (changed(25, textId=None), Kind.IMPOSSIBLE, 25),
    (changed(25, cause="personal:N2"), Kind.IMPOSSIBLE, 25),
    (changed(25, userId="s1"), Kind.IMPOSSIBLE, 25),
    (changed(27, actor="s1"), Kind.IMPOSSIBLE, 27),
    (changed(27, userId="t2"), Kind.IMPOSSIBLE, 27),
    (also(("10:10", "t1", "seat.updated", day.seat("L1", "S1"))), Kind.IMPOSSIBLE, line.HEAD + 1),
    (also(("10:10", "t1", "staff.added", line.INVITED)), Kind.IMPOSSIBLE, line.HEAD + 1),
    (
        also(("08:39", "t1", "pricing.updated", {"libraryId": "L1", "priceVersion": 1}), after=25),
        Kind.IMPOSSIBLE,
        26,
    ),
)
_ACCOUNTS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (changed(3, actor="s1", userId="t1"), Kind.IMPOSSIBLE, 5),
    (changed(8, previousRole="library_owner"), Kind.IMPOSSIBLE, 8),
    (changed(8, role="admin"), Kind.IMPOSSIBLE, 8),
    (without(7), Kind.IMPOSSIBLE, 8),
    (changed(28, actor="s3"), Kind.IMPOSSIBLE, 28),
    (without(28), Kind.IMPOSSIBLE, 29),
    (also(("10:10", "a1", "account.disabled", {"userId": "s3"})), Kind.IMPOSSIBLE, line.HEAD + 1),
    (also(("10:10", "s3", "account.registered", line.registered("s3"))), Kind.IMPOSSIBLE, line.HEAD + 1),
    (also(("08:42", "s3", "hold.placed", placed(8, "s3")), after=28), Kind.IMPOSSIBLE, 29),
    (changed(28, userId="s1"), Kind.IMPOSSIBLE, 29),
    (changed(16, userId="s2"), Kind.IMPOSSIBLE, 16),
    (changed(16, actor="s2"), Kind.IMPOSSIBLE, 16),
    (changed(16, notificationId="H2"), Kind.IMPOSSIBLE, 16),
    (
        also(("10:10", "s2", "notification.read", {"notificationId": "N1", "userId": "s2"})),
        Kind.IMPOSSIBLE,
        line.HEAD + 1,
    ),
)
_SOCKETS: tuple[tuple[Plant, Kind, int | None], ...] = (
    (brought(WORKER, 34, "library:L1:staff"), Kind.LEAK, 34),
    (brought(LATER, 21, "library:L1:staff"), Kind.LEAK, 21),
    (brought(SHUT_OUT, 33, "everyone"), Kind.LEAK, 33),
    (brought(FORMER, 33, "everyone"), Kind.LEAK, 33),
    (never_closed(SHUT_OUT), Kind.LEAK, 28),
    (never_closed(FORMER), Kind.LEAK, 8),
    (let_in(SHUT_OUT, 28), Kind.LEAK, None),
    (never_brought(21), Kind.GAP, 21),
    (never_brought(33), Kind.GAP, 33),
)
LINE_FAULTS = (*_PLACES, *_TURNS, *_ACTS, *_ACCOUNTS, *_SOCKETS)
