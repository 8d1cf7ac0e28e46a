"""The lives of holds and bookings: no transition but the legal ones, each while the clock allows it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from studyspot.checker.history import History
from studyspot.checker.records import Record, instant, same
from studyspot.checker.verdict import Finding, Kind

_MAY_FOLLOW: Mapping[str, frozenset[str | None]] = {
    "hold.placed": frozenset({None}),
    "hold.released": frozenset({"held"}),
    "hold.lapsed": frozenset({"held"}),
    "booking.created": frozenset({None}),
    "booking.rescheduled": frozenset({"confirmed"}),
    "booking.checked-in": frozenset({"confirmed"}),
    "booking.cancelled": frozenset({"confirmed"}),
    "booking.no-show": frozenset({"confirmed"}),
    "booking.checked-out": frozenset({"checked-in"}),
    "booking.completed": frozenset({"checked-in"}),
    "booking.revoked": frozenset({"confirmed", "checked-in"}),
}
_DEADLINES: Mapping[str, tuple[str, str]] = {
    "held": ("until", "hold.lapsed"),
    "confirmed": ("checkInUntil", "booking.no-show"),
    "checked-in": ("occupiedUntil", "booking.completed"),
}
"""By status: when it ends by itself, and the event that says so."""

_PLACE = ("occupation", "libraryId", "userId", "seatId", "start", "end", "occupiedUntil")
_HOLD = (*_PLACE, "entryId")
_BOOKING = (*_PLACE, "amountMinor", "currency")
_KEPT_BY: Mapping[str, tuple[str, ...]] = {
    "hold.placed": (),
    "booking.created": (),
    "booking.rescheduled": ("occupation", "libraryId", "userId", "currency"),
}
"""What an event may not change: all facts of its kind, unless it stands here."""

_PREVIOUS: Mapping[str, str] = {
    "previousSeatId": "seatId",
    "previousStart": "start",
    "previousEnd": "end",
    "previousOccupiedUntil": "occupiedUntil",
    "previousAmountMinor": "amountMinor",
}


def judge_lifecycle(history: History, record: Record) -> Iterator[Finding]:
    """Find what this record may not do to the hold or booking that it is about."""
    for sentence in _sentences(history, record):
        yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)


def _sentences(history: History, record: Record) -> Iterator[str]:
    if record.type not in _MAY_FOLLOW:
        return
    facts, is_hold = record.facts, record.type.startswith("hold.")
    known, name = (history.holds, "holdId") if is_hold else (history.bookings, "bookingId")
    before = known.get(facts[name], {})
    status = before.get("status")
    what = f"{record.type} of {facts[name]}"
    if status not in _MAY_FOLLOW[record.type]:
        yield f"{what}, which was {status or 'unknown'}"
        return
    moment = instant(record.stored["time"])
    if status is None:
        yield from _beginning(history, record, what, moment)
        return
    yield from _in_time(record, before, what, moment)
    for field in _KEPT_BY.get(record.type, _HOLD if is_hold else _BOOKING):
        if not same(facts.get(field), before.get(field)):
            yield f"{what} says {field} {facts.get(field)!r}, and it is {before.get(field)!r}"
    match record.type:
        case "booking.rescheduled":
            for field, earlier in _PREVIOUS.items():
                if not same(facts.get(field), before.get(earlier)):
                    yield f"{what} says {field} {facts.get(field)!r}, and it was {before.get(earlier)!r}"
        case "booking.cancelled":
            free_until = before["freeCancelUntil"]
            if facts["late"] is not (moment > instant(free_until)):
                yield f"{what} says late {facts['late']}, and was free until {free_until}"
        case _:
            pass


def _beginning(history: History, record: Record, what: str, moment: datetime) -> Iterator[str]:
    """A hold or booking begins with an occupation of its own; a booking from a hold keeps the hold's."""
    facts = record.facts
    hold_id = facts.get("holdId") if record.type == "booking.created" else None
    if hold_id is None:
        if facts["occupation"] in history.occupations:
            yield f"{what} has occupation {facts['occupation']}, which is another's"
        return
    hold = history.holds.get(hold_id, {})
    status = hold.get("status")
    if status != "held":
        yield f"{what} from hold {hold_id}, which was {status or 'unknown'}"
        return
    if moment >= instant(hold["until"]):
        yield f"{what} from hold {hold_id}, which was over at {hold['until']}"
    # The buffer after it is that of the moment.
    for field in ("occupation", "libraryId", "userId", "seatId", "start", "end"):
        if not same(facts[field], hold[field]):
            yield f"{what} has another {field} than hold {hold_id}"


def _in_time(record: Record, before: Mapping[str, Any], what: str, moment: datetime) -> Iterator[str]:
    """A deadline takes effect at its time, and not before it, whether or not anybody noticed."""
    field, ending = _DEADLINES[before["status"]]
    if (moment >= instant(before[field])) is not (record.type == ending):
        yield f"{what} at {moment.isoformat()}, while {field} is {before[field]}"
    if record.type == "booking.checked-in" and moment < instant(before["checkInFrom"]):
        yield f"{what} at {moment.isoformat()}, before check-in opened at {before['checkInFrom']}"
