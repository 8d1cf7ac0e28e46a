"""The two sides of a seat map: frames as the fan-out tells them, and the read model's rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

from studyspot.catalogue.codec import Metadata, Recorded
from studyspot.client.items import Event as Frame
from studyspot.domain.events import Event
from studyspot.projections.models.seats import changes
from studyspot.projections.projection import PutRow
from studyspot.projections.row_changes import fold
from studyspot.wire.read_bodies import OccupationView, SeatMap, SeatStatus, SeatView
from studyspot.ws_fanout.rooms import route
from studyspot.ws_fanout.views import show
from tests.client.seat_days import DAY
from tests.ws_fanout.events import message

PUBLIC = frozenset({"library:L1"})
STRONGEST_FIRST: tuple[SeatStatus, ...] = ("occupied", "booked", "held")


def frames(
    events: Iterable[Event], rooms: frozenset[str] = PUBLIC, *, after: int = 0, first: int = 1
) -> list[Frame]:
    """What a socket in these rooms is told of the events after a position; they stand at `first` and on."""
    told = (frame(position, event, rooms) for position, event in enumerate(events, first) if position > after)
    return [one for one in told if one is not None]


def frame(position: int, event: Event, rooms: frozenset[str]) -> Frame | None:
    routed = route(event)
    seen_in = tuple(room for room in routed.sights if room in rooms)
    if not seen_in:
        return None
    sight = max((routed.sights[room] for room in seen_in), key=lambda known: known.view.richness)
    shown = show(sight.view, orjson.loads(message(position, event).body), routed.state, str.upper)
    return Frame(
        name=sight.name,
        position=position,
        rooms=seen_in,
        id=shown["id"],
        type=shown["type"],
        time=datetime.fromisoformat(shown["time"]),
        data=shown["data"],
    )


def read_map(log: Sequence[Event], start: datetime, end: datetime, now: datetime) -> SeatMap:
    """Return what the read model, once it has applied the whole log, answers at `now`."""
    metadata = Metadata(time=DAY, command_id="c1")
    effects = fold(
        change
        for position, event in enumerate(log, start=1)
        for change in changes(Recorded(position=position, epoch="k3", event=event, metadata=metadata))
    )
    rows = [dict(effect.row) for effect in effects.values() if isinstance(effect, PutRow)]
    own = [row for row in rows if row["library_id"] == "L1"]
    live = sorted(
        (
            row
            for row in own
            if "occupation" in row
            and row["starts_at"] < end
            and start < row["ends_at"]
            and (row["until"] is None or row["until"] > now)
        ),
        key=itemgetter("seat_id", "starts_at", "occupation"),
    )
    taken = {
        seat_id: tuple(map(_occupation, on_it)) for seat_id, on_it in groupby(live, itemgetter("seat_id"))
    }
    seats = tuple(_seat(row, taken.get(row["seat_id"], ())) for row in own if "label" in row)
    return SeatMap(
        position=len(log),
        epoch="k3",
        server_now=now,
        library_id="L1",
        start=start,
        end=end,
        seats=seats,
    )


def _occupation(row: dict[str, Any]) -> OccupationView:
    return OccupationView(
        id=row["occupation"],
        state=row["state"],
        start=row["starts_at"],
        end=row["ends_at"],
        until=row["until"],
    )


def _seat(row: dict[str, Any], occupations: tuple[OccupationView, ...]) -> SeatView:
    states = {occupation.state for occupation in occupations}
    strongest = next((state for state in STRONGEST_FIRST if state in states), "free")
    return SeatView(
        id=row["seat_id"],
        label=row["label"],
        zone=row["zone"],
        attributes=row["attributes"],
        status=strongest if row["in_service"] else "out-of-service",
        occupations=occupations,
    )
