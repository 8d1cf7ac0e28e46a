"""A live seat map: a snapshot, and the events since, folded by occupation."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studyspot.client.items import Event
from studyspot.wire.read_bodies import OccupationView, SeatMap, SeatStatus, SeatView

_STRONGEST_FIRST: tuple[SeatStatus, ...] = ("occupied", "booked", "held")
_OUT_OF_SERVICE: SeatStatus = "out-of-service"
_FREE: SeatStatus = "free"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class LiveSeatMap:
    """A library's seats for [start, end), by id, as of `position`.

    A hold that is over by the clock still counts until its event comes; `at` tells the map without it.
    """

    library_id: str
    start: datetime
    end: datetime
    position: int
    seats: Mapping[str, SeatView]

    def at(self, moment: datetime) -> "LiveSeatMap":
        """Return the map as the clock has it at `moment`: a hold is over at its `until`."""
        seats = {key: _at(seat, moment) for key, seat in self.seats.items()}
        return LiveSeatMap(self.library_id, self.start, self.end, self.position, seats)


class SeatMapFold:
    """Folds events into a seat map; their order does not matter, nor does one that comes again.

    Of each occupation, and of each seat's service, the newest position wins: frames of several rooms
    may overtake one another.
    """

    def __init__(self, library_id: str, start: datetime, end: datetime, snapshot: SeatMap) -> None:
        self._library_id = library_id
        self._start = start
        self._end = end
        self._snapshot_position = snapshot.position
        self._position = snapshot.position
        self._seats = {seat.id: seat for seat in snapshot.seats}
        self._closed = {seat.id for seat in snapshot.seats if seat.status == _OUT_OF_SERVICE}
        self._occupations = {
            occupation.id: (seat.id, occupation) for seat in snapshot.seats for occupation in seat.occupations
        }
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._map: LiveSeatMap | None = None

    @property
    def seat_map(self) -> LiveSeatMap:
        """The map as it is now."""
        if self._map is None:
            taken: dict[str, list[OccupationView]] = {}
            for seat_id, occupation in self._occupations.values():
                taken.setdefault(seat_id, []).append(occupation)
            seats = {
                key: _taken(seat, taken.get(key, []), in_service=key not in self._closed)
                for key, seat in self._seats.items()
            }
            self._map = LiveSeatMap(self._library_id, self._start, self._end, self._position, seats)
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
        if self._is_newest("seat", data["seatId"], position):
            shown = {**data, "id": data["seatId"], "status": _FREE, "occupations": ()}
            self._seats[data["seatId"]] = SeatView.model_validate(shown)

    def _occupy(self, data: Mapping[str, Any], position: int) -> None:
        seat_id, occupation_id = data["seatId"], data["occupation"]
        if occupation_id is None:
            if self._is_newest("service", seat_id, position):
                self._closed.discard(seat_id)
                if data["state"] == _OUT_OF_SERVICE:
                    self._closed.add(seat_id)
        elif self._is_newest("occupation", occupation_id, position):
            self._occupations.pop(occupation_id, None)
            if data["state"] != _FREE:
                # The public is told when the seat is free again; a party, when its own time is over as well.
                end = data.get("occupiedUntil", data["end"])
                occupation = OccupationView.model_validate({**data, "id": occupation_id, "end": end})
                if occupation.start < self._end and self._start < occupation.end:
                    self._occupations[occupation_id] = (seat_id, occupation)

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


def _taken(seat: SeatView, by: Iterable[OccupationView], *, in_service: bool) -> SeatView:
    occupations = tuple(sorted(by, key=lambda known: (known.start, known.id)))
    states = {occupation.state for occupation in occupations}
    strongest = next((state for state in _STRONGEST_FIRST if state in states), _FREE)
    status = strongest if in_service else _OUT_OF_SERVICE
    return seat.model_copy(update={"status": status, "occupations": occupations})


def _at(seat: SeatView, moment: datetime) -> SeatView:
    lasting = [known for known in seat.occupations if known.until is None or known.until > moment]
    if len(lasting) == len(seat.occupations):
        return seat
    return _taken(seat, lasting, in_service=seat.status != _OUT_OF_SERVICE)
