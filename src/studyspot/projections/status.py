"""How far each projection is: what `studyspot projections status` shows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import Connection

from studyspot.catalogue.codec import UnreadableEvent, decode
from studyspot.catalogue.types import UnknownEvent
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.recent_lag import RecentLag, recorded_lags


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """A projection beside the log; `version` and what follows from it are none where nothing is built yet.

    `lag` is how long the oldest event that is not applied has waited: zero when none waits. `recent` is how
    long those took that were: none where nothing was applied in the last minute.
    """

    name: str
    version: int | None
    position: int
    head: int
    lag: timedelta
    applied_at: datetime | None
    recent: RecentLag | None

    @property
    def lag_events(self) -> int:
        """How many events are not applied yet."""
        return max(0, self.head - self.position)


def statuses(database_url: str) -> tuple[ProjectionStatus, ...]:
    """Return the status of every projection.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    built, recent = _recorded(database_url)
    with EventStore(database_url, read_connections=1) as store:
        head = store.head().position
        now = datetime.now(UTC)
        found = []
        for projection in PROJECTIONS:
            name = projection.name
            version, position, applied_at = built.get(name, (None, 0, None))
            waiting = _time_of(store, position + 1) if position < head else None
            lag = max(now - waiting, timedelta()) if waiting else timedelta()
            found.append(ProjectionStatus(name, version, position, head, lag, applied_at, recent.get(name)))
    return tuple(found)


def _recorded(database_url: str) -> tuple[dict[str, tuple[int, int, datetime]], dict[str, RecentLag]]:
    """Return version, position and time of the builds that are read, and the newest lags."""
    try:
        with psycopg.connect(database_url, connect_timeout=5, autocommit=True) as connection:
            return _built(connection), recorded_lags(connection)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def _built(connection: Connection) -> dict[str, tuple[int, int, datetime]]:
    try:
        rows = connection.execute(
            "SELECT name, version, position, applied_at"
            " FROM read.current JOIN read.builds USING (name, version, number)"
        ).fetchall()
    except psycopg.errors.UndefinedTable:
        return {}
    return {
        name: (version, position, applied_at.astimezone(UTC)) for name, version, position, applied_at in rows
    }


def _time_of(store: EventStore, position: int) -> datetime | None:
    found = store.read(after=position - 1, until=position).events
    try:
        return decode(found[0].type, found[0].data)[1].time if found else None
    except (UnknownEvent, UnreadableEvent):
        return None
