"""The events of the store: their positions, their epochs, and whether their tags are the catalogue's."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studyspot.catalogue.codec import UnreadableEvent, decode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import UnknownEvent
from studyspot.event_store.inspection import Ends, Inspection
from studyspot.log_audit.findings import Difference, Findings

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """The log after position `after` up to `until`, with each epoch and where it began."""

    database_url: str
    after: int
    until: int
    epochs: tuple[tuple[int, str], ...]


def audit_ends(ends: Ends, findings: Findings) -> None:
    """Look at the head row, and for events beyond it."""
    if ends.outside:
        first = ends.outside[0]
        what = (
            f"there is an event at position {first}; the head row says that the log has 1 to {ends.position}"
        )
        findings.add("event-outside", first, what, len(ends.outside))
    newest = ends.epochs[-1][1] if ends.epochs else None
    if newest != ends.epoch:
        what = f"the head row has epoch {ends.epoch}, the newest of the epochs is {newest}"
        findings.add("epoch-wrong", None, what)


def audit_slice(part: Slice) -> tuple[int, tuple[Difference, ...]]:
    """Look at every event of a slice; return how many there are, and what differs.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    findings, epochs = Findings(), _Epochs(part.epochs)
    looked, due = 0, part.after + 1
    with Inspection(part.database_url) as inspection:
        for rows in inspection.events(part.after, part.until):
            for position, epoch, event_type, data, tags in rows:
                if position != due:
                    _add_gap(due, position - 1, findings)
                due = position + 1
                if epoch != (known := epochs.at(position)):
                    what = f"the event at position {position} has epoch {epoch}, not {known}"
                    findings.add("epoch-wrong", position, what)
                _audit_tags(position, event_type, data, tags, findings)
            looked += len(rows)
    if due <= part.until:
        _add_gap(due, part.until, findings)
    return looked, findings.differences


def _audit_tags(position: int, event_type: str, data: bytes, tags: list[str], findings: Findings) -> None:
    try:
        happened, _ = decode(event_type, data)
        derived = list(tags_of(happened))
    except UnknownEvent as error:
        findings.add(
            "event-unknown", position, f"this release does not know the event at {position}: {error}"
        )
    except (UnreadableEvent, OverflowError) as error:
        cause = " ".join(str(error).split())
        findings.add("event-unreadable", position, f"the event at {position} cannot be read: {cause}")
    else:
        # Their order means nothing.
        if tags != derived and (wrong := _difference(tags, derived)):
            findings.add("tags-wrong", position, f"{event_type} at position {position} {wrong}")


def _difference(tags: Sequence[str], derived: Sequence[str]) -> str:
    """Return in words what stored tags have beyond the catalogue's, and what they lack."""
    beyond, lacking = Counter(tags) - Counter(derived), Counter(derived) - Counter(tags)
    parts = []
    if beyond:
        parts.append(f"has {_shown(beyond)}, beyond what the catalogue derives")
    if lacking:
        parts.append(f"lacks {_shown(lacking)}")
    return "; ".join(parts)


def _shown(tags: Counter[str]) -> str:
    several = list(tags.elements())
    more = f" and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
    return ", ".join(several[:_SHOWN]) + more


def _add_gap(first: int, last: int, findings: Findings) -> None:
    what = f"no event at position {first}" if first == last else f"no events at positions {first} to {last}"
    findings.add("position-missing", first, what, last - first + 1)


class _Epochs:
    """Which epoch the log was in, asked for in the order of positions."""

    def __init__(self, epochs: Sequence[tuple[int, str]]) -> None:
        self._later: Iterator[tuple[int, str]] = iter(epochs)
        self._now: str | None = None
        self._next = next(self._later, None)

    def at(self, position: int) -> str | None:
        while self._next is not None and self._next[0] < position:
            self._now = self._next[1]
            self._next = next(self._later, None)
        return self._now
