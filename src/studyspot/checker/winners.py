"""Two winners of one seat: what students were told, whatever the log says."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from studyspot.checker.log import Log
from studyspot.checker.occupations import STATE_AFTER
from studyspot.checker.records import Answer, instant
from studyspot.checker.verdict import Finding, Kind


@dataclass(frozen=True, slots=True)
class _Win:
    who: str
    booking_id: str
    start: datetime
    end: datetime
    position: int


def judge_winners(log: Log, answers: Iterable[Answer]) -> Iterator[Finding]:
    """Find pairs of bookings that were both confirmed for one seat and time, the first not left before."""
    wins: defaultdict[str, dict[str, _Win]] = defaultdict(dict)
    for answer in answers:
        if answer.accepted and answer.method == "POST" and answer.path == "/api/bookings":
            body, position = answer.body, answer.position or 0
            interval = instant(body["start"]), instant(body["end"])
            wins[body["seatId"]][body["id"]] = _Win(answer.who, body["id"], *interval, position)
    left: dict[str, int] = {}
    for record in log.records:
        if record.type == "booking.rescheduled" or STATE_AFTER.get(record.type) == "free":
            left.setdefault(record.facts.get("bookingId", ""), record.position)
    for seat_id, of_seat in wins.items():
        for first, second in _overlapping(of_seat.values()):
            # The lapse that the second relies on stands in its own append.
            if left.get(first.booking_id, log.head + 1) > second.position:
                sentence = f"won seat {seat_id}, as {first.who} had at {first.position}"
                yield Finding(Kind.TWO_WINNERS, second.who, second.position, sentence)


def _overlapping(wins: Iterable[_Win]) -> Iterator[tuple[_Win, _Win]]:
    """Yield pairs of overlapping wins, the one with the lower position first."""
    current: list[_Win] = []
    for win in sorted(wins, key=lambda win: win.start):
        current = [earlier for earlier in current if earlier.end > win.start]
        for earlier in current:
            first, second = sorted((earlier, win), key=lambda pair: pair.position)
            yield first, second
        current.append(win)
