"""Bookings as the portals read them: flat, by the library's clock, in major units."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from studyspot.ws_fanout.socket_io.amounts import hours, major_units
from studyspot.ws_fanout.socket_io.scene import Scene


def flat_booking(shown: Mapping[str, Any], scene: Scene, name_of: Callable[[str], str]) -> dict[str, Any]:
    """Return what a view shows of a booking, and nothing that does not follow from it."""
    return _whose(shown, name_of) | _where_and_when(shown, scene) | _how_it_stands(shown)


def _whose(shown: Mapping[str, Any], name_of: Callable[[str], str]) -> dict[str, Any]:
    if "bookingId" not in shown:
        return {}
    booking_id = shown["bookingId"]
    # Who sees their own booking is not told their name by the view: it is theirs.
    name = shown.get("studentName") or name_of(shown["userId"])
    return {"id": booking_id, "bookingId": booking_id, "studentName": name}


def _where_and_when(shown: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    library_id = shown["libraryId"]
    library = scene.library(library_id)
    zone = library.zone if library is not None else UTC
    start, end = (datetime.fromisoformat(shown[side]) for side in ("start", "end"))
    begins, ends = (f"{side.astimezone(zone):%H:%M}" for side in (start, end))
    return {
        "libraryName": library.name if library is not None else library_id,
        "libraryId": library_id,
        **({"seatId": shown["seatId"]} if "seatId" in shown else {}),
        "date": start.astimezone(zone).date().isoformat(),
        "startTime": begins,
        "endTime": ends,
        "time": f"{begins} - {ends}",
        "duration": hours(end - start),
    }


def _how_it_stands(shown: Mapping[str, Any]) -> dict[str, Any]:
    if "bookingId" not in shown:
        return {}
    amount = major_units(shown["amountMinor"], shown["currency"])
    return {"status": shown["status"], "totalAmount": amount, "amount": amount}
