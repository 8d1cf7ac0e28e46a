"""Places in a waitlist: their transitions, the holds by which seats are offered, and whose turn it is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from studyspot.checker.history import History, Seat
from studyspot.checker.lines import Entry
from studyspot.checker.occupations import GIVES, Occupation, occupation_of
from studyspot.checker.records import Record, instant, same
from studyspot.checker.verdict import Finding, Kind

_MAY_FOLLOW: Mapping[str, frozenset[str | None]] = {
    "waitlist.joined": frozenset({None}),
    "waitlist.offered": frozenset({"waiting"}),
    "waitlist.left": frozenset({"waiting", "offered"}),
    "waitlist.offer-lapsed": frozenset({"offered"}),
    "waitlist.accepted": frozenset({"offered"}),
}
_KEPT = ("libraryId", "userId", "start", "end", "zone", "attributes")
_HELD = ("libraryId", "userId", "start", "end")
_OFFERED = (*_HELD, "seatId", "until")


def judge_waitlist(history: History, record: Record, together: Sequence[Record]) -> Iterator[Finding]:
    """Find what this record may not do to the place in line that it is about."""
    if record.type in _MAY_FOLLOW:
        for sentence in _sentences(history, record, together):
            yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)


def judge_turn(history: History, record: Record) -> Iterator[Finding]:
    """Find who was passed over when a seat was given: it could have been theirs, and they waited before.

    A booking from a hold has had its turn; and a library may move whom it has taken a seat from.
    """
    moved = record.type == "booking.rescheduled" and record.actor != record.facts["userId"]
    from_hold = record.type == "booking.created" and record.facts.get("holdId") is not None
    seat = history.seats.get(record.facts.get("seatId", ""))
    if record.type not in GIVES or moved or from_hold or seat is None:
        return
    new, moment = occupation_of(record), instant(record.stored["time"])
    line = history.lines.waiting(new.library_id, moment)
    for index, entry in enumerate(line):
        before = (other for other in line[:index] if other.user == new.user_id)
        if entry.user == new.user_id or any(own.overlaps(entry.start, entry.end) for own in before):
            continue
        if _could_be_theirs(history, seat, new, entry, moment):
            sentence = f"seat {new.seat_id} is given to {new.user_id}, and {entry.user} waited for it before"
            yield Finding(Kind.OUT_OF_TURN, "log", record.position, sentence)
            return


def judge_offers(history: History, together: Sequence[Record]) -> Iterator[Finding]:
    """Find, after an append, offers without a hold that stands, and holds for who is offered nothing."""
    for record in together:
        hold_id = record.facts.get("holdId")
        hold = history.holds.get(hold_id or "")
        entry_id = record.facts.get("entryId") or (hold or {}).get("entryId")
        if entry_id is None or hold_id is None:
            continue
        entry = history.lines.entries.get(entry_id)
        if entry is None or hold is None or hold.get("entryId") != entry_id:
            sentence = f"{record.type}: place {entry_id} and hold {hold_id} do not belong together"
            yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)
            continue
        is_offered = entry.status == "offered" and entry.hold_id == hold_id
        if is_offered is not (hold["status"] == "held"):
            sentence = f"place {entry_id} is {entry.status}, and its hold {hold_id} is {hold['status']}"
            yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)


def _sentences(history: History, record: Record, together: Sequence[Record]) -> Iterator[str]:
    facts, moment = record.facts, instant(record.stored["time"])
    entry = history.lines.entries.get(facts["entryId"])
    what, status = f"{record.type} of {facts['entryId']}", entry.status if entry is not None else None
    if status not in _MAY_FOLLOW[record.type]:
        yield f"{what}, which was {status or 'unknown'}"
        return
    if entry is None:
        yield from _joining(history, record, what, moment)
        return
    for field in _KEPT:
        if not same(facts.get(field), entry.facts.get(field)):
            yield f"{what} says {field} {facts.get(field)!r}, and it is {entry.facts.get(field)!r}"
    match record.type:
        case "waitlist.offered":
            yield from _offering(history, record, entry, what, moment)
        case "waitlist.left":
            yield from _leaving(record, entry, what, moment)
        case "waitlist.offer-lapsed":
            ends = [other for other in together if other.facts.get("holdId") == entry.hold_id]
            in_vain = any(
                other.type == "hold.lapsed" or (other.type == "hold.released" and other.actor == entry.user)
                for other in ends
            )
            if facts["holdId"] != entry.hold_id or (in_vain and facts["status"] != "lapsed"):
                by = facts["holdId"]
                yield f"{what} is {facts['status']} by hold {by}, and was offered {entry.hold_id}"
        case "waitlist.accepted":
            booking = next((other for other in together if other.type == "booking.created"), None)
            accepted = (facts["holdId"], facts["bookingId"])
            told = (booking.facts.get("holdId"), booking.facts["bookingId"]) if booking is not None else None
            if facts["holdId"] != entry.hold_id or accepted != told:
                yield f"{what} by {accepted}, and the booking is {told}, the offer {entry.hold_id}"
        case _:
            pass


def _joining(history: History, record: Record, what: str, moment: datetime) -> Iterator[str]:
    facts = record.facts
    start, end, revoked = instant(facts["start"]), instant(facts["end"]), facts.get("revokedBookingId")
    for other in history.lines.of_user(facts["userId"], facts["libraryId"]):
        hold = history.holds.get(other.hold_id or "", {})
        is_live = not other.is_over(moment) if other.status == "waiting" else moment < instant(hold["until"])
        if is_live and other.overlaps(start, end):
            yield f"{what}, and {facts['userId']} waits there already"
    if revoked is not None:
        booking = history.bookings.get(revoked, {})
        if booking.get("status") != "revoked" or booking["userId"] != facts["userId"]:
            yield f"{what} comes first for {revoked}, which was not revoked from {facts['userId']}"


def _offering(history: History, record: Record, entry: Entry, what: str, moment: datetime) -> Iterator[str]:
    facts = record.facts
    hold, seat = history.holds.get(facts["holdId"], {}), history.seats.get(facts["seatId"])
    for field in _OFFERED:
        if not same(facts[field], hold.get(field)):
            yield f"{what} says {field} {facts[field]!r}, and its hold {hold.get(field)!r}"
    if entry.is_over(moment):
        yield f"{what} at {moment.isoformat()}, when its time had begun"
    if seat is not None and not _suits(seat, entry):
        yield f"{what} is of seat {facts['seatId']}, for which nobody waits there"


def _leaving(record: Record, entry: Entry, what: str, moment: datetime) -> Iterator[str]:
    reason = record.facts["reason"]
    if reason == "over" and not entry.is_over(moment):
        yield f"{what} as over, before its time had begun"
    if reason != "asked" and entry.status == "offered":
        yield f"{what} as {reason}, while a seat was offered"


def _could_be_theirs(history: History, seat: Seat, new: Occupation, entry: Entry, moment: datetime) -> bool:
    """Say whether the seat could have been offered to who waits, beyond doubt."""
    until = entry.end + (new.occupied_until - new.end)
    if not (entry.start < new.occupied_until and new.start < until) or not _suits(seat, entry):
        return False
    closures = history.closures.get(new.library_id, {}).values()
    if not entry.is_as_joined or any(closure.meets(entry.start, entry.end) for closure in closures):
        return False
    return not any(
        other.takes_seat(entry.start, until) and not other.is_over(moment)
        for other in history.of_seat(new.seat_id)
    )


def _suits(seat: Seat, entry: Entry) -> bool:
    zone, wanted = entry.facts.get("zone"), entry.facts.get("attributes") or {}
    return zone in (None, seat.zone) and all(
        same(seat.attributes.get(name), value) for name, value in wanted.items()
    )
