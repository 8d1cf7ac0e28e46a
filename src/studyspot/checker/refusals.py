"""Refusals that name a rival: a seat that was called taken was taken, and a student called busy was."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from studyspot.checker.log import Log
from studyspot.checker.occupations import STATE_AFTER, Occupation, occupation_of
from studyspot.checker.records import Answer, instant
from studyspot.checker.verdict import Finding, Kind

_SEAT_TAKEN = "/problems/seat-taken"
_STUDENT_TAKEN = {"/problems/student-busy": ("booked", "occupied"), "/problems/student-holding": ("held",)}
_BOOKINGS = "/api/bookings/"


@dataclass(frozen=True, slots=True)
class Tenure:
    """An occupation as it was from `position` on, until the event at `left`."""

    occupation: Occupation
    position: int
    left: int
    check_in_until: datetime | None

    def is_known_over(self, moment: datetime | None) -> bool:
        """Say whether the clock had ended it by then, whether or not anybody noticed."""
        if moment is None:
            return False
        missed = self.check_in_until is not None and self.check_in_until <= moment
        return missed or self.occupation.is_over(moment)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a refused request would have taken, but for its own occupation."""

    seat_id: str
    user_id: str
    start: datetime
    end: datetime
    own: str | None


def judge_refusals(log: Log, answers: Iterable[Answer]) -> Iterator[Finding]:
    """Find refusals of what was free, in log order, at every position at which they may have been decided."""
    tenures = _tenures(log)
    buffers, zones = _longest_buffers(log), _zones(log)
    for answer in answers:
        body = answer.body if isinstance(answer.body, Mapping) else {}
        refusal = body.get("type")
        if answer.status != 409 or (refusal != _SEAT_TAKEN and refusal not in _STUDENT_TAKEN):
            continue
        asked = tuple(_asked(log, answer, zones))
        rivals = [known for known in tenures if _may_have_stood(log, known, answer)]
        if refusal == _SEAT_TAKEN:
            is_true = any(_took_seat(rival, one, buffers, body) for one in asked for rival in rivals)
            what = f"{'/'.join(sorted({one.seat_id for one in asked}))} is taken"
        else:
            states = _STUDENT_TAKEN[refusal]
            is_true = any(_took_student(rival, one, states) for one in asked for rival in rivals)
            what = "they have another seat"
        if not is_true:
            sentence = f"{answer.method} {answer.path} was told that {what}, which it never was"
            yield Finding(Kind.FALSE_REFUSAL, answer.who, answer.position, sentence)


def _took_seat(
    rival: Tenure, asked: _Asked, buffers: Mapping[str, timedelta], told: Mapping[str, Any]
) -> bool:
    occupation = rival.occupation
    until = asked.end + buffers[occupation.library_id]
    if occupation.seat_id != asked.seat_id or occupation.id == asked.own:
        return False
    for name, value in (("start", occupation.start), ("end", occupation.occupied_until)):
        if name in told and instant(told[name]) != value:
            return False
    return occupation.takes_seat(asked.start, until)


def _took_student(rival: Tenure, asked: _Asked, states: Sequence[str]) -> bool:
    occupation = rival.occupation
    if occupation.user_id != asked.user_id or occupation.id == asked.own or occupation.state not in states:
        return False
    return occupation.takes_student(asked.start, asked.end)


def _asked(log: Log, answer: Answer, zones: Mapping[str, ZoneInfo]) -> Iterator[_Asked]:
    """Yield what the request may have meant: a rescheduling leaves the rest as it was, whenever that was."""
    request = {name: value for name, value in (answer.request or {}).items() if value is not None}
    if answer.path.startswith(_BOOKINGS):
        booking_id = answer.path.removeprefix(_BOOKINGS).partition("/")[0]
        for record in log.of_types("booking.created", "booking.rescheduled"):
            if record.facts["bookingId"] == booking_id:
                facts = {**record.facts, **request}
                yield _wanted(facts, record.facts["userId"], record.facts["occupation"], zones)
        return
    held = (
        record.facts["occupation"]
        for record in log.of_types("hold.placed")
        if record.facts["holdId"] == request.get("holdId")
    )
    yield _wanted(request, request.get("userId", answer.who), next(held, None), zones)


def _wanted(facts: Mapping[str, Any], user_id: str, own: str | None, zones: Mapping[str, ZoneInfo]) -> _Asked:
    zone = zones.get(facts["libraryId"], ZoneInfo("UTC"))
    start, end = (_by_the_clock(facts[name], zone) for name in ("start", "end"))
    # Who asks to wait names no seat.
    return _Asked(facts.get("seatId", ""), user_id, start, end, own)


def _by_the_clock(text: str, zone: ZoneInfo) -> datetime:
    """Return the time that a request names: without an offset, by the library's clock."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is not None else time.replace(tzinfo=zone)


def _may_have_stood(log: Log, tenure: Tenure, answer: Answer) -> bool:
    """Say whether the decision may have seen it: it was taken on a fresh read, after the request was sent.

    A refusal that tells its position was decided on the log up to there.
    """
    if tenure.left <= (answer.after if answer.position is None else answer.position):
        return False
    if answer.position is not None and tenure.position > answer.position:
        return False
    sent_after = log.at(answer.after)
    return not tenure.is_known_over(instant(sent_after.stored["time"]) if sent_after else None)


def _tenures(log: Log) -> list[Tenure]:
    """Return what was ever taken, each time as it was."""
    changes: defaultdict[str, list[tuple[int, Occupation, datetime | None]]] = defaultdict(list)
    for record in log.records:
        if record.type in STATE_AFTER:
            closes = record.facts.get("checkInUntil")
            check_in_until = instant(closes) if closes else None
            occupation = occupation_of(record)
            changes[occupation.id].append((record.position, occupation, check_in_until))
    return [
        Tenure(occupation, position, left, check_in_until)
        for of_one in changes.values()
        for (position, occupation, check_in_until), left in zip(
            of_one, [*(later for later, _, _ in of_one[1:]), log.head + 1], strict=True
        )
        if occupation.state != "free"
    ]


def _zones(log: Log) -> Mapping[str, ZoneInfo]:
    """Return the newest zone of each library."""
    return {
        record.facts["libraryId"]: ZoneInfo(record.facts["timeZone"])
        for record in log.of_types("library.created", "library.updated")
    }


def _longest_buffers(log: Log) -> Mapping[str, timedelta]:
    """Return the longest buffer that each library ever had: which one held at a refusal is not known."""
    longest: defaultdict[str, timedelta] = defaultdict(timedelta)
    for record in log.of_types("library.rules-set"):
        library_id, minutes = record.facts["libraryId"], record.facts["rules"].get("bufferMinutes", 0)
        longest[library_id] = max(longest[library_id], timedelta(minutes=minutes))
    return longest
