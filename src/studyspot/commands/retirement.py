"""Retire a library; where that is asked for, with all that is still to come in it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from studyspot.commands.gate import Commanded, Gate
from studyspot.commands.libraries import LibraryId
from studyspot.decisions.live_bookings import count_live_bookings, live_ones
from studyspot.domain.endings import REVOKE_AFFECTED, RevokeAffected
from studyspot.domain.events import BookingRevoked, ClosureAnnounced, Event, HoldReleased
from studyspot.domain.holds import RELEASE_AFFECTED_HOLD, ReleaseAffectedHold
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    DELETE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    DeleteLibrary,
    WithdrawClosure,
)
from studyspot.domain.library import RETIREMENT, Library
from studyspot.domain.refusals import FutureBookings
from studyspot.wire.bodies import RetiredAnswer

router = APIRouter(prefix="/api/libraries", tags=["libraries"])

Cascade = Annotated[bool, Query(description="Revoke what is still to come, and give its amounts back.")]

_AT_ONCE = 8


@router.delete("/{library_id}")
async def delete_library(library_id: LibraryId, gate: Commanded, cascade: Cascade = False) -> RetiredAnswer:
    """Retire a library: one that has no bookings to come or, with `cascade`, together with these.

    An endless closure comes first, so that none is added meanwhile; where there are some and they are not to
    be revoked, it is withdrawn. Asked again after an interruption, the retirement goes on.
    """
    revoke_at = gate.at if cascade else None
    close = AnnounceClosure(library_id, RETIREMENT, gate.at, None, gate.actor, revoke_at)
    closed = await gate.decisions.run(ANNOUNCE_CLOSURE, close, gate.circumstances(), _closed_since)
    ended = {"revoked": 0, "released": 0}
    if cascade:
        ended = await _end_all(library_id, gate)
    live = await count_live_bookings(gate.store, library_id, gate.at)
    if not live and not cascade:
        ended = await _let_holds_go(library_id, gate)
    since: datetime = closed.answer["since"]
    retire = DeleteLibrary(library_id, RETIREMENT, since, live, gate.actor)

    def answer(_: Library | None, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": library_id, **ended}

    try:
        accepted = await gate.decisions.run(DELETE_LIBRARY, retire, gate.circumstances(), answer)
    except FutureBookings:
        if not cascade:
            reopen = WithdrawClosure(library_id, RETIREMENT, gate.actor)
            await gate.decisions.run(WITHDRAW_CLOSURE, reopen, gate.circumstances(), answer)
        raise
    return RetiredAnswer.model_validate(gate.answer(accepted))


async def _let_holds_go(library_id: str, gate: Gate) -> dict[str, int]:
    """Release the holds that stand where no booking does: nothing will come of them any more."""
    held = [hold async for some in live_ones(gate.store, library_id, gate.at) for hold in some.holds]
    if held:
        for_good = AnnounceClosure(library_id, RETIREMENT, gate.at, None, gate.actor, gate.at)
        await gate.decisions.run(ANNOUNCE_CLOSURE, for_good, gate.circumstances(), _closed_since)
    return await _end_all(library_id, gate) if held else {"revoked": 0, "released": 0}


async def _end_all(library_id: str, gate: Gate) -> dict[str, int]:
    """Revoke every booking to come and release every hold; return how many of each it was."""

    async def revoke(booking_id: str) -> bool:
        command = RevokeAffected(booking_id, gate.at)
        accepted = await gate.decisions.run(REVOKE_AFFECTED, command, gate.circumstances(), _ended)
        return bool(accepted.answer["ended"])

    async def release(hold_id: str) -> bool:
        command = ReleaseAffectedHold(hold_id, gate.at)
        accepted = await gate.decisions.run(RELEASE_AFFECTED_HOLD, command, gate.circumstances(), _ended)
        return bool(accepted.answer["ended"])

    revoked = released = 0
    async for some in live_ones(gate.store, library_id, gate.at):
        revoked += await _count(revoke, some.bookings)
        released += await _count(release, some.holds)
    return {"revoked": revoked, "released": released}


async def _count(end: Callable[[str], Awaitable[bool]], ids: Iterable[str]) -> int:
    """End each of them, a few at once; return how many it was."""
    remaining, ended = iter(ids), 0

    async def work() -> None:
        nonlocal ended
        for one in remaining:
            has_ended = await end(one)
            ended += has_ended

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())
    except ExceptionGroup as failed:
        # What one met, the others met, or were stopped for.
        raise failed.exceptions[0] from None
    return ended


def _ended(_: object, events: tuple[Event, ...]) -> dict[str, Any]:
    return {"ended": any(isinstance(event, BookingRevoked | HoldReleased) for event in events)}


def _closed_since(library: Library | None, events: tuple[Event, ...]) -> dict[str, Any]:
    assert library is not None
    for event in events:
        assert isinstance(event, ClosureAnnounced)
        return {"since": event.start}
    return {"since": library.closures[RETIREMENT].start}
