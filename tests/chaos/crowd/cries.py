"""So much is said at once that who does not read meanwhile falls behind."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta

from tests.chaos.crowd.people_acts import PeopleActs
from tests.chaos.crowd.visitor import Visitor

_AT_ONCE = 24
_UNREAD_FOR = timedelta(seconds=1)
"""After all of it has been said, however long that takes."""


class Cries:
    """Announcements to everybody, of which those who read slowly read nothing for a while."""

    def __init__(self, acts: PeopleActs, visitors: Sequence[Visitor]) -> None:
        self._acts = acts
        self._visitors = [visitor for visitor in visitors if visitor.reads_slowly]

    async def cry(self) -> None:
        """Announce a lot.

        Raises:
            ProblemError, AnswerLost: one of the announcements was not made, or it is unknown whether.
        """
        with ExitStack() as unread:
            for visitor in self._visitors:
                if visitor.is_connected:
                    unread.enter_context(visitor.reading_nothing())
            # One that fails does not cut off the others: what they are answered is evidence.
            announced = await asyncio.gather(
                *(self._acts.announce_at_length() for _ in range(_AT_ONCE)), return_exceptions=True
            )
            await asyncio.sleep(_UNREAD_FOR.total_seconds())
        for answer in announced:
            if isinstance(answer, BaseException):
                raise answer
