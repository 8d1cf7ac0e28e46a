"""Following the log: each event changes the tables once, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import structlog
from psycopg import AsyncConnection

from studyspot.catalogue.codec import Recorded, UnreadableEvent, decode
from studyspot.catalogue.types import UnknownEvent, type_of
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Head, StoredEvent
from studyspot.policies.fold import TAKEN, Change, changes_of
from studyspot.policies.reasons import reason_of
from studyspot.policies.tables import (
    VERSION,
    Progress,
    RivalFirst,
    Unread,
    apply,
    begin_anew,
    read_progress,
    read_unread,
)

PAGE = 1000

# What PostgreSQL finds wrong with a row; all else that it says is about its own state.
_WRONG_ROWS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_TYPES = frozenset(type_of(event_class) for event_class in TAKEN)

_GO_BACK = "end this process; or, to go back to this release for good, set policies.progress.version to 0"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the event at `position` changes."""

    position: int
    changes: tuple[Change, ...]


class Follower:
    """Brings the tables up to the log; any number of processes may, and of two one wins each batch.

    An event that cannot be read is left out, and counted: others go on. One that a newer release wrote is
    waited for, as what follows it may depend on it.
    """

    def __init__(self, connection: AsyncConnection, store: EventStore, progress: Progress) -> None:
        self.progress = progress
        self.unknown: str | None = None
        self._told_superseded = False
        self._connection = connection
        self._store = store

    @property
    def trouble(self) -> str | None:
        """Why it cannot go on before another release does."""
        return "a newer release keeps the tables" if self.superseded else self.unknown

    @property
    def superseded(self) -> bool:
        """Whether a newer release keeps the tables, which asks for more than this one knows."""
        return self.progress.version > VERSION

    async def check(self, head: Head) -> None:
        """Begin anew where the tables tell of another history than the log, or are an older release's."""
        known = self.progress = await read_progress(self._connection)
        if self.superseded:
            if not self._told_superseded:
                log.warning("policies are kept by a newer release", version=known.version, mend=_GO_BACK)
            self._told_superseded = True
            return
        if (known.epoch, known.version) != (head.epoch, VERSION) or known.position > head.position:
            await self.begin_anew(head.epoch)

    async def begin_anew(self, epoch: str | None = None) -> None:
        """Empty the tables, to make them again from the log; its epoch is the same without one."""
        before = self.progress
        epoch = epoch or before.epoch
        try:
            self.progress = await begin_anew(self._connection, before, epoch)
        except RivalFirst:
            self.progress = await read_progress(self._connection)
            return
        if before.position:
            log.warning("policies begin anew", position=before.position, was=before.epoch, epoch=epoch)

    async def can_read_more(self) -> bool:
        """Say whether an event that was left out can be read now, by another release."""
        for position in await read_unread(self._connection):
            found = await self._store.read_async(after=position - 1, until=position)
            try:
                for stored in found.events:
                    decode(stored.type, stored.data)
            except (UnknownEvent, UnreadableEvent):
                continue
            return True
        return False

    async def follow(self, until: int) -> None:
        """Take the next page of events in (`position`, `until`].

        Raises:
            StoreUnavailable, psycopg.OperationalError: the database is away.
        """
        page = await self._store.read_async(after=self.progress.position, until=until, limit=PAGE)
        reached, taken, unread = self._readable(page.events)
        try:
            await self._take(reached, taken, unread)
        except RivalFirst:
            self.progress = await read_progress(self._connection)

    def _readable(self, stored: Sequence[StoredEvent]) -> tuple[int, list[_Taken], list[Unread]]:
        """Return what events change, and the position before the first that a newer release wrote."""
        taken: list[_Taken] = []
        unread: list[Unread] = []
        reached, unknown = self.progress.position, None
        for one in stored:
            if one.type in _TYPES:
                try:
                    taken.append(_Taken(one.position, _changes(one)))
                except UnknownEvent as error:
                    unknown = str(error)
                    break
                except UnreadableEvent as error:
                    unread.append(_unread(one.position, error))
                except Exception as error:
                    # It would fail again; all others go on.
                    log.exception("event not understood", position=one.position)
                    unread.append(_unread(one.position, error))
            reached = one.position
        if unknown is not None and unknown != self.unknown:
            log.warning(
                "policies wait for a newer release",
                position=reached + 1,
                reason=unknown,
                mend="start the release that wrote this event; its policies go on from here",
            )
        self.unknown = unknown
        return reached, taken, unread

    async def _take(self, until: int, taken: list[_Taken], unread: list[Unread]) -> None:
        if until == self.progress.position:
            return
        try:
            changes = (change for one in taken for change in one.changes)
            self.progress = await apply(self._connection, self.progress, until, changes, unread)
        except _WRONG_ROWS as error:
            if len(taken) <= 1:
                culprits = [_unread(one.position, error) for one in taken]
                self.progress = await apply(self._connection, self.progress, until, (), [*unread, *culprits])
                return
            # Half and half again, until the one that no table takes stands alone.
            middle = len(taken) // 2
            last = taken[middle - 1].position
            before = [event for event in unread if event.position <= last]
            await self._take(last, taken[:middle], before)
            await self._take(until, taken[middle:], unread[len(before) :])


def _changes(stored: StoredEvent) -> tuple[Change, ...]:
    event, metadata = decode(stored.type, stored.data)
    recorded = Recorded(position=stored.position, epoch=stored.epoch, event=event, metadata=metadata)
    return tuple(changes_of(recorded))


def _unread(position: int, error: Exception) -> Unread:
    reason = reason_of(error)
    log.error("event left out", position=position, reason=reason)
    return Unread(position, reason)
