"""The answers to commands: what was acknowledged is in the log, once, and what was refused had a cause."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from studyspot.checker.history import STATE_AFTER
from studyspot.checker.log import Log
from studyspot.checker.records import Answer, Record, instant, same
from studyspot.checker.verdict import Finding, Kind

_BOOKING_ROUTES = {
    "cancel": "booking.cancelled",
    "check-in": "booking.checked-in",
    "check-out": "booking.checked-out",
}
_PATH = re.compile(
    r"/api/(?P<root>libraries|bookings)(?:/(?P<id>[^/]+))?(?:/(?P<part>[^/]+))?(?:/(?P<of>[^/]+))?$"
)


def judge_answers(log: Log, answers: Sequence[Answer]) -> Iterator[Finding]:
    """Find acknowledged commands that the log lost, applied twice or altered; and refusals without a cause.

    The answers must be all that their actors got, lost ones included.
    """
    for answer in answers:
        if answer.accepted and answer.method != "GET":
            yield from _judge_acceptance(log, answer)
    yield from _judge_keys(answers)
    yield from _judge_unasked(log, answers)
    yield from _judge_refusals(log, answers)


def _judge_acceptance(log: Log, answer: Answer) -> Iterator[Finding]:
    position = answer.position
    if position is None:
        yield _finding(Kind.ALTERED, answer, "was accepted without a position")
        return
    if isinstance(answer.body, Mapping) and answer.body.get("position", position) != position:
        yield _finding(Kind.ALTERED, answer, f"has position {answer.body['position']} in its body")
    if position > log.head:
        yield _finding(Kind.LOST, answer, f"was acknowledged, and the log ends at {log.head}")
        return
    yield from _judge_change(log, answer)
    expected = _expected(answer)
    if expected is None:
        return
    event_type, facts = expected
    record = log.at(position)
    if record is None or record.type != event_type or record.actor != answer.who or not _has(record, facts):
        found = "nothing" if record is None else f"{record.type} by {record.actor}"
        sentence = f"was acknowledged as {event_type} {_shown(facts)}, and the log has {found} there"
        yield _finding(Kind.LOST, answer, sentence)
        return
    for name, value in _told(answer).items():
        if name in record.facts and not same(record.facts[name], value):
            sentence = f"was answered with {name} {value!r}, and the log has {record.facts[name]!r}"
            yield _finding(Kind.ALTERED, answer, sentence)


def _judge_change(log: Log, answer: Answer) -> Iterator[Finding]:
    """A PATCH made it so, or it was so already: the newest event about it says the same."""
    match = _PATH.match(answer.path)
    if match is None or answer.method != "PATCH" or not isinstance(answer.body, Mapping):
        return
    if match["part"] == "seats":
        types, whose = ("seat.added", "seat.availability-changed"), ("seatId", match["of"])
        wanted = {"inService": answer.body["inService"]}
    else:
        types, whose = ("library.created", "library.updated"), ("libraryId", match["id"])
        wanted = {name: answer.body[name] for name in answer.request or () if name in answer.body}
    newest: Mapping[str, Any] = {}
    for record in log.of_types(*types):
        if record.position <= (answer.position or 0) and record.facts.get(whose[0]) == whose[1]:
            newest = {"inService": True, **record.facts}
    for name, value in wanted.items():
        if not same(newest.get(name), value):
            sentence = f"made {name} {value!r}, and the log says {newest.get(name)!r}"
            yield _finding(Kind.LOST, answer, sentence)


def _expected(answer: Answer) -> tuple[str, Mapping[str, Any]] | None:
    """Return the type and facts of the event at the answer's position.

    None where nothing need have happened: a change of what was so already.
    """
    match = _PATH.match(answer.path)
    if match is None or not isinstance(answer.body, Mapping):
        return None
    body, own, part = answer.body, match["id"], match["part"]
    match answer.method, match["root"], part:
        case "POST", "libraries", None:
            return "library.created", {"libraryId": body["id"]}
        case "POST", "libraries", "seats":
            return "seat.added", {"libraryId": own, "seatId": body["seats"][-1]["id"]}
        case "PUT", "libraries", "pricing":
            return "pricing.updated", {"libraryId": own, "priceVersion": body["priceVersion"]}
        case "DELETE", "libraries", None:
            return "library.deleted", {"libraryId": own}
        case "POST", "bookings", None:
            return "booking.created", {"bookingId": body["id"]}
        case "POST", "bookings", str() if part in _BOOKING_ROUTES:
            return _BOOKING_ROUTES[part], {"bookingId": own}
        case _:
            return None


def _told(answer: Answer) -> Mapping[str, Any]:
    body: Mapping[str, Any] = answer.body
    return {name: value for name, value in body.items() if name not in ("id", "position", "seats")}


def _has(record: Record, facts: Mapping[str, Any]) -> bool:
    return all(same(record.facts.get(name), value) for name, value in facts.items())


def _shown(facts: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in facts.values())


def _judge_keys(answers: Iterable[Answer]) -> Iterator[Finding]:
    """One key has one effect: every success under it tells the same position and id."""
    first: dict[tuple[str, str], Answer] = {}
    for answer in answers:
        if answer.key is None or not answer.accepted:
            continue
        known = first.setdefault((answer.who, answer.key), answer)
        if (known.position, _id(known)) != (answer.position, _id(answer)):
            sentence = f"was answered under key {answer.key} with another effect than at {known.position}"
            yield _finding(Kind.TWICE, answer, sentence)


def _judge_unasked(log: Log, answers: Iterable[Answer]) -> Iterator[Finding]:
    """Every command in the log was acknowledged, or belongs to an attempt whose answer was lost."""
    acknowledged: defaultdict[str, set[int]] = defaultdict(set)
    keys_accepted: set[tuple[str, str]] = set()
    unanswered: defaultdict[str, set[object]] = defaultdict(set)
    for answer in answers:
        acknowledged[answer.who] |= {answer.position} if answer.accepted and answer.position else set()
        if answer.accepted and answer.key:
            keys_accepted.add((answer.who, answer.key))
    for number, answer in enumerate(answers):
        lost = answer.status is None or answer.status >= 500
        if lost and answer.method != "GET" and (answer.who, answer.key) not in keys_accepted:
            unanswered[answer.who].add(answer.key or number)
    commands: dict[str, list[Record]] = {}
    for record in log.records:
        # A refused retirement has closed the library and opened it again.
        if record.actor in acknowledged and not record.type.startswith("closure."):
            commands.setdefault(str(record.stored.get("commandid")), []).append(record)
    for records in commands.values():
        who, last = str(records[0].actor), records[-1]
        if any(record.position in acknowledged[who] for record in records):
            continue
        if unanswered[who]:
            unanswered[who].pop()
            continue
        sentence = f"{last.type} was acknowledged to nobody, and none of their requests went unanswered"
        yield Finding(Kind.TWICE, who, last.position, sentence)


def _judge_refusals(log: Log, answers: Iterable[Answer]) -> Iterator[Finding]:
    """A seat that was called taken was taken, at some time, for some of the interval."""
    taken: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in log.records:
        if STATE_AFTER.get(record.type, "free") != "free":
            taken[record.facts["seatId"]].append(record.facts)
    for answer in answers:
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if answer.status != 409 or body.get("type") != "/problems/seat-taken":
            continue
        asked = answer.request
        start, end = instant(asked["start"]), instant(asked["end"])
        if not any(
            instant(facts["start"]) < end and start < instant(facts["end"])
            for facts in taken[asked["seatId"]]
        ):
            yield _finding(
                Kind.FALSE_REFUSAL, answer, f"was told that {asked['seatId']} is taken; it never was"
            )


def _id(answer: Answer) -> object:
    return answer.body.get("id") if isinstance(answer.body, Mapping) else None


def _finding(kind: Kind, answer: Answer, sentence: str) -> Finding:
    return Finding(kind, answer.who, answer.position, f"{answer.method} {answer.path} {sentence}")
