"""What is offered to who cannot have a seat: others that are free, and when this one is."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from studyspot.decisions.run import Decisions
from studyspot.domain.refusals import SeatOutOfService, SeatTaken
from studyspot.domain.seeing import SEE_LIBRARY, SeeLibrary
from studyspot.event_store.errors import StoreUnavailable
from studyspot.wire.problems import Problem, of_refusal

_OFFERED = 3
_LOOKING_AT_ONCE = 2


class FreeSeat(Protocol):
    """A seat that nothing took at the moment of the look."""

    @property
    def seat_id(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def zone(self) -> str: ...


class SeatFinder(Protocol):
    """Finds seats that are free throughout [start, end), those of `zone` first: an offer, never a promise.

    It waits for nothing long, and finds none rather than failing. `end` includes the library's buffer.
    """

    async def free(
        self, library_id: str, start: datetime, end: datetime, *, zone: str | None, limit: int
    ) -> Sequence[FreeSeat]: ...


class Alternatives:
    """Makes the problem of a seat that cannot be had, with what could be had instead."""

    def __init__(self, decisions: Decisions, finder: SeatFinder) -> None:
        self._decisions = decisions
        self._finder = finder
        self._looking = asyncio.Semaphore(_LOOKING_AT_ONCE)

    async def beside(
        self,
        refusal: SeatTaken | SeatOutOfService,
        library_id: str,
        seat_id: str,
        start: datetime,
        end: datetime,
    ) -> Problem:
        """Return the problem; with `alternatives`, where there are any and time to look for them."""
        problem = of_refusal(refusal)
        offered: dict[str, Any] = {}
        free_from = problem.extras.pop("freeFrom", None)
        seats = await self._seats(library_id, seat_id, start, end)
        if seats:
            offered["seats"] = [
                {"id": seat.seat_id, "label": seat.label, "zone": seat.zone} for seat in seats
            ]
        if free_from is not None:
            offered["freeFrom"] = free_from
        if offered:
            problem.extras["alternatives"] = offered
        return problem

    async def _seats(
        self, library_id: str, seat_id: str, start: datetime, end: datetime
    ) -> Sequence[FreeSeat]:
        # In a rush most are refused: who comes when many are looking is answered at once.
        if self._looking.locked():
            return ()
        async with self._looking:
            try:
                seen = await self._decisions.look(SEE_LIBRARY, SeeLibrary(library_id, seat_id))
            except StoreUnavailable:
                return ()
            library, seat = seen.state.library, seen.state.seat
            if library is None or seat is None:
                return ()
            occupied_until = end + timedelta(minutes=library.rules.buffer_minutes)
            return await self._finder.free(library_id, start, occupied_until, zone=seat.zone, limit=_OFFERED)
