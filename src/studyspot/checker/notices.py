"""Notices: each follows from an event before it, is for whom that concerns, and is sent once."""

from collections.abc import Iterator

from studyspot.checker.log import Log
from studyspot.checker.records import Record
from studyspot.checker.verdict import Finding, Kind


def judge_notices(log: Log) -> Iterator[Finding]:
    """Find causes that were told twice, or of which there are none."""
    first: dict[str, int] = {}
    for record in log.of_types("notification.sent"):
        cause = record.facts["cause"]
        earlier = first.setdefault(cause, record.position)
        if earlier != record.position:
            yield Finding(Kind.TWICE, "log", record.position, f"notice of {cause} was sent at {earlier}")
        for sentence in _judge_cause(log, record, cause):
            yield Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)


def _judge_cause(log: Log, record: Record, cause: str) -> Iterator[str]:
    if record.facts["kind"] == "personal":
        # Somebody wrote it: nothing before it has caused it.
        if cause != f"personal:{record.facts['notificationId']}" or record.facts.get("textId") is None:
            yield f"the personal notice is of {cause}, and its text {record.facts.get('textId')}"
        return
    position, _, rest = cause.partition(":")
    known = log.at(int(position)) if position.isdigit() else None
    if known is None or known.position >= record.position:
        yield f"the notice follows from {cause}, which had not happened"
        return
    if rest.partition(":")[0] != record.facts["kind"]:
        yield f"the notice is {record.facts['kind']}, and follows from {cause}"
    concerned = known.facts.get("userId")
    if concerned is not None and concerned != record.facts["userId"]:
        yield f"the notice is for {record.facts['userId']}, and {cause} concerns {concerned}"
