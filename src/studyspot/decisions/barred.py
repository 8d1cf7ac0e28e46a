"""Who may not act though their token is good: the disabled, the erased, and who has another role now."""

import asyncio
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from studyspot.access.tokens import CLOCK_SKEW
from studyspot.catalogue.codec import UnreadableEvent, decode
from studyspot.catalogue.types import UnknownEvent, type_of
from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased, AccountRoleChanged
from studyspot.domain.people import Role
from studyspot.event_store.errors import StoreUnavailable
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, StoredEvent

log = structlog.get_logger()

REST = timedelta(milliseconds=100)
"""Between two looks at the log: so long a person may go on after they were barred."""
LOOK_EVERY = timedelta(seconds=2)
"""Where no append is heard of: a log that was restored may end before what is known of it."""
RETRY = timedelta(seconds=1)
PAGE = 1000

_Fact = AccountDisabled | AccountEnabled | AccountErased | AccountRoleChanged
_FACTS = (AccountDisabled, AccountEnabled, AccountErased, AccountRoleChanged)
_CRITERION = Criterion(types=tuple(type_of(fact) for fact in _FACTS))


class _Known:
    """What the log says up to `position`; `history` names the log that said it."""

    def __init__(self, history: str) -> None:
        self.history = history
        self.position = 0
        self.disabled: set[str] = set()
        self.erased: set[str] = set()
        self.roles: dict[str, tuple[Role, datetime]] = {}

    def take(self, stored: StoredEvent) -> None:
        try:
            event, metadata = decode(stored.type, stored.data)
        except (UnknownEvent, UnreadableEvent) as error:
            log.error("account event left out", position=stored.position, reason=str(error))  # noqa: TRY400
            return
        if isinstance(event, _FACTS):
            self._take(event, metadata.time)

    def _take(self, event: _Fact, at: datetime) -> None:
        match event:
            case AccountDisabled():
                self.disabled.add(event.user_id)
            case AccountEnabled():
                self.disabled.discard(event.user_id)
            case AccountErased():
                self.erased.add(event.user_id)
            case AccountRoleChanged():
                self.roles[event.user_id] = (event.role, at)
            case _ as unreachable:
                assert_never(unreachable)


class Barred:
    """Follows the log for what it says about accounts; decisions read their own, and are exact."""

    def __init__(self, store: EventStore, *, page: int = PAGE) -> None:
        self._store = store
        self._page = page
        self._known = _Known("")
        self._read = asyncio.Event()

    async def is_known(self, within: timedelta) -> bool:
        """Wait for the log to have been read once; return whether it was in time."""
        if self._read.is_set():
            return True
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._read.wait()
        except TimeoutError:
            return False

    def is_shut_out(self, user_id: str) -> bool:
        """Say whether the person is disabled or erased."""
        return user_id in self._known.disabled or user_id in self._known.erased

    def is_outdated(self, user_id: str, role: Role, issued_at: datetime) -> bool:
        """Say whether a token of this role may have been issued before the person got another one."""
        found = self._known.roles.get(user_id)
        # It may have been asked for just before the change was in the log, and by another clock.
        return found is not None and found[0] != role and issued_at < found[1] + CLOCK_SKEW

    async def run(self) -> None:
        """Follow the log until cancelled; while the database is away, what is known stays."""
        away = False
        async with HeadSignal(self._store.database_url) as head:
            while True:
                try:
                    await self.catch_up()
                except StoreUnavailable as error:
                    if not away:
                        log.warning("who is barred is not followed", reason=str(error))
                    away = True
                    await asyncio.sleep(RETRY.total_seconds())
                    continue
                if away:
                    log.info("who is barred is followed again")
                away = False
                await asyncio.sleep(REST.total_seconds())
                await head.wait(self._known.position, LOOK_EVERY)

    async def catch_up(self) -> None:
        """Read what the log says since the last time.

        Raises:
            StoreUnavailable: the database is away.
        """
        known = self._known
        while True:
            page = await self._store.read_async((_CRITERION,), after=known.position, limit=self._page)
            if page.history != known.history:
                # Another log, such as a restored one: what was known of the old one may not be so.
                began_in_the_middle = known.position > 0
                known = _Known(page.history)
                if began_in_the_middle:
                    continue
            for stored in page.events:
                known.take(stored)
            full = len(page.events) == self._page
            known.position = page.events[-1].position if full else page.head
            if not full:
                break
        self._known = known
        self._read.set()
