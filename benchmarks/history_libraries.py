"""Libraries of an invented history: their settings, closures and seats, through the catalogue's own codec."""

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from benchmarks.history_times import (
    BEGAN,
    DAY,
    HOUR,
    LAST_DAY,
    MINUTE,
    NOW,
    SECOND,
    TIME_ZONE,
    local_day,
    moment,
    new_id,
)
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    LibraryCreated,
    LibraryUpdated,
    Plan,
    PricingUpdated,
    SeatAdded,
    SeatAvailabilityChanged,
    ShiftName,
)

CURRENCY = "INR"
# The share of events about seats and about libraries; the rest, about 85 %, are about bookings.
SEATS_SHARE = 0.05
OUTAGES_SHARE = 0.04
LIBRARIES_SHARE = 0.02
SEATS_PER_LIBRARY = 50

_PRICED_OF_FOUR = 3
_PRICE_CHANGES = 4
_UPDATES = 8
_CLOSURES = 4
_ZONES = ("general", "quiet", "ac", "non-ac", "premium")
_CITIES = ("Bengaluru", "Chennai", "Delhi", "Jaipur", "Kota", "Mumbai", "Prayagraj", "Pune")
_SHIFT_PRICES: dict[ShiftName, int] = {"morning": 5, "afternoon": 5, "evening": 4, "night": 4}


@dataclass(frozen=True, slots=True)
class Setting:
    """One event that is not about a booking, as the row that COPY takes."""

    kind: str
    tags: str
    data: str


Settings = list[tuple[int, Setting]]


@dataclass(slots=True)
class Seat:
    """A seat; it is out of service during [`out_from`, `out_until`)."""

    seat_id: str
    library: "Library"
    out_from: int = 0
    out_until: int = 0

    def out_of_service(self, at: int) -> bool:
        return self.out_from <= at < self.out_until


@dataclass(slots=True)
class Library:
    """A library; from `open_from` on its seats can be booked, but never for its `closed_days`."""

    library_id: str
    owner_id: str
    open_from: int
    priced: bool
    seats: list[Seat] = field(default_factory=list)
    closed_days: set[int] = field(default_factory=set)
    prices: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first_day(self) -> int:
        """The first local day for which it can be booked: the one after it opened."""
        return (self.open_from - BEGAN) // DAY + 2

    def price_at(self, at: int) -> tuple[int, int]:
        """Return the version that held then, and its price of an hour in minor units."""
        version = bisect_right(self.prices, at, key=lambda price: price[0])
        return version, self.prices[version - 1][1]


