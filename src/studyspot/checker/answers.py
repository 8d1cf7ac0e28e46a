"""The answers to commands: what was acknowledged is in the log, once, and nothing that was not asked for."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from studyspot.checker.effects import change_of, effect_of
from studyspot.checker.log import Log
from studyspot.checker.records import Answer, Record, same
from studyspot.checker.verdict import Finding, Kind

_LIBRARY = re.compile(r"/api/libraries/[^/]+$")
_OUTSIDE_THE_LOG = ("/api/auth/", "/api/notifications/muted", "/api/bookings/calendar")
_PARTS = frozenset({"booking.revoked", "booking.rescheduled", "hold.released", "hold.lapsed"})
"""What is done to each of many bookings and holds."""


def judge_answers(log: Log, answers: Sequence[Answer]) -> Iterator[Finding]:
    """Find acknowledged commands that the log lost, applied twice or altered.

    The answers must be all that their actors got, lost ones included.
    """
    for answer in answers:
        if answer.accepted and answer.method != "GET" and not answer.path.startswith(_OUTSIDE_THE_LOG):
            yield from _judge_acceptance(log, answer)
    yield from _judge_keys(answers)
    yield from _judge_unasked(log, answers)


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
    change = change_of(answer)
    if change is not None:
        for sentence in change.differences(log, position):
            yield _finding(Kind.LOST, answer, sentence)
    yield from _judge_effect(log, answer, position)


def _judge_effect(log: Log, answer: Answer, position: int) -> Iterator[Finding]:
    effect = effect_of(answer)
    if effect is None:
        return
    record = effect.record(log, answer)
    if record is None:
        there = log.at(position)
        found = "nothing" if there is None else f"{there.type} by {there.actor}"
        shown = " ".join(str(value) for value in effect.facts.values())
        sentence = f"was acknowledged as {effect.type} {shown}, and the log has {found} there"
        yield _finding(Kind.LOST, answer, sentence)
        return
    for name, value in effect.told.items():
        if name in record.facts and not same(record.facts[name], value):
            sentence = f"was answered with {name} {value!r}, and the log has {record.facts[name]!r}"
            yield _finding(Kind.ALTERED, answer, sentence)


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
    many: set[str] = set()
    for answer in answers:
        acknowledged[answer.who] |= {answer.position} if answer.accepted and answer.position else set()
        if answer.accepted and answer.key:
            keys_accepted.add((answer.who, answer.key))
        if _is_many(answer):
            many.add(answer.who)
    for number, answer in enumerate(answers):
        lost = answer.status is None or answer.status >= 500
        if lost and answer.method != "GET" and (answer.who, answer.key) not in keys_accepted:
            unanswered[answer.who].add(answer.key or number)
    commands: dict[str, list[Record]] = {}
    for record in log.records:
        if record.actor in acknowledged:
            commands.setdefault(str(record.stored.get("commandid")), []).append(record)
    for records in commands.values():
        who, last = str(records[0].actor), records[-1]
        if any(record.position in acknowledged[who] for record in records):
            continue
        if _is_part(records, who in many):
            continue
        if unanswered[who]:
            unanswered[who].pop()
            continue
        sentence = f"{last.type} was acknowledged to nobody, and none of their requests went unanswered"
        yield Finding(Kind.TWICE, who, last.position, sentence)


def _is_many(answer: Answer) -> bool:
    """Say whether the request was for many decisions, of which only the last has the answer's position."""
    retires = answer.method == "DELETE" and _LIBRARY.match(answer.path) is not None
    return retires or answer.path.endswith("/affected/resolve")


def _is_part(records: Sequence[Record], of_many: bool) -> bool:
    """Say whether a command was part of a request that told no position of it.

    A refused retirement has closed the library and opened it again; whose role and status are changed by one
    request is told the position of the last; and who registers need not have asked by this socket or client.
    """
    if all(record.type.startswith(("closure.", "account.")) for record in records):
        return True
    return of_many and any(record.type in _PARTS for record in records)


def _id(answer: Answer) -> object:
    return answer.body.get("id") if isinstance(answer.body, Mapping) else None


def _finding(kind: Kind, answer: Answer, sentence: str) -> Finding:
    return Finding(kind, answer.who, answer.position, f"{answer.method} {answer.path} {sentence}")
