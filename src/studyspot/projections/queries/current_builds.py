"""Which builds are read now, and how far they are: told by the workers' notifications."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.event_store.connections import answered_within, connect_async
from studyspot.event_store.listening import Listener
from studyspot.projections.builds import CHANNEL, Build
from studyspot.projections.projection import Projection

LOOK_EVERY = timedelta(seconds=1)
"""Beneath the notifications: a connection that has died in silence is noticed."""

LOOK_AGAIN_AFTER = timedelta(milliseconds=100)
"""Builds that are told of and not read, as during a rebuild, make us look no more often than this."""

RETRY_AFTER = timedelta(milliseconds=250)
_ANSWER_WITHIN = timedelta(seconds=2)
_CURRENT = (
    "SELECT name, version, number, position FROM read.current JOIN read.builds USING (name, version, number)"
)

log = structlog.get_logger()


class CurrentBuilds:
    """Follows the pointer rows and positions over a connection of its own."""

    def __init__(self, database_url: str, *, look_every: timedelta = LOOK_EVERY) -> None:
        self._database_url = database_url
        self._look_every = look_every
        self._positions: dict[Build, int] = {}
        self._listener = Listener(self._hear)
        self._strange = self._patient = False

    def of(self, projections: Sequence[Projection]) -> tuple[Build, ...] | None:
        """Return the builds to be read, or none while one is not there in the version that we know."""
        current = {(build.name, build.version): build for build in self._positions}
        builds = [current.get((projection.name, projection.version)) for projection in projections]
        return tuple(build for build in builds if build) if all(builds) else None

    def reached(self, projections: Sequence[Projection], position: int) -> bool:
        """Say whether all of them are known to be at `position`, or beyond; only in the event loop."""
        self._listener.look()
        builds = self.of(projections)
        return builds is not None and all(self._positions[build] >= position for build in builds)

    async def wait(self, projections: Sequence[Projection], position: int, timeout: timedelta) -> bool:
        """Wait until all of them have reached `position`; return whether they have."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while not self.reached(projections, position):
                    await self._listener.wait()
        except TimeoutError:
            return False
        return True

    async def look(self, connection: AsyncConnection) -> None:
        """Read the pointers and positions over a connection of the caller's."""
        found = await _read(connection)
        # A position that was told while this one was read is not taken back.
        self._tell({build: max(position, self._positions.get(build, 0)) for build, position in found.items()})

    async def run(self) -> None:
        """Follow until cancelled; while the database is away, what was known stays known."""
        away = False
        while True:
            try:
                connection = await connect_async(
                    self._database_url, connect_timeout=2, application_name="studyspot read positions"
                )
                async with connection:
                    async with answered_within(_ANSWER_WITHIN):
                        await self._listener.subscribe(connection, CHANNEL)
                    if away:
                        log.info("read positions are heard again")
                    away = False
                    await self._follow(connection)
            except (psycopg.Error, TimeoutError) as error:
                if not away:
                    log.warning("read positions are not heard", reason=str(error).strip() or "no answer")
                away = True
            await asyncio.sleep(RETRY_AFTER.total_seconds())

    async def _follow(self, connection: AsyncConnection) -> None:
        while True:
            async with answered_within(_ANSWER_WITHIN):
                found = await _read(connection)
            # Only here may positions go back, as they do when a crash of the database took the newest.
            self._tell(found)
            self._patient, self._strange = self._strange, False
            await self._listener.listen(connection, LOOK_AGAIN_AFTER if self._patient else self._look_every)

    def _hear(self, notices: list[str]) -> None:
        """Take note of how far the builds are.

        Where one is not known to be read the pointers are to be looked at: at once, or when that was so the
        last time already, `LOOK_AGAIN_AFTER` later.
        """
        positions = dict(self._positions)
        for notice in notices:
            build, position = _told(notice)
            if build not in positions:
                self._strange = True
            elif position > positions[build]:
                positions[build] = position
        self._tell(positions)
        if self._strange and not self._patient:
            self._listener.end()

    def _tell(self, positions: Mapping[Build, int]) -> None:
        if positions != self._positions:
            self._positions = dict(positions)
            self._listener.tell()


def _told(notice: str) -> tuple[Build | None, int]:
    """Return which build is how far, or no build: whoever is let into the database may notify of anything."""
    try:
        name, version, number, position = notice.split(" ")
        return Build(name, int(version), int(number)), int(position)
    except ValueError:
        return None, 0


async def _read(connection: AsyncConnection) -> dict[Build, int]:
    try:
        found = await connection.execute(_CURRENT)
    except psycopg.errors.UndefinedTable:  # No worker has run yet.
        return {}
    return {Build(*identity): position for *identity, position in await found.fetchall()}
