"""How far each projection is: what `studyspot projections status` shows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from studyspot.catalogue.codec import UnreadableEvent, decode
from studyspot.catalogue.types import UnknownEventType
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.store import EventStore
from studyspot.projections.models.registry import PROJECTIONS


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """A projection beside the log; `version` and what follows from it are none where nothing is built yet.

    `lag` is how long the oldest event that is not applied has waited: zero when none waits.
    """

    name: str
    version: int | None
    position: int
    head: int
    lag: timedelta
    applied_at: datetime | None

    @property
    def lag_events(self) -> int:
        return max(0, self.head - self.position)


def statuses(database_url: str) -> tuple[ProjectionStatus, ...]:
    """Return the status of every projection.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    built = _built(database_url)
    with EventStore(database_url, read_connections=1) as store:
        head = store.head().position
        now = datetime.now(UTC)
        found = []
        for projection in PROJECTIONS:
            version, position, applied_at = built.get(projection.name, (None, 0, None))
            waiting = _time_of(store, position + 1) if position < head else None
            lag = max(now - waiting, timedelta()) if waiting else timedelta()
            found.append(ProjectionStatus(projection.name, version, position, head, lag, applied_at))
    return tuple(found)


def _built(database_url: str) -> dict[str, tuple[int, int, datetime]]:
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT name, version, position, applied_at"
                " FROM read.current JOIN read.builds USING (name, version, number)"
            ).fetchall()
    except psycopg.errors.UndefinedTable:
        return {}
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    return {name: (version, position, applied_at) for name, version, position, applied_at in rows}


def _time_of(store: EventStore, position: int) -> datetime | None:
    found = store.read(after=position - 1, until=position).events
    try:
        return decode(found[0].type, found[0].data)[1].time if found else None
    except (UnknownEventType, UnreadableEvent):
        return None
