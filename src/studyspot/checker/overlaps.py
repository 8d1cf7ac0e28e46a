"""Who is given a seat: nobody while another has it, no student two at once, none that is not to be had."""

from collections.abc import Collection, Iterator

from studyspot.checker.history import History
from studyspot.checker.occupations import GIVES, Occupation, occupation_of
from studyspot.checker.records import Record, instant
from studyspot.checker.verdict import Finding, Kind


def judge_overlaps(history: History, record: Record, lapsed: Collection[str]) -> Iterator[Finding]:
    """Find the rivals of a seat that is given.

    A hold is over at its `until`, by the time of the record. A missed booking is over once the log says so,
    be it in the same append: `lapsed` are the occupations whose lapse stands there.
    """
    if record.type not in GIVES:
        return
    new, moment = occupation_of(record), instant(record.stored["time"])

    def is_rival(other: Occupation) -> bool:
        return other.id != new.id and other.id not in lapsed and not other.is_over(moment)

    for rival in filter(is_rival, history.of_seat(new.seat_id)):
        if rival.takes_seat(new.start, new.occupied_until):
            sentence = f"seat {new.seat_id} is given to {new.user_id} while {rival.user_id} has it"
            yield Finding(Kind.OVERLAP, "log", record.position, sentence)
    for other in filter(is_rival, history.of_user(new.user_id)):
        if other.seat_id != new.seat_id and other.takes_student(new.start, new.end):
            sentence = f"{new.user_id} gets seat {new.seat_id} while having {other.seat_id}"
            yield Finding(Kind.OVERLAP, "log", record.position, sentence)


def judge_places(history: History, record: Record) -> Iterator[Finding]:
    """Find seats that are given although they are not to be had, or removed although they are in use."""
    seat = history.seats.get(record.facts.get("seatId", ""))
    if record.type == "seat.removed" and seat is not None and seat.in_service:
        yield _finding(record, f"seat {record.facts['seatId']} is removed while in service")
    if record.type not in GIVES:
        return
    new = occupation_of(record)
    if seat is None or seat.library_id != new.library_id:
        yield _finding(record, f"seat {new.seat_id} is given, which {new.library_id} does not have")
    elif not seat.in_service:
        yield _finding(record, f"seat {new.seat_id} is given while out of service")
    if new.library_id in history.retired:
        yield _finding(record, f"seat {new.seat_id} is given in {new.library_id}, which is retired")
    for closure_id, closure in history.closures.get(new.library_id, {}).items():
        if closure.meets(new.start, new.end):
            yield _finding(record, f"seat {new.seat_id} is given for a time of closure {closure_id}")


def _finding(record: Record, sentence: str) -> Finding:
    return Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)
