"""Offering what is free to those who wait, in the order of their line.

The tables say who is next and which seats may be free; whether an offer is made is decided on a fresh read of
the log, which knows better. So an offer that is refused only means: another seat, or whoever is next.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from psycopg import AsyncConnection

from studyspot.decisions.identifiers import new_id, new_occupation
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.events import Event
from studyspot.domain.refusals import (
    NotYetReleased,
    Refusal,
    SeatAwaited,
    SeatOutOfService,
    SeatTaken,
    SeatUnknown,
)
from studyspot.domain.waitlist import OFFER_PLACE, OfferPlace
from studyspot.policies.line_tables import Candidate, Place, next_in_line
from studyspot.policies.outages import PASSING
from studyspot.policies.tasks import Ran

TRIES = 32
"""Offers that are tried in one go: others' tasks wait for them."""

_PAST_ALL_SEATS = "~"
"""Greater than every id."""
_ABOUT_THE_SEAT = (SeatTaken, SeatAwaited, SeatOutOfService, SeatUnknown)

log = structlog.get_logger()


@dataclass(slots=True)
class _Walk:
    """A walk along a line, asked for by the event at `asked_by`: how far it has come, and what it met.

    `released_at` is when the first of those who wait too early may be offered something.
    """

    asked_by: int
    after: Place = field(default_factory=Place)
    released_at: datetime | None = None
    failure: Exception | None = None


class Offering:
    """Walks along the lines of libraries; one that is interrupted goes on where it was."""

    def __init__(self, connection: AsyncConnection, decisions: Decisions) -> None:
        """`connection` is in autocommit; nothing is written by it."""
        self._connection = connection
        self._decisions = decisions
        self._walks: dict[str, _Walk] = {}

    async def go_on(self, library_id: str, asked_by: int, now: datetime) -> Ran:
        """Offer what is free to who is next, in at most `TRIES` tries; say when there is more to do.

        Raises:
            StoreUnavailable, StoreHalted, Contended, psycopg.OperationalError: not now.
            Exception: what one place in line failed for, once all others were offered what is free.
        """
        walk = self._walks.setdefault(library_id, _Walk(asked_by))
        changed = False
        left = TRIES
        while left:
            candidate = await next_in_line(self._connection, library_id, walk.after)
            if candidate is None:
                del self._walks[library_id]
                # What was freed meanwhile may be for somebody who was passed before. Who is last comes first
                # all the same, however often something is freed.
                if walk.asked_by != asked_by:
                    return Ran(changed, again_at=now)
                if walk.failure is not None:
                    raise walk.failure
                return Ran(changed, again_at=walk.released_at)
            seat_ids = candidate.seat_ids[:left]
            left -= len(seat_ids)
            changed |= await self._offer_one_of(seat_ids, candidate, walk, now)
        return Ran(changed, again_at=now)

    async def _offer_one_of(
        self, seat_ids: tuple[str, ...], candidate: Candidate, walk: _Walk, now: datetime
    ) -> bool:
        """Offer one of the seats, move on behind what was tried, and say whether something happened."""
        for seat_id in seat_ids:
            try:
                changed = await self._offer(candidate.entry_id, seat_id, now)
            except _ABOUT_THE_SEAT:
                walk.after = replace(candidate.place, seat_id=seat_id)
                continue
            except NotYetReleased as refusal:
                changed = False
                walk.released_at = min(walk.released_at or refusal.released_at, refusal.released_at)
            except Refusal as refusal:
                # The library's to change, and not the seat's or the student's: whoever is next may fit.
                changed = False
                log.info("nothing offered", entry=candidate.entry_id, reason=type(refusal).__name__)
            except PASSING:
                raise
            except Exception as error:
                # Whatever it is, it is this place's alone.
                changed = False
                walk.failure = error
                log.exception("offer failed", entry=candidate.entry_id, seat=seat_id)
            walk.after = replace(candidate.place, seat_id=_PAST_ALL_SEATS)
            return changed
        return False

    async def _offer(self, entry_id: str, seat_id: str, now: datetime) -> bool:
        command = OfferPlace(
            entry_id=entry_id,
            hold_id=new_id(now),
            occupation=new_occupation(),
            seat_id=seat_id,
            at=now,
        )
        circumstances = Circumstances(actor=None, at=now, command_id=new_id(now))
        accepted = await self._decisions.run(OFFER_PLACE, command, circumstances, _changed)
        return bool(accepted.answer["changed"])


def _changed(_: Any, events: tuple[Event, ...]) -> dict[str, Any]:
    return {"changed": bool(events)}
