"""From a task to its command."""

from datetime import datetime
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
from studyspot.domain.notices import SEND_NOTICE, SendNotice
from studyspot.policies.tasks import Notice, Task

Command = TypeVar("Command")
State = TypeVar("State")


class Commanding:
    """Runs the command of a task, as nobody: policies have no actor."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def run(self, task: Task, now: datetime) -> bool:
        """Say whether something happened; nothing does where somebody came first or it is void.

        It is decided as of the moment when it was due, however late it is: who was to be revoked before
        check-in closed is revoked, and has not missed the booking.

        Raises:
            Refusal: the decider says no, which it should never do to a policy.
            StoreUnavailable, StoreHalted, Contended: not now.
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
            case "send-notice":
                assert task.notice is not None
                return await self._run(SEND_NOTICE, _sending(task.notice, now), now)
            case _ as unreachable:
                assert_never(unreachable)

    async def _run(self, decider: Decider[Command, State], command: Command, now: datetime) -> bool:
        circumstances = Circumstances(actor=None, at=now, command_id=new_id(now))
        accepted = await self._decisions.run(decider, command, circumstances, _changed)
        return bool(accepted.answer["changed"])


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
