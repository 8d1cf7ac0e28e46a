"""Whether a seat is free now, as the portals are told of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from studyspot.ws_fanout.rooms import Route
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.socket_io.scene import Scene
from studyspot.ws_fanout.views import STAFF

SEAT_AVAILABILITY = "seat:availability"


def tells_of_seat(route: Route, rooms: Sequence[str]) -> bool:
    """Return whether any of these rooms is told of the seat that the event takes, frees or puts in service.

    Natively a booking's frame tells the library's staff of its seat too; here that is a packet beside it.
    """
    if route.state is None:
        return False
    sights = (route.sights[room] for room in rooms)
    return any(sight.name == SEAT_AVAILABILITY or sight.view is STAFF for sight in sights)


def availabilities(
    event: RoutedEvent, envelope: Mapping[str, Any], scene: Scene, now: datetime
) -> list[dict[str, Any]]:
    """Return the payloads about those of the event's seats that it changes now: mostly one or none.

    They say what is true now, also where the event is of long ago.
    """
    data: Mapping[str, Any] = envelope["data"]
    library_id = data["libraryId"]
    # The clock that the event was written by may be ahead of ours.
    now = max(now, datetime.fromisoformat(envelope["time"]))
    # What ended an occupation of which the scene does not know is told after it.
    taken = data["seatId"] if _takes_now(event, data, now) and not scene.knows(event.position) else None
    return [
        {
            "libraryId": library_id,
            "seatId": seat_id,
            "available": seat_id != taken and scene.is_free(library_id, seat_id, now),
            "timestamp": f"{now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        }
        for seat_id in dict.fromkeys(_seats_changed_now(event, data, now))
    ]


def _seats_changed_now(event: RoutedEvent, data: Mapping[str, Any], now: datetime) -> Iterator[str]:
    if "previousSeatId" in data and _instant(data, "previousStart") <= now:
        yield data["previousSeatId"]
    if "start" not in data:
        # It went out of service, or came back.
        yield data["seatId"]
    elif event.route.state == "free":
        # Also at its end, when a completed booking frees it.
        if _instant(data, "start") <= now:
            yield data["seatId"]
    elif _takes_now(event, data, now):
        yield data["seatId"]


def _takes_now(event: RoutedEvent, data: Mapping[str, Any], now: datetime) -> bool:
    if event.route.state not in ("held", "booked", "occupied"):
        return False
    return _instant(data, "start") <= now < _instant(data, "occupiedUntil")


def _instant(data: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(data[name])
