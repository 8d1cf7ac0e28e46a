"""Views: what of an event is shown, as lists of what may be, over the whole envelope and not only its data.

A field that stands in no list is shown to nobody, however an event grows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SeatState = Literal["booked", "occupied", "free", "out-of-service"]

_PUBLIC = ("id", "type", "time", "sequence")
_PARTY = (*_PUBLIC, "actor", "commandid", "traceparent")
_BOOKING = (
    "bookingId",
    "libraryId",
    "seatId",
    "userId",
    "start",
    "end",
    "status",
    "amountMinor",
    "currency",
    "occupation",
    "state",
    "planId",
    "priceVersion",
    "checkInFrom",
    "checkInUntil",
    "freeCancelUntil",
    "late",
    "reasonId",
)
_DETAILS = ("libraryId", "name", "city", "address", "timeZone", "amenities")
_SEAT = ("seatId", "occupation", "state", "start", "end")


@dataclass(frozen=True, slots=True)
class View:
    """What one kind of reader sees; of several, a socket gets the one with the greatest `richness`."""

    richness: int
    envelope: tuple[str, ...]
    data: tuple[str, ...]
    names_student: bool = False


SUMMARY = View(1, _PUBLIC, ("libraryId", "start", "end"))
PUBLIC_SEAT = View(2, _PUBLIC, _SEAT)
"""Richer than the summary, without which a seat map does well; without this it would be wrong."""
FULL = View(3, _PARTY, _BOOKING)
STAFF = View(4, _PARTY, (*_BOOKING, "studentName"), names_student=True)
STAFF_SEAT = View(4, _PARTY, ("libraryId", *_SEAT, "inService"))

LIBRARY_CREATED = View(2, _PUBLIC, (*_DETAILS, "currency"))
LIBRARY_UPDATED = View(2, _PUBLIC, _DETAILS)
LIBRARY_DELETED = View(2, _PUBLIC, ("libraryId",))
CLOSURE = View(2, _PUBLIC, ("libraryId", "closureId", "start", "end"))
PRICING = View(2, _PUBLIC, ("libraryId", "priceVersion", "currency", "plans"))
SEAT_ADDED = View(2, _PUBLIC, ("libraryId", "seatId", "label", "zone", "attributes"))

_UNOCCUPIED: Mapping[str, Any] = {"occupation": None, "start": None, "end": None}


def show(
    view: View, envelope: Mapping[str, Any], state: SeatState | None, name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Return what `view` shows of a CloudEvent.

    `state` is what the event leaves its seat in, where there is one; `name_of` returns a display name.
    """
    facts: dict[str, Any] = envelope["data"]
    if state is not None:
        facts = {**_UNOCCUPIED, **facts, "state": state}
    if view.names_student:
        facts = {**facts, "studentName": name_of(facts["userId"])}
    shown = {key: envelope[key] for key in view.envelope if key in envelope}
    shown["data"] = {key: facts[key] for key in view.data if key in facts}
    return shown