def found_libraries(events: int, chance: random.Random) -> tuple[list[Library], Settings]:
    """Return the libraries of a history of so many events, and what happened to each before `NOW`.

    How much happens to one library does not depend on `events`: a longer history has more libraries.
    """
    seats = max(4, round(events * SEATS_SHARE))
    number = max(1, round(seats / SEATS_PER_LIBRARY))
    settings: Settings = []
    libraries = []
    for index in range(number):
        library = _opened(index, chance, settings)
        _add_seats(library, seats // number + (index < seats % number), chance, settings)
        _change(library, chance, settings)
        libraries.append(library)
    return libraries, [(at, setting) for at, setting in settings if at <= NOW]


def _opened(index: int, chance: random.Random, settings: Settings) -> Library:
    at = BEGAN + chance.randrange(2 * DAY)
    library = Library(new_id(at, chance), new_id(BEGAN, chance), at + HOUR, index % 4 < _PRICED_OF_FOUR)
    created = LibraryCreated(
        library_id=library.library_id,
        owner_id=library.owner_id,
        currency=CURRENCY,
        **_details(library, "1 Station Road"),
    )
    _record(library, at, (created,), chance, settings)
    return library


def _add_seats(library: Library, number: int, chance: random.Random, settings: Settings) -> None:
    at = library.open_from - 20 * MINUTE
    added = []
    for place in range(number):
        seat = Seat(new_id(at, chance), library)
        library.seats.append(seat)
        zone = _ZONES[place * len(_ZONES) // number]
        added.append(
            SeatAdded(
                library_id=library.library_id,
                seat_id=seat.seat_id,
                label=f"{zone[0].upper()}{place + 1}",
                zone=zone,
                attributes={"power": place % 2 == 0, "row": place // 10 + 1},
            )
        )
        if chance.random() < OUTAGES_SHARE / SEATS_SHARE:
            _repair(seat, chance, settings)
    _record(library, at, tuple(added), chance, settings)


def _repair(seat: Seat, chance: random.Random, settings: Settings) -> None:
    """Take the seat out of service for some hours; its bookings have until then, so that none is revoked."""
    seat.out_from = seat.library.open_from + HOUR + chance.randrange(LAST_DAY * DAY)
    seat.out_until = seat.out_from + HOUR + chance.randrange(8 * HOUR)
    for at, in_service in ((seat.out_from, False), (seat.out_until, True)):
        changed = SeatAvailabilityChanged(
            library_id=seat.library.library_id,
            seat_id=seat.seat_id,
            in_service=in_service,
            revoke_at=None if in_service else moment(seat.out_until),
        )
        _record(seat.library, at, (changed,), chance, settings)


def _change(library: Library, chance: random.Random, settings: Settings) -> None:
    """Let the library set prices, tell other details, and announce and withdraw closures."""
    if library.priced:
        times = sorted(
            library.open_from + chance.randrange(NOW - library.open_from) for _ in range(_PRICE_CHANGES)
        )
        for version, at in enumerate([library.open_from - 10 * MINUTE, *times], start=1):
            hourly = 100 * chance.randrange(10, 60)
            library.prices.append((at, hourly))
            _record(library, at, (_pricing(library, version, hourly),), chance, settings)
    moves = sorted(library.open_from + chance.randrange(NOW - library.open_from) for _ in range(_UPDATES))
    for number, at in enumerate(moves, start=2):
        updated = LibraryUpdated(library_id=library.library_id, **_details(library, f"{number} Station Road"))
        _record(library, at, (updated,), chance, settings)
    for day in chance.sample(range(8, LAST_DAY + 1), _CLOSURES):
        _close(library, day, chance, settings)


def _close(library: Library, day: int, chance: random.Random, settings: Settings) -> None:
    """Announce that it is closed on `day`, from six in the morning to eleven at night; half are withdrawn."""
    library.closed_days.add(day)
    midnight = local_day(day)
    at = library.open_from + chance.randrange(midnight - DAY - library.open_from)
    closure_id = new_id(at, chance)
    announced = ClosureAnnounced(
        library_id=library.library_id,
        closure_id=closure_id,
        start=moment(midnight + 6 * HOUR),
        end=moment(midnight + 23 * HOUR),
    )
    _record(library, at, (announced,), chance, settings)
    if chance.random() < 0.5:
        withdrawn = ClosureWithdrawn(library_id=library.library_id, closure_id=closure_id)
        _record(library, at + 30 * SECOND + chance.randrange(DAY), (withdrawn,), chance, settings)


def _pricing(library: Library, version: int, hourly: int) -> PricingUpdated:
    by_shift = tuple(
        Plan(id=shift, unit="shift", shift=shift, amount_minor=hourly * hours)
        for shift, hours in _SHIFT_PRICES.items()
    )
    return PricingUpdated(
        library_id=library.library_id,
        price_version=version,
        currency=CURRENCY,
        plans=(Plan(id="hourly", unit="hour", amount_minor=hourly), *by_shift),
    )


def shift_price(shift: ShiftName, hourly: int) -> int:
    """Return the price of a whole shift in minor units."""
    return hourly * _SHIFT_PRICES[shift]


def _details(library: Library, address: str) -> dict[str, Any]:
    tail = library.library_id[-6:]
    return {
        "name": f"Reading Room {tail}",
        "city": _CITIES[int(tail, 16) % len(_CITIES)],
        "time_zone": TIME_ZONE,
        "address": address,
        "amenities": ("wifi", "water", "lockers"),
    }


def _record(
    library: Library, at: int, events: tuple[Event, ...], chance: random.Random, settings: Settings
) -> None:
    """Add what one command of the owner led to."""
    metadata = Metadata(time=moment(at), command_id=new_id(at, chance), actor=library.owner_id)
    for event in events:
        data = encode(event, metadata).decode()
        if "\\" in data:
            raise ValueError("COPY would read a backslash as an escape")
        settings.append((at, Setting(type_of(type(event)), ",".join(tags_of(event)), data)))
