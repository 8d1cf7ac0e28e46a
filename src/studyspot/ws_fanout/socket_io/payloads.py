"""What the portals of Socket.IO read: each event as packets of a name and a flat payload.

A payload is made of what a view shows, so that nobody is told more here than natively, and of what the scene
says of the library and the seat.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.socket_io.amounts import major_units
from studyspot.ws_fanout.socket_io.availability import SEAT_AVAILABILITY, availabilities, tells_of_seat
from studyspot.ws_fanout.socket_io.flat_booking import flat_booking
from studyspot.ws_fanout.socket_io.scene import Scene
from studyspot.ws_fanout.views import show

_RATES = {"hourlyRate": "hour", "dailyRate": "day", "weeklyRate": "week", "monthlyRate": "month"}


def packets(
    event: RoutedEvent,
    rooms: Sequence[str],
    scene: Scene,
    name_of: Callable[[str], str],
    now: datetime,
) -> Sequence[tuple[str, dict[str, Any]]]:
    """Return what a socket in these of the event's rooms gets: names and payloads, in the order of sending.

    Each name comes in the richest view that the rooms have of it, once for every seat whose state the event
    changes. There may be none: of a booking for another day the public is told nothing now.
    """
    if not rooms:
        return ()
    envelope: Mapping[str, Any] = orjson.loads(event.body)
    made: list[tuple[str, dict[str, Any]]] = []
    if tells_of_seat(event.route, rooms):
        made += [(SEAT_AVAILABILITY, payload) for payload in availabilities(event, envelope, scene, now)]
    sights = (event.route.sights[room] for room in rooms)
    others = [sight for sight in sights if sight.name != SEAT_AVAILABILITY]
    if others:
        sight = max(others, key=lambda sight: sight.view.richness)
        shown = show(sight.view, envelope, event.route.state, name_of)
        made.append((sight.name, _payload(sight.name, shown, scene, name_of)))
    return made


def _payload(
    name: str, shown: Mapping[str, Any], scene: Scene, name_of: Callable[[str], str]
) -> dict[str, Any]:
    data: dict[str, Any] = shown["data"]
    match name.split(":"):
        case ["booking", "cancelled"]:
            booking_id = data["bookingId"]
            return {"id": booking_id, "bookingId": booking_id, "booking": flat_booking(data, scene, name_of)}
        case ["booking", _]:
            return flat_booking(data, scene, name_of)
        case ["pricing", "updated"]:
            return {"libraryId": data["libraryId"], "pricing": _pricing(data), "timestamp": shown["time"]}
        case ["library", _]:
            return {"id": data["libraryId"], **data, "timestamp": shown["time"]}
        case ["notification"]:
            return {"id": data["notificationId"], **data, "timestamp": shown["time"]}
        case ["global", "notification"]:
            told = {"message": data["text"], "timestamp": shown["time"]}
            return {"id": data["announcementId"], **data, **told}
        case _:
            raise ValueError(f"{name} has no payload")


def _pricing(data: Mapping[str, Any]) -> dict[str, Any]:
    currency = data["currency"]
    plans: Sequence[Mapping[str, Any]] = data["plans"]
    return {
        **{rate: _cheapest(plans, unit, currency) for rate, unit in _RATES.items()},
        "currency": currency,
        "plans": [{**plan, "amount": major_units(plan["amountMinor"], currency)} for plan in plans],
    }


def _cheapest(plans: Sequence[Mapping[str, Any]], unit: str, currency: str) -> int | float | None:
    """Return the lowest price per unit for any seat; where each zone has its own, the lowest of those."""
    of_unit = [plan for plan in plans if plan["unit"] == unit]
    amounts = [plan["amountMinor"] for plan in of_unit if plan.get("zone") is None]
    amounts = amounts or [plan["amountMinor"] for plan in of_unit]
    return major_units(min(amounts), currency) if amounts else None
