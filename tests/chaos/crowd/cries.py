"""So much is said at once that who does not read meanwhile falls behind."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta

from tests.chaos.crowd.people_acts import PeopleActs
from tests.chaos.crowd.visitor import Visitor

_AT_ONCE = 24
_HEARD_WITHIN = timedelta(seconds=10)
"""By most who read; what was said may never come, if NATS is away."""
_MOST = 0.75
_LOOK_EVERY = timedelta(milliseconds=50)
_UNREAD_FOR = timedelta(seconds=1)
"""After all of it has been heard."""


class Cries:
    """Announcements to everybody, of which those who read slowly read nothing for a while."""

    def __init__(self, acts: PeopleActs, visitors: Sequence[Visitor]) -> None:
        self._acts = acts
        self._slow = [visitor for visitor in visitors if visitor.reads_slowly]
        self._others = [visitor for visitor in visitors if not visitor.reads_slowly]

    async def cry(self) -> None:
        """Announce a lot.

        Raises:
            ProblemError, AnswerLost: one of the announcements was not made, or it is unknown whether.
        """
        with ExitStack() as unread:
            for visitor in self._slow:
                if visitor.is_connected:
                    unread.enter_context(visitor.reading_nothing())
            # One that fails does not cut off the others: what they are answered is evidence.
            announced = await asyncio.gather(
                *(self._acts.announce_at_length() for _ in range(_AT_ONCE)), return_exceptions=True
            )
            await self._heard(max((answer for answer in announced if isinstance(answer, int)), default=0))
            await asyncio.sleep(_UNREAD_FOR.total_seconds())
        for answer in announced:
            if isinstance(answer, BaseException):
                raise answer

    async def _heard(self, position: int) -> None:
        """Wait until most of those who read have got there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_HEARD_WITHIN.total_seconds()):
                while self._share_at(position) < _MOST:  # noqa: ASYNC110  # Visitors tell nobody.
                    await asyncio.sleep(_LOOK_EVERY.total_seconds())

    def _share_at(self, position: int) -> float:
        return sum(visitor.reached >= position for visitor in self._others) / len(self._others)
