"""A live seat map: a snapshot, and the events since, folded by occupation."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from studyspot.client.items import Event
from studyspot.client.reads import OccupationRow, SeatMapAnswer, SeatRow, SeatStatus

_STRONGEST_FIRST: tuple[SeatStatus, ...] = ("occupied", "booked", "held")
_OUT_OF_SERVICE = "out-of-service"
_FREE = "free"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat, and what occupies it in the map's time, by start."""

    id: str
    label: str
    zone: str
    in_service: bool
    occupations: tuple[OccupationRow, ...] = ()

    @property
    def status(self) -> SeatStatus:
        """What the map shows; a hold that has lapsed by the clock still counts until its event comes."""
        if not self.in_service:
            return "out-of-service"
        states = {occupation.state for occupation in self.occupations}
        return next((state for state in _STRONGEST_FIRST if state in states), "free")


@dataclass(frozen=True, slots=True)
class SeatMap:
    """A library's seats for [start, end), as of `position`."""

    library_id: str
    start: datetime
    end: datetime
    position: int
    seats: Mapping[str, Seat]


class SeatMapFold:
    """Folds events into a seat map; their order does not matter, nor does one that comes again.

    Of each occupation, and of each seat's service, the newest position wins: frames of several rooms
    may overtake one another.
    """

    def __init__(self, library_id: str, start: datetime, end: datetime, snapshot: SeatMapAnswer) -> None:
        self._library_id = library_id
        self._start = start
        self._end = end
        self._snapshot_position = snapshot.position
        self._position = snapshot.position
        self._seats = {row.id: _seat(row) for row in snapshot.seats}
        self._occupations = {row.id: (seat.id, row) for seat in snapshot.seats for row in seat.occupations}
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._map: SeatMap | None = None

    @property
    def seat_map(self) -> SeatMap:
        """The map as it is now."""
        if self._map is None:
            rows: dict[str, list[OccupationRow]] = {}
            for seat_id, row in self._occupations.values():
                rows.setdefault(seat_id, []).append(row)
            seats = {
                key: replace(seat, occupations=tuple(sorted(rows.get(key, ()), key=_by_start)))
                for key, seat in self._seats.items()
            }
            self._map = SeatMap(self._library_id, self._start, self._end, self._position, seats)
        return self._map

    def apply(self, event: Event) -> bool:
        """Add an event, of whatever library; say whether it belongs to this map."""
        if event.position <= self._snapshot_position or not self._concerns(event):
            return False
        data = event.data
        match event.type.removeprefix("studyspot.").rpartition(".")[0]:
            case "seat.added" | "seat.updated":
                self._describe(data, event.position)
            case "seat.removed":
                if self._is_newest("seat", data["seatId"], event.position):
                    self._seats.pop(data["seatId"], None)
            case _ if "occupation" in data and "state" in data:
                self._occupy(data, event.position)
            case _:
                return False
        self._position = max(self._position, event.position)
        self._map = None
        return True

    def _describe(self, data: Mapping[str, Any], position: int) -> None:
        seat_id = data["seatId"]
        if self._is_newest("seat", seat_id, position):
            known = self._seats.get(seat_id)
            in_service = known.in_service if known else True
            self._seats[seat_id] = Seat(seat_id, data["label"], data["zone"], in_service)

    def _occupy(self, data: Mapping[str, Any], position: int) -> None:
        seat_id, occupation = data["seatId"], data["occupation"]
        if occupation is None:
            seat = self._seats.get(seat_id)
            if self._is_newest("service", seat_id, position) and seat is not None:
                self._seats[seat_id] = replace(seat, in_service=data["state"] != _OUT_OF_SERVICE)
        elif self._is_newest("occupation", occupation, position):
            self._occupations.pop(occupation, None)
            if data["state"] == _FREE:
                return
            row = OccupationRow.model_validate({**data, "id": occupation})
            if row.start < self._end and self._start < row.end:
                self._occupations[occupation] = (seat_id, row)

    def _is_newest(self, what: str, key: str, position: int) -> bool:
        if self._newest.get((what, key), 0) >= position:
            return False
        self._newest[what, key] = position
        self._newest.move_to_end((what, key))
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        return True

    def _concerns(self, event: Event) -> bool:
        room = f"library:{self._library_id}"
        named = event.data.get("libraryId")
        return named == self._library_id or (named is None and room in event.rooms)


def _seat(row: SeatRow) -> Seat:
    return Seat(row.id, row.label, row.zone, row.status != _OUT_OF_SERVICE)


def _by_start(row: OccupationRow) -> tuple[datetime, str]:
    return row.start, row.id
