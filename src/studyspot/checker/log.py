"""The log by itself: contiguous, readable, one epoch after another."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby

from studyspot.checker.records import Record, instant
from studyspot.checker.verdict import Finding, Kind

WHO = "log"

_TIMES = frozenset(
    {
        *("start", "end", "occupiedUntil", "until", "revokeAt", "missedAt"),
        *("checkInFrom", "checkInUntil", "freeCancelUntil"),
        *("previousStart", "previousEnd", "previousOccupiedUntil"),
    }
)
_OCCUPIES = frozenset({"occupation", "libraryId", "seatId", "userId", "start", "end", "occupiedUntil"})
_BOOKS = _OCCUPIES | {"bookingId", "amountMinor", "currency"}
_TERMS = _BOOKS | {"checkInFrom", "checkInUntil", "freeCancelUntil", "lateRefundPercent", "planShare"}
_WAITS = frozenset({"entryId", "libraryId", "userId", "start", "end", "zone", "attributes"})
_NEEDED = {
    "hold": _OCCUPIES | {"holdId", "until"},
    "booking": _BOOKS,
    "booking.created": _TERMS,
    "booking.rescheduled": _TERMS
    | {"previousSeatId", "previousStart", "previousEnd", "previousOccupiedUntil", "previousAmountMinor"},
    "booking.cancelled": _BOOKS | {"late", "keptMinor"},
    "payment.recorded": _BOOKS | {"paymentMinor", "paidMinor"},
    "payment.refunded": _BOOKS | {"refundMinor", "paidMinor"},
    "library": frozenset({"libraryId"}),
    "library.created": frozenset({"libraryId", "ownerId", "timeZone"}),
    "library.updated": frozenset({"libraryId", "timeZone"}),
    "library.rules-set": frozenset({"libraryId", "rules"}),
    "closure.announced": frozenset({"libraryId", "closureId", "start"}),
    "closure.withdrawn": frozenset({"libraryId", "closureId"}),
    "pricing": frozenset({"libraryId"}),
    "seat": frozenset({"libraryId", "seatId"}),
    "seat.added": frozenset({"libraryId", "seatId", "label", "zone"}),
    "seat.updated": frozenset({"libraryId", "seatId", "label", "zone"}),
    "seat.availability-changed": frozenset({"libraryId", "seatId", "inService"}),
    "notification.sent": frozenset({"notificationId", "userId", "kind", "parameters", "cause"}),
    "notification.read": frozenset({"notificationId", "userId"}),
    "announcement.made": frozenset({"announcementId", "title", "text"}),
    "staff": frozenset({"libraryId", "userId"}),
    "staff.invited": frozenset({"libraryId", "invitationId", "userId", "until"}),
    "staff.added": frozenset({"libraryId", "invitationId", "userId"}),
    "account": frozenset({"userId"}),
    "account.registered": frozenset({"userId", "role"}),
    "account.role-changed": frozenset({"userId", "role", "previousRole"}),
    "waitlist": _WAITS,
    "waitlist.left": _WAITS | {"reason"},
    "waitlist.offered": _WAITS | {"holdId", "seatId", "until"},
    "waitlist.offer-lapsed": _WAITS | {"status", "holdId", "seatId"},
    "waitlist.accepted": _WAITS | {"holdId", "bookingId"},
}


class Log:
    """The records by position, and the people they name."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records: Sequence[Record] = tuple(records)
        self._by_position = {record.position: record for record in self.records}

    @property
    def head(self) -> int:
        """The newest position; 0 when nothing has happened."""
        return max(self._by_position, default=0)

    def at(self, position: int) -> Record | None:
        return self._by_position.get(position)

    def appends(self) -> Iterator[tuple[Record, ...]]:
        """Yield the records of one command after the other: what was appended together."""
        for _, together in groupby(self.records, key=lambda record: record.stored["commandid"]):
            yield tuple(together)

    def append_of(self, position: int) -> tuple[Record, ...]:
        """Return the records that were appended with the one at a position; none where there is none."""
        last = self._by_position.get(position)
        if last is None:
            return ()
        together = [last]
        while (before := self._by_position.get(together[0].position - 1)) is not None:
            if before.stored["commandid"] != last.stored["commandid"]:
                break
            together.insert(0, before)
        return tuple(together)

    def of_types(self, *types: str) -> Iterator[Record]:
        return (record for record in self.records if record.type in types)

    @cached_property
    def people(self) -> frozenset[str]:
        """Every user id that the log names anywhere."""
        named = {record.actor for record in self.records}
        for record in self.records:
            named |= {record.facts.get("userId"), record.facts.get("ownerId")}
        return frozenset(person for person in named if isinstance(person, str))


def judge_log(log: Log) -> Iterator[Finding]:
    """Find positions that are missing, repeated or out of order, and epochs that come back."""
    expected, epochs = 1, dict[str, None]()
    for record in log.records:
        if record.position > expected:
            yield Finding(Kind.LOG_GAP, WHO, expected, f"the next position is {record.position}")
        elif record.position < expected:
            yield Finding(Kind.TWICE, WHO, record.position, f"comes where {expected} should")
        expected = record.position + 1
        if record.epoch in epochs and record.epoch != next(reversed(epochs)):
            yield Finding(Kind.OUT_OF_ORDER, WHO, record.position, f"epoch {record.epoch} had ended before")
        epochs[record.epoch] = None


def judge_form(log: Log) -> Iterator[Finding]:
    """Find events that lack what every reader of their type needs: nothing else can be judged by them."""
    for record in log.records:
        missing = {"v", "time", "commandid", "data"} - record.stored.keys()
        missing |= _needed(record.type) - record.facts.keys()
        if missing:
            yield Finding(Kind.UNREADABLE, WHO, record.position, f"has no {', '.join(sorted(missing))}")
            continue
        times = [
            record.stored["time"],
            *(record.facts[name] for name in sorted(_TIMES & record.facts.keys())),
        ]
        for time in filter(None, times):
            try:
                instant(time)
            except (ValueError, TypeError):
                yield Finding(Kind.UNREADABLE, WHO, record.position, f"{time!r} is not a time")


def _needed(event_type: str) -> frozenset[str]:
    return _NEEDED.get(event_type) or _NEEDED.get(event_type.partition(".")[0], frozenset())
