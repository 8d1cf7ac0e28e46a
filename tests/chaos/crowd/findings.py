"""What to show of a verdict that is not clean: the first difference, and what its client saw around it."""

from collections.abc import Iterator, Sequence

from studyspot.checker.passages import Passage, Socket
from studyspot.checker.records import Record
from studyspot.checker.verdict import Finding, Verdict

_AROUND = 6
_OF_RIGHTS = ("library.created", "staff.", "account.")


def first_difference(verdict: Verdict, sockets: Sequence[Socket], records: Sequence[Record]) -> Iterator[str]:
    """Yield lines about the finding of the lowest position that a socket had."""
    seen = {socket.who: socket for socket in sockets}
    of_sockets = [finding for finding in verdict.findings if finding.who in seen]
    if not of_sockets:
        return
    first = min(of_sockets, key=lambda finding: finding.position or 0)
    socket = seen[first.who]
    yield f"first: {first}"
    yield from _what_was_seen(first, socket)
    yield f"rights of {socket.user}:"
    for record in records:
        is_theirs = socket.user in (record.facts.get("userId"), record.facts.get("ownerId"))
        if is_theirs and record.type.startswith(_OF_RIGHTS):
            of = record.facts.get("libraryId") or record.facts.get("role") or ""
            yield f"  {record.position} {record.type} {of}"


def _what_was_seen(finding: Finding, socket: Socket) -> Iterator[str]:
    """Yield the frames of each connection that passed the position, around it."""
    position = finding.position or 0
    for number, connection in enumerate(socket.connections, start=1):
        passages = connection.passages
        reached = [_position(passage) for passage in passages]
        if position > max(reached, default=0):
            continue
        at = next(index for index, known in enumerate(reached) if known >= position)
        yield f"connection {number} of {len(socket.connections)}, closed with {connection.close_code}:"
        shown = {*range(3), *range(max(0, at - _AROUND), min(len(passages), at + _AROUND))}
        for index in sorted(shown):
            if index < len(passages):
                yield f"  {index}: {_told(passages[index])}"


def _position(passage: Passage) -> int:
    position = passage.frame.get("position", passage.frame.get("head", 0))
    return 0 if passage.sent else int(position)


def _told(passage: Passage) -> str:
    frame = {name: value for name, value in passage.frame.items() if name != "event"}
    return f"{'→' if passage.sent else '←'} {frame}"
