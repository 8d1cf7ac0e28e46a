"""Read models against a replay: what HTTP answered at a position is what the log adds up to there."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from studyspot.checker.acts import judge_act
from studyspot.checker.history import History
from studyspot.checker.ledger import judge_balance, judge_payment
from studyspot.checker.lifecycles import judge_lifecycle
from studyspot.checker.log import Log
from studyspot.checker.occupations import LAPSES, Occupation
from studyspot.checker.overlaps import judge_overlaps, judge_places
from studyspot.checker.records import BookingsRead, Record, SeatMapRead, instant, same
from studyspot.checker.verdict import Finding, Kind
from studyspot.checker.waitlists import judge_offers, judge_turn, judge_waitlist

_WHO = "read model"
_STRONGEST_FIRST = ("occupied", "booked", "held")
_ROW = (
    *("libraryId", "seatId", "userId", "start", "end", "occupiedUntil", "status"),
    *("amountMinor", "currency", "paidMinor"),
)

Read = SeatMapRead | BookingsRead


def judge_replay(log: Log, reads: Iterable[Read]) -> Iterator[Finding]:
    """Replay the log once; find what it may not contain, and every read that it contradicts."""
    waiting = sorted(reads, key=_position)
    history, next_read = History(), 0
    for together in log.appends():
        lapsed = {record.facts["occupation"] for record in together if record.type in LAPSES}
        for record in together:
            while next_read < len(waiting) and _position(waiting[next_read]) < record.position:
                yield from _judge_read(history, waiting[next_read])
                next_read += 1
            yield from _judge_step(history, record, together, lapsed)
        yield from judge_offers(history, together)
        for booking_id in {record.facts.get("bookingId", "") for record in together}:
            yield from judge_balance(history, booking_id, together[-1].position)
    for read in waiting[next_read:]:
        if _position(read) > log.head:
            sentence = f"reflects {_position(read)}, and the log ends at {log.head}"
            yield Finding(Kind.READ_MODEL, _WHO, _position(read), sentence)
        else:
            yield from _judge_read(history, read)


def _judge_step(
    history: History, record: Record, together: Sequence[Record], lapsed: Collection[str]
) -> Iterator[Finding]:
    """Find what the record may not do to the state before it, and add it."""
    yield from judge_act(history.people, record, together)
    yield from judge_waitlist(history, record, together)
    yield from judge_turn(history, record)
    yield from judge_lifecycle(history, record)
    yield from judge_places(history, record)
    yield from judge_overlaps(history, record, lapsed)
    yield from judge_payment(history, record)
    try:
        history.apply(record)
    except KeyError as unknown:
        sentence = f"{record.type} of {unknown}, which is not"
        yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)


def _position(read: Read) -> int:
    return int(read.body["position"]) if isinstance(read, SeatMapRead) else read.position


def _judge_read(history: History, read: Read) -> Iterator[Finding]:
    judged = (
        _judge_seat_map(history, read) if isinstance(read, SeatMapRead) else _judge_bookings(history, read)
    )
    for sentence in judged:
        yield Finding(Kind.READ_MODEL, _WHO, _position(read), sentence)


def _judge_seat_map(history: History, read: SeatMapRead) -> Iterator[str]:
    told = {seat["id"]: seat for seat in read.body["seats"]}
    replayed = {key: seat for key, seat in history.seats.items() if seat.library_id == read.library_id}
    for seat_id in sorted(replayed.keys() - told.keys()):
        yield f"seat {seat_id} is missing in the map of {read.library_id}"
    for seat_id in sorted(told.keys() - replayed.keys()):
        yield f"the map of {read.library_id} has seat {seat_id}, and the log has not"
    now = instant(read.body["serverNow"]) if "serverNow" in read.body else None
    for seat_id in sorted(told.keys() & replayed.keys()):
        row, seat = told[seat_id], replayed[seat_id]
        live = [
            occupation
            for occupation in history.of_seat(seat_id)
            if occupation.takes_seat(read.start, read.end) and (now is None or not occupation.is_over(now))
        ]
        states = {occupation.state for occupation in live}
        strongest = next((state for state in _STRONGEST_FIRST if state in states), "free")
        status = strongest if seat.in_service else "out-of-service"
        expected = {"label": seat.label, "zone": seat.zone, "status": status}
        for name, value in expected.items():
            if not same(row.get(name), value):
                yield f"{name} of seat {seat_id} is {row.get(name)!r}, replayed {value!r}"
        yield from _judge_occupations(seat_id, row.get("occupations", ()), live)


def _judge_occupations(
    seat_id: str, told: Iterable[Mapping[str, Any]], live: Iterable[Occupation]
) -> Iterator[str]:
    rows = {row["id"]: row for row in told}
    replayed = {occupation.id: occupation for occupation in live}
    for missing in sorted(replayed.keys() - rows.keys()):
        yield f"seat {seat_id} lacks occupation {missing}"
    for unknown in sorted(rows.keys() - replayed.keys()):
        yield f"seat {seat_id} has occupation {unknown}, which is not live in the log"
    for both in sorted(rows.keys() & replayed.keys()):
        row, occupation = rows[both], replayed[both]
        until = instant(row["until"]) if row.get("until") else None
        told_facts = row["state"], instant(row["start"]), instant(row["end"]), until
        if told_facts != (occupation.state, occupation.start, occupation.occupied_until, occupation.until):
            yield f"occupation {both} of seat {seat_id} differs: {dict(row)}"


def _judge_bookings(history: History, read: BookingsRead) -> Iterator[str]:
    rows = {row["id"]: row for row in read.rows}
    if len(rows) < len(read.rows):
        yield "a booking is listed twice"
    for booking_id, row in rows.items():
        booking = history.bookings.get(booking_id)
        if booking is None:
            yield f"booking {booking_id} is not in the log"
            continue
        for name in _ROW:
            if name in row and not same(row[name], booking.get(name)):
                yield f"{name} of booking {booking_id} is {row[name]!r}, replayed {booking.get(name)!r}"
    for booking_id, booking in history.bookings.items():
        if booking_id not in rows and _belongs(booking, read):
            yield f"booking {booking_id} is missing in the list"


def _belongs(booking: Mapping[str, Any], read: BookingsRead) -> bool:
    if read.user_id is None and read.library_id is None:
        return False
    return read.user_id in (None, booking["userId"]) and read.library_id in (None, booking["libraryId"])
