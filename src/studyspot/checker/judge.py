"""The judge: everything that was recorded, one verdict."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from studyspot.checker.answers import judge_answers
from studyspot.checker.log import Log, judge_form, judge_log
from studyspot.checker.notices import judge_notices
from studyspot.checker.passages import Socket
from studyspot.checker.progress import Progress
from studyspot.checker.read_models import Read, judge_replay
from studyspot.checker.records import Answer, Record, StreamMessage
from studyspot.checker.refusals import judge_refusals
from studyspot.checker.rooms import Rooms
from studyspot.checker.sockets import judge_socket
from studyspot.checker.stream import judge_stream
from studyspot.checker.verdict import Finding, Verdict
from studyspot.checker.winners import judge_winners


@dataclass(slots=True)
class Evidence:
    """All that is known of one run; what was not collected is not judged.

    `answers` hold every attempt of the actors in them. `settled`: when the evidence was taken, nothing was
    on its way any more, so that the stream and every open socket have reached the log's head.
    """

    records: Iterable[Record]
    messages: list[StreamMessage] | None = None
    answers: list[Answer] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    settled: bool = True


def judge(evidence: Evidence) -> Verdict:
    """Judge a run by its evidence alone; by a log that cannot be read, nothing else is judged."""
    log = Log(evidence.records)
    judged = {
        "events": len(log.records),
        "messages": len(evidence.messages or ()),
        "answers": len(evidence.answers),
        "sockets": len(evidence.sockets),
        "frames": sum(len(part.passages) for socket in evidence.sockets for part in socket.connections),
        "reads": len(evidence.reads),
    }
    unreadable = tuple(judge_form(log))
    left_out: Counter[str] = Counter()
    verdict = Verdict.of(unreadable or _findings(log, evidence, left_out), judged)
    return replace(verdict, judged=judged | {"frames left out": left_out.total()})


def _findings(log: Log, evidence: Evidence, left_out: Counter[str]) -> Iterator[Finding]:
    """Find everything; count for each socket what did not come because newer frames stand for it."""
    yield from judge_log(log)
    yield from judge_replay(log, evidence.reads)
    yield from judge_notices(log)
    if evidence.messages is not None:
        yield from judge_stream(log, evidence.messages, settled=evidence.settled)
    yield from judge_answers(log, evidence.answers)
    yield from judge_refusals(log, evidence.answers)
    yield from judge_winners(log, evidence.answers)
    rooms = Rooms(log)
    for socket in evidence.sockets:
        progress = Progress()
        yield from judge_socket(log, rooms, socket, settled=evidence.settled, progress=progress)
        left_out[socket.who] += len(progress.left_out)
