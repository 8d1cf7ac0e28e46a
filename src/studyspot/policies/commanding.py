"""From a task to its command."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, assert_never

from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.decider import Decider
from studyspot.domain.endings import (
    COMPLETE_BOOKING,
    MISS_BOOKING,
    REVOKE_AFFECTED,
    CompleteBooking,
    MissBooking,
    RevokeAffected,
)
from studyspot.domain.events import Event
from studyspot.domain.holds import LAPSE_HOLD, RELEASE_AFFECTED_HOLD, LapseHold, ReleaseAffectedHold
from studyspot.domain.notices import MUTABLE, SEND_NOTICE, SendNotice
from studyspot.domain.reminders import REMIND, REMINDED_BEFORE, RemindOfCheckIn
from studyspot.domain.waitlist import END_WAITING, EndWaiting
from studyspot.policies.offering import Offering
from studyspot.policies.tasks import Notice, Ran, Task

Command = TypeVar("Command")
State = TypeVar("State")

NEWS_FOR = timedelta(days=7)
"""Nobody is told later of what may be muted: who had muted it then perhaps has not now."""

Muted = Callable[[str], Awaitable[frozenset[str]]]
"""Tells which kinds of notices a person has muted."""


class Commanding:
    """Runs the command of a task, as nobody: policies have no actor."""

    def __init__(self, decisions: Decisions, offering: Offering, muted: Muted) -> None:
        self._decisions = decisions
        self._offering = offering
        self._muted = muted

    async def run(self, task: Task, now: datetime) -> Ran:
        """Say whether something happened; nothing does where somebody came first or it is void.

        It is decided as of the moment when it was due, however late it is: who was to be revoked before
        check-in closed is revoked, and has not missed the booking. What is offered, or told, is so now.

        Raises:
            Refusal: the decider says no, which it should never do to a policy.
            StoreUnavailable, StoreHalted, Contended: not now.
            psycopg.OperationalError: not now.
        """
        match task.kind:
            case "lapse-hold":
                return await self._run(LAPSE_HOLD, LapseHold(task.subject_id, task.due_at), now)
            case "release-hold":
                return await self._run(
                    RELEASE_AFFECTED_HOLD, ReleaseAffectedHold(task.subject_id, task.due_at), now
                )
            case "miss-booking":
                return await self._run(MISS_BOOKING, MissBooking(task.subject_id, task.due_at), now)
            case "complete-booking":
                return await self._run(COMPLETE_BOOKING, CompleteBooking(task.subject_id, task.due_at), now)
            case "revoke-booking":
                return await self._run(REVOKE_AFFECTED, RevokeAffected(task.subject_id, task.due_at), now)
            case "end-waiting":
                return await self._run(END_WAITING, EndWaiting(task.subject_id, task.due_at), now)
            case "offer-places":
                return await self._offering.go_on(task.subject_id, task.position, now)
            case "remind" | "send-notice":
                return await self._tell(task, now)
            case _ as unreachable:
                assert_never(unreachable)

    async def _tell(self, task: Task, now: datetime) -> Ran:
        assert task.notice is not None
        if await self._is_unwanted(task.notice, task.due_at, now):
            return Ran(False)
        sending = _sending(task.notice, now)
        if task.kind == "remind":
            reminding = RemindOfCheckIn(sending, task.subject_id, task.due_at + REMINDED_BEFORE, now)
            return await self._run(REMIND, reminding, now)
        return await self._run(SEND_NOTICE, sending, now)

    async def _is_unwanted(self, notice: Notice, due_at: datetime, now: datetime) -> bool:
        if notice.kind not in MUTABLE:
            return False
        return now - due_at > NEWS_FOR or notice.kind in await self._muted(notice.user_id)

    async def _run(self, decider: Decider[Command, State], command: Command, now: datetime) -> Ran:
        circumstances = Circumstances(actor=None, at=now, command_id=new_id(now))
        accepted = await self._decisions.run(decider, command, circumstances, _changed)
        return Ran(bool(accepted.answer["changed"]))


def _changed(_: Any, events: tuple[Event, ...]) -> dict[str, Any]:
    return {"changed": bool(events)}


def _sending(notice: Notice, now: datetime) -> SendNotice:
    return SendNotice(
        notification_id=new_id(now),
        user_id=notice.user_id,
        library_id=notice.library_id,
        kind=notice.kind,
        parameters=notice.parameters,
        cause=notice.cause,
    )
