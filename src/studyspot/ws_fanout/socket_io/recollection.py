"""The memory of connections: written behind, and asked when a client comes back, to whichever node.

It is in a bucket that all nodes share. What cannot be written waits, and is forgotten where too much waits;
what cannot be read within a second is not remembered. So whatever befalls the bucket, connections go on.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import islice

import structlog
from nats.aio.client import Client
from pydantic import TypeAdapter, ValidationError

from studyspot.broker.buckets import SOCKETS, ensure_buckets, get_value, put_values
from studyspot.broker.errors import BrokerUnavailable
from studyspot.ws_fanout.socket_io.memory import Answer
from studyspot.ws_fanout.socket_io.remembered import Remembered
from studyspot.ws_fanout.socket_io.shares import SHARE_BYTES, Shares

ANSWER_WITHIN = timedelta(seconds=1)
MOST_UNWRITTEN = 20_000
"""Connections; a node has as many sockets at most."""
MOST_QUESTIONS = 10_000
PAUSE = timedelta(milliseconds=50)
"""Between two writes: what happens meanwhile is written together."""
LONGEST_PAUSE = timedelta(seconds=10)
_AT_A_TIME = 256
_READERS = 16
_RETRY_AFTER = timedelta(seconds=1)
_PID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_remembered = TypeAdapter(Remembered)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Unwritten:
    """What is to be written, nothing where it is to be erased; and who is told when it is."""

    remembered: Remembered | None
    then: Answer | None = None

    @cached_property
    def value(self) -> bytes:
        return _remembered.dump_json(self.remembered) if self.remembered is not None else b""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is known of `pid` is asked, to be answered before `until`, by the loop's clock."""

    pid: str
    then: Answer
    until: float


class Recollection:
    """What connections were to receive, by the id that each was given (`pid`)."""

    def __init__(
        self,
        nc: Client,
        *,
        most_unwritten: int = MOST_UNWRITTEN,
        most_questions: int = MOST_QUESTIONS,
        share_bytes: int = SHARE_BYTES,
    ) -> None:
        """Make it; beyond its bounds it forgets what waits longest to be written, and takes no questions.

        Of one account it keeps `share_bytes`, the newest.
        """
        self._nc = nc
        self._js = nc.jetstream(timeout=ANSWER_WITHIN.total_seconds())
        self._most_unwritten = most_unwritten
        self._shares = Shares(share_bytes=share_bytes)
        self._unwritten: dict[str, _Unwritten] = {}
        self._has_unwritten = asyncio.Event()
        self._questions: asyncio.Queue[_Question] = asyncio.Queue(most_questions)
        self._has_bucket = False
        self._failures = 0
        self._forgotten = 0
        self._is_ending = False

    def remember(self, pid: str, remembered: Remembered, then: Answer | None = None) -> None:
        """Keep this, instead of what was kept of `pid` before; it is written in the background.

        `then` is called with it once it is written; that may be never, where something newer comes first.

        Raises:
            ValueError: `pid` is none that we give.
        """
        if _PID.fullmatch(pid) is None:
            raise ValueError("an id of a connection has letters, digits, _ and - only")
        if pid not in self._unwritten and len(self._unwritten) >= self._most_unwritten:
            del self._unwritten[next(iter(self._unwritten))]
            self._forgotten += 1
        self._unwritten[pid] = _Unwritten(remembered, then)
        self._has_unwritten.set()

    def recall(self, pid: str, then: Answer) -> None:
        """Call `then`, later and within `ANSWER_WITHIN`, with what is kept of `pid`; none where nothing is.

        `pid` may be anything that a client says.
        """
        loop = asyncio.get_running_loop()
        if _PID.fullmatch(pid) is None or self._questions.full():
            loop.call_soon(then, None)
            return
        self._questions.put_nowait(_Question(pid, then, loop.time() + ANSWER_WITHIN.total_seconds()))

    async def run(self) -> None:
        """Write and answer until cancelled.

        Raises:
            BaseExceptionGroup: of `BrokerClosed`: the connection to NATS is gone for good.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write())
            for _ in range(_READERS):
                tasks.create_task(self._answer())
            try:
                await asyncio.Event().wait()
            finally:
                # A wait of Python 3.11 can lose a cancellation that comes together with its result.
                self._is_ending = True

    async def _write(self) -> None:
        pause = PAUSE
        while not self._is_ending:
            await asyncio.sleep(pause.total_seconds())
            await self._has_unwritten.wait()
            try:
                await self._write_some()
            except BrokerUnavailable as error:
                pause = self._complain(error)
            else:
                self._be_content()
                pause = PAUSE

    async def _write_some(self) -> None:
        """Write what has waited longest.

        Raises:
            BrokerUnavailable, BrokerClosed
        """
        if not self._has_bucket:
            await ensure_buckets(self._js, (SOCKETS,))
            self._has_bucket = True
        some = self._with_room_made(dict(islice(self._unwritten.items(), _AT_A_TIME)))
        values = {pid: written.value for pid, written in some.items()}
        await put_values(self._nc, SOCKETS, values, limit=ANSWER_WITHIN)
        for pid, written in some.items():
            # Something newer may have come meanwhile.
            if self._unwritten.get(pid) is written:
                del self._unwritten[pid]
        if not self._unwritten:
            self._has_unwritten.clear()
        for written in some.values():
            if written.then is not None:
                written.then(written.remembered)

    def _with_room_made(self, some: Mapping[str, _Unwritten]) -> Mapping[str, _Unwritten]:
        """Return what is to be written, after what is to be erased for it."""
        # In one write: so there is never much more than may be, however much waits.
        erased: dict[str, _Unwritten] = {}
        for pid, written in some.items():
            erased.pop(pid, None)
            if written.remembered is not None:
                taken = self._shares.take(written.remembered.user_id, pid, len(written.value))
                erased |= dict.fromkeys(taken, _Unwritten(None))
        self._unwritten |= erased
        return erased | {pid: written for pid, written in some.items() if pid not in erased}

    async def _answer(self) -> None:
        while not self._is_ending:
            question = await self._questions.get()
            question.then(await self._find(question))

    async def _find(self, question: _Question) -> Remembered | None:
        if (unwritten := self._unwritten.get(question.pid)) is not None:
            return unwritten.remembered
        if asyncio.get_running_loop().time() >= question.until:
            return None
        try:
            async with asyncio.timeout_at(question.until):
                value = await get_value(self._js, SOCKETS, question.pid)
        except (BrokerUnavailable, TimeoutError) as error:
            log.debug("connection not recalled", reason=str(error) or "no answer in time")
            return None
        return _read(value) if value is not None else None

    def _complain(self, error: BrokerUnavailable) -> timedelta:
        """Log a lasting trouble once, and return how long to wait."""
        self._has_bucket = False
        self._failures += 1
        if self._failures == 1:
            log.warning("memory of connections waits", reason=str(error))
        return min(self._failures * _RETRY_AFTER, LONGEST_PAUSE)

    def _be_content(self) -> None:
        if self._failures:
            log.info("memory of connections is kept again", forgotten=self._forgotten)
            self._failures = self._forgotten = 0


def _read(value: bytes) -> Remembered | None:
    try:
        return _remembered.validate_json(value)
    except ValidationError as error:
        # Another release may have written it otherwise.
        log.warning("remembered connection not readable", reason=str(error))
        return None
