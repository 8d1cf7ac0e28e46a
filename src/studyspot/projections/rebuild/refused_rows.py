"""Rows that their table refuses: their keys are parked from the first event on, and all others are copied."""

from collections.abc import Callable, Mapping

import psycopg
import structlog

from studyspot.event_store.scanning import scan
from studyspot.projections.builds import Build
from studyspot.projections.parking import entry, is_poison, key_of, said, storable
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.copying import copy_table, rows_by_table
from studyspot.projections.rebuild.errors import RebuildStopped
from studyspot.projections.rebuild.folding import Folded
from studyspot.projections.rebuild.part import Part, Target
from studyspot.projections.rebuild.shared_reading import SharedReading, Taker

log = structlog.get_logger()


def copy_what_fits(
    connection: psycopg.Connection,
    part: Part,
    target: Target,
    taker: Taker,
    folded: Folded,
    *,
    enter: Callable[[Folded], bool],
    go_on: Callable[[], None],
) -> None:
    """Copy the folded rows in one transaction, which `enter` begins; nothing happens where it returns false.

    `go_on` is asked again and again; what it raises ends the work.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    try:
        with connection.transaction():
            if enter(folded):
                for table, rows in rows_by_table(taker.projection.tables, folded.effects):
                    copy_table(connection, table, target.build, rows, go_on)
    except RebuildStopped:
        raise
    except Exception as error:
        if not is_poison(error):
            raise
        refused = _refused_keys(connection, taker.projection, target.build, folded, go_on)
        if not refused:
            raise
        log.warning("rows refused", projection=target.build.name, keys=len(refused), reason=said(error))
        left = _without(part, taker, folded, refused, go_on)
        copy_what_fits(connection, part, target, taker, left, enter=enter, go_on=go_on)


def _refused_keys(
    connection: psycopg.Connection,
    projection: Projection,
    build: Build,
    folded: Folded,
    go_on: Callable[[], None],
) -> Mapping[str, str]:
    """Return the keys of the rows that cannot be written, each with the reason; nothing is written."""
    refused: dict[str, str] = {}
    for table, all_rows in rows_by_table(projection.tables, folded.effects):
        suspects = [all_rows]
        while suspects:
            rows = suspects.pop()
            try:
                with connection.transaction(force_rollback=True):
                    copy_table(connection, table, build, rows, go_on)
            except RebuildStopped:
                raise
            except Exception as error:
                if not is_poison(error):
                    raise
                if len(rows) == 1:
                    refused[str(table.key_of(rows[0].row)[0])] = said(error)
                else:
                    middle = len(rows) // 2
                    suspects += [rows[:middle], rows[middle:]]
    return refused


def _without(
    part: Part, taker: Taker, folded: Folded, refused: Mapping[str, str], go_on: Callable[[], None]
) -> Folded:
    """Return what is left when every event of the refused keys is parked."""
    stored = {storable(key) for key in refused}
    parked = [each for each in folded.parked if each.key not in stored]
    reasons = dict(refused)
    reading = SharedReading([taker], part.share, part.sample)
    for rows in scan(part.database_url, reading.types, after=0, until=taker.until):
        go_on()
        (happened,) = reading.read(rows)
        parked += [
            entry(taker.projection, one, reasons.pop(key, None))
            for one in happened
            if (key := key_of(taker.projection, one)) in refused
        ]
    effects = {place: effect for place, effect in folded.effects.items() if place[1][0] not in refused}
    return Folded(effects, parked, folded.keys, folded.events)
