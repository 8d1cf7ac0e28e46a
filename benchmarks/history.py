"""A believable history of any length, written straight into an empty store: how benchmarks get a big one.

What it holds could have followed from the deciders, and the same seed gives the same events.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import psycopg

from benchmarks.history_bookings import Booking, BookingKind, Bookings
from benchmarks.history_libraries import Setting, found_libraries
from benchmarks.history_times import moment

EVENTS_PER_BOOKING = 2.3
_ROWS_PER_WRITE = 1_000

Happening = tuple[int, int, Setting] | tuple[int, int, Booking, BookingKind]


@dataclass(frozen=True, slots=True)
class History:
    """What was written, at positions 1 to `events`; `ended_at` is the time of the last event."""

    events: int
    epoch: str
    libraries: int
    seats: int
    bookings: int
    ended_at: datetime


def write_history(database_url: str, events: int, *, seed: int = 1) -> History:
    """Fill an empty store with so many events, all under its present epoch.

    Raises:
        ValueError: `events` is not positive, or the store holds events already.
    """
    if events < 1:
        raise ValueError("a history has at least one event")
    chance = random.Random(seed)
    happenings = _happenings(events, chance)
    with psycopg.connect(database_url, autocommit=True) as connection:
        with connection.transaction():
            epoch = _lock_empty_store(connection)
            _copy_events(connection, epoch, happenings, chance)
            _index_tags(connection)
            connection.execute("UPDATE store.head SET position = %s", (events,))
        # As autovacuum leaves a store that has grown slowly.
        connection.execute("VACUUM (ANALYZE) store.events, store.event_tags")
    kinds = [_kind(happening) for happening in happenings]
    return History(
        events=events,
        epoch=epoch,
        libraries=kinds.count("library.created"),
        seats=kinds.count("seat.added"),
        bookings=kinds.count("booking.created"),
        ended_at=moment(happenings[-1][0]),
    )


def _happenings(events: int, chance: random.Random) -> list[Happening]:
    """Return what happened, in order of time; any beginning of it is a possible history too."""
    libraries, settings = found_libraries(events, chance)
    happenings: list[Happening] = [(at, order, setting) for order, (at, setting) in enumerate(settings)]
    bookings = Bookings(libraries, round(events / EVENTS_PER_BOOKING), chance)
    for booking, happened in bookings.lives():
        if len(happenings) >= events:
            break
        happenings += [(at, len(happenings), booking, kind) for at, kind in happened]
    # No two happenings are equal in time and order, so that nothing beyond those is compared.
    happenings.sort(key=lambda happening: happening[:2])
    return happenings[:events]


def _kind(happening: Happening) -> str:
    return happening[2].kind if len(happening) == 3 else happening[3]


def _lock_empty_store(connection: psycopg.Connection) -> str:
    """Keep writers out, and return the store's epoch."""
    head = connection.execute("SELECT position, epoch FROM store.head FOR UPDATE").fetchone()
    if head is None or head[0] != 0:
        raise ValueError("the store holds events already")
    return str(head[1])


def _copy_events(
    connection: psycopg.Connection, epoch: str, happenings: list[Happening], chance: random.Random
) -> None:
    rows = _rows(epoch, happenings, chance)
    statement = "COPY store.events (position, epoch, type, tags, data) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while block := "".join(islice(rows, _ROWS_PER_WRITE)):
            copy.write(block)


def _rows(epoch: str, happenings: list[Happening], chance: random.Random) -> Iterator[str]:
    """Return each event as COPY's text: nothing in it needs an escape, so that bytes are plain text too."""
    for position, happening in enumerate(happenings, start=1):
        if len(happening) == 3:
            _, _, setting = happening
            kind, tags, data = setting.kind, setting.tags, setting.data
        else:
            at, _, booking, kind = happening
            tags, data = booking.tags, booking.data(kind, at, chance)
        yield f"{position}\t{epoch}\t{kind}\t{{{tags}}}\t{data}\n"


def _index_tags(connection: psycopg.Connection) -> None:
    """Write the tag index from the rows; its key is made once, at the end, and is the same as before."""
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    connection.execute("ALTER TABLE store.event_tags DROP CONSTRAINT event_tags_pkey")
    connection.execute("""
        INSERT INTO store.event_tags (tag, type, position)
        SELECT unnest(tags), type, position FROM store.events""")
    connection.execute("ALTER TABLE store.event_tags ADD PRIMARY KEY (tag, type, position)")
