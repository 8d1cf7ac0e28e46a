"""An issuer's public keys as they change: read again now and then, and when an unknown key is shown."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import structlog
from prometheus_client import Counter

from studyspot.access.key_sets import KeysUnavailable, load_key_sets
from studyspot.access.public_keys import PublicKeys

log = structlog.get_logger()

_failures = Counter(
    "studyspot_key_set_failures", "Readings of an issuer's public keys that failed", ["issuer"]
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often keys are read.

    However many unknown keys are shown, `rest` passes between two readings: nobody can make us ask an
    issuer more often than that. A key that the issuer has withdrawn is good for `every` at most.
    """

    rest: timedelta = timedelta(seconds=10)
    every: timedelta = timedelta(minutes=5)


class _State(Enum):
    FIXED = auto()
    """Nobody follows the sources."""
    READING = auto()
    RESTING = auto()
    READY = auto()
    """The next unknown key begins a reading."""


class KeyRing:
    """The keys of one issuer: those of its sources, and of documents that are `kept` whatever these say.

    Where the sources do not answer, the last keys stay, and the log says so at each try.
    """

    def __init__(
        self,
        keys: PublicKeys,
        *,
        issuer: str = "",
        sources: Sequence[str] = (),
        kept: Sequence[Mapping[str, Any]] = (),
        algorithms: Sequence[str] = (),
        pace: Pace | None = None,
    ) -> None:
        self.algorithms = tuple(algorithms)
        self._keys = keys
        self._issuer = issuer
        self._sources = tuple(sources)
        self._kept = tuple(kept)
        self._pace = pace or Pace()
        # Sources are about to be followed.
        self._state = _State.READING if sources else _State.FIXED
        self._failed = False
        self._wanted = asyncio.Event()
        self._read = asyncio.Event()

    @property
    def keys(self) -> PublicKeys:
        """The keys as they were last read; another object once they have changed."""
        return self._keys

    def miss(self) -> bool:
        """Note that a token names a key that is not here; return whether the keys may soon be others.

        They may where they are being read now, or could not be: then nobody knows whether the token is good.
        """
        self._wanted.set()
        if self._state is _State.READY:
            self._begin()
        return self._state is _State.READING or (self._failed and self._state is not _State.FIXED)

    async def settled(self, within: timedelta) -> None:
        """Wait until the reading that goes on now has ended, or the time is over."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self._state is _State.READING:
                    await self._read.wait()
        except TimeoutError:
            return

    async def follow(self) -> None:
        """Keep the keys as the sources have them, until cancelled; end at once where there are none."""
        if not self._sources:
            return
        try:
            while True:
                self._wanted.clear()
                self._begin()
                await self._read_again()
                self._state = _State.RESTING
                self._read.set()
                await asyncio.sleep(self._pace.rest.total_seconds())
                if not (self._failed or self._wanted.is_set()):
                    self._state = _State.READY
                    await self._wanted_within(self._pace.every - self._pace.rest)
        finally:
            self._state = _State.FIXED
            self._read.set()

    def _begin(self) -> None:
        self._state = _State.READING
        self._read.clear()

    async def _read_again(self) -> None:
        try:
            # In a thread: an HTTP client's certificates alone take longer than an event loop may be kept.
            documents = await asyncio.to_thread(load_key_sets, self._sources)
            read = PublicKeys.of([*self._kept, *documents], self.algorithms)
        except (KeysUnavailable, ValueError) as error:
            _failures.labels(self._issuer).inc()
            kept = len(self._keys.by_id)
            log.error(  # noqa: TRY400 - what is wrong is outside of this program
                "public keys cannot be read", issuer=self._issuer, reason=str(error), kept=kept
            )
            self._failed = True
            return
        if self._failed:
            log.info("public keys can be read again", issuer=self._issuer)
        self._failed = False
        if not read.is_same_as(self._keys):
            log.info("public keys", issuer=self._issuer, key_ids=sorted(read.by_id))
            self._keys = read

    async def _wanted_within(self, limit: timedelta) -> None:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._wanted.wait()
        except TimeoutError:
            return
