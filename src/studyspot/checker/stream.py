"""The stream against the store: every message is its record, at the same number."""

from collections.abc import Iterator, Sequence

import orjson

from studyspot.checker.log import Log
from studyspot.checker.records import Record, StreamMessage, same
from studyspot.checker.verdict import Finding, Kind

_WHO = "stream"


def judge_stream(log: Log, messages: Sequence[StreamMessage], *, settled: bool) -> Iterator[Finding]:
    """Find messages that are missing, too many, out of place, or not what the store has.

    A stream may begin after the log; with `settled`, it ends where the log ends.
    """
    if not messages:
        if settled and log.head:
            yield _finding(log.head, "the stream is empty")
        return
    expected = messages[0].position
    for message in messages:
        for position in range(expected, message.position):
            yield _finding(position, "the message is missing")
        if message.position < expected:
            yield _finding(message.position, "the message comes again")
        expected = message.position + 1
        record = log.at(message.position)
        if record is None:
            yield _finding(message.position, "the store has no such event")
            continue
        for sentence in _differences(record, message):
            yield _finding(message.position, sentence)
    if settled:
        for position in range(expected, log.head + 1):
            yield _finding(position, "the message is missing")


def _differences(record: Record, message: StreamMessage) -> Iterator[str]:
    facts = record.facts
    place = f"{facts.get('libraryId') or '_'}.{facts.get('userId') or '_'}"
    subject = f"studyspot.{record.type}.{place}"
    if message.subject != subject:
        yield f"the subject is {message.subject}, not {subject}"
    try:
        body = orjson.loads(message.body)
    except orjson.JSONDecodeError:
        yield "the message is not JSON"
        return
    expected = {
        "specversion": "1.0",
        "id": record.id,
        "type": record.wire_type,
        "subject": subject,
        "time": record.stored.get("time"),
        "sequence": str(record.position),
        "actor": record.actor,
        "commandid": record.stored.get("commandid"),
        "traceparent": record.stored.get("traceparent"),
        "data": dict(facts),
    }
    for name, value in expected.items():
        if not same(body.get(name), value):
            yield f"{name} is {body.get(name)!r}, in the store {value!r}"


def _finding(position: int, sentence: str) -> Finding:
    return Finding(Kind.STREAM, _WHO, position, sentence)
