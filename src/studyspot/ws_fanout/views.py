"""Views: what of an event is shown, as lists of what may be, over the whole envelope and not only its data.

A field that stands in no list is shown to nobody, however an event grows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studyspot.domain.events import NoticeKind

SeatState = Literal["held", "booked", "occupied", "free", "out-of-service"]

_PUBLIC = ("id", "type", "time", "sequence")
_PARTY = (*_PUBLIC, "actor", "commandid", "traceparent")
_OCCUPATION = (
    "libraryId",
    "seatId",
    "userId",
    "start",
    "end",
    "occupiedUntil",
    "status",
    "occupation",
    "state",
)
_BOOKING = (
    "bookingId",
    *_OCCUPATION,
    "amountMinor",
    "currency",
    "planId",
    "priceVersion",
    "checkInFrom",
    "checkInUntil",
    "freeCancelUntil",
    "lateRefundPercent",
    "planShare",
    "holdId",
    "seriesId",
    "previousSeatId",
    "previousStart",
    "previousEnd",
    "previousOccupiedUntil",
    "previousAmountMinor",
    "late",
    "keptMinor",
    "missedAt",
    "reason",
    "closureId",
    "reasonId",
    "paymentId",
    "paymentMinor",
    "refundMinor",
    "paidMinor",
    "method",
    "referenceId",
)
_DETAILS = ("libraryId", "name", "city", "address", "timeZone", "amenities")
_SEAT = ("seatId", "occupation", "state", "start", "end")


@dataclass(frozen=True, slots=True)
class View:
    """What one kind of reader sees; of several, a socket gets the one with the greatest `richness`.

    A field is shown under its own name, unless `sources` says which other one it is taken from. An event that
    is shown as a notice is of the kind `notice`, and tells `parameters` of its data.
    """

    richness: int
    envelope: tuple[str, ...]
    data: tuple[str, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    names_student: bool = False
    notice: NoticeKind | None = None
    parameters: tuple[str, ...] = ()


SUMMARY = View(1, _PUBLIC, ("libraryId", "start", "end"))
PUBLIC_SEAT = View(2, _PUBLIC, (*_SEAT, "until"), sources={"end": "occupiedUntil"})
"""Richer than the summary, without which a seat map does well; without this it would be wrong."""
FULL = View(3, _PARTY, _BOOKING)
STAFF = View(4, _PARTY, (*_BOOKING, "studentName"), names_student=True)
STAFF_HOLD = View(4, _PARTY, ("holdId", *_OCCUPATION, "until", "entryId", "studentName"), names_student=True)
"""That a hold is an offer from the waitlist is for the library's staff alone."""
STAFF_SEAT = View(4, _PARTY, ("libraryId", *_SEAT, "inService", "revokeAt"))

LIBRARY_CREATED = View(2, _PUBLIC, (*_DETAILS, "currency"))
LIBRARY_UPDATED = View(2, _PUBLIC, _DETAILS)
LIBRARY_DELETED = View(2, _PUBLIC, ("libraryId",))
HOURS = View(2, _PUBLIC, ("libraryId", "hours"))
RULES = View(2, _PUBLIC, ("libraryId", "rules"))
CLOSURE = View(2, _PUBLIC, ("libraryId", "closureId", "start", "end", "revokeAt"))
PRICING = View(2, _PUBLIC, ("libraryId", "priceVersion", "currency", "plans"))
SEAT = View(2, _PUBLIC, ("libraryId", "seatId", "label", "zone", "attributes", "revokeAt"))
_NOTICE = ("notificationId", "userId", "libraryId", "kind", "parameters")
NOTIFICATION = View(3, _PARTY, (*_NOTICE, "textId"))
OFFER = View(
    3,
    _PARTY,
    _NOTICE,
    sources={"notificationId": "holdId"},
    notice="waitlist-offered",
    parameters=("entryId", "holdId", "seatId", "start", "end", "until"),
)
"""An offer from the waitlist is a notice of its own, called by its hold."""
ANNOUNCEMENT = View(2, _PUBLIC, ("announcementId", "title", "text"))

_UNOCCUPIED: Mapping[str, Any] = {"occupation": None, "start": None, "end": None, "occupiedUntil": None}


def show(
    view: View, envelope: Mapping[str, Any], state: SeatState | None, name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return what `view` shows of a CloudEvent.

    `state` is what the event leaves its seat in, where there is one; `name_of` returns a display name.
    """
    facts: dict[str, Any] = envelope["data"]
    if state is not None:
        facts = {**_UNOCCUPIED, **facts, "state": state}
    if view.notice is not None:
        parameters = {name: facts[name] for name in view.parameters}
        facts = {**facts, "kind": view.notice, "parameters": parameters}
    if view.names_student:
        facts = {**facts, "studentName": name_of(facts["userId"])}
    shown = {key: envelope[key] for key in view.envelope if key in envelope}
    sources = ((key, view.sources.get(key, key)) for key in view.data)
    shown["data"] = {key: facts[source] for key, source in sources if source in facts}
    return shown
