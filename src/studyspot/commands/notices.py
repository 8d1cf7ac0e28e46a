"""Notices: write to students of one's library; mark as read what one was told, and mute some of it."""

from collections.abc import Collection
from typing import Annotated, Any, Protocol, get_args

from fastapi import APIRouter, Depends, Path, Request

from studyspot.access.muted import MutedKinds
from studyspot.commands.gate import CommandedOnce, Gate
from studyspot.decisions.run import Accepted
from studyspot.domain.events import Event, NotificationSent
from studyspot.domain.marks import READ_NOTICE, ReadNotice, Told
from studyspot.domain.personal_notices import SEND_PERSONAL, Letter, SendPersonal, Writing
from studyspot.domain.seeing import SEE_OWN_LIBRARY, SeeOwnLibrary
from studyspot.event_store.errors import StoreUnavailable
from studyspot.wire.bearer import Caller
from studyspot.wire.notice_bodies import (
    Mutable,
    MutedAnswer,
    MutedBody,
    NoticeReadAnswer,
    PersonalNoticeAnswer,
    PersonalNoticeBody,
)
from studyspot.wire.problems import NOT_YOUR_STUDENTS, Problem
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/notifications", tags=["notifications"])

_MUTABLE: tuple[Mutable, ...] = get_args(Mutable)


class StudentFinder(Protocol):
    """Finds who of some people has or had a booking in a library.

    Raises:
        Problem, psycopg.OperationalError, StoreUnavailable: that cannot be told now.
    """

    async def students_of(self, library_id: str, user_ids: Collection[str]) -> frozenset[str]: ...


def _finder(request: Request) -> StudentFinder:
    finder: StudentFinder = request.app.state.students
    return finder


def _muted(request: Request) -> MutedKinds:
    muted: MutedKinds = request.app.state.muted
    return muted


Students = Annotated[StudentFinder, Depends(_finder)]
Muted = Annotated[MutedKinds, Depends(_muted)]


@router.post("", status_code=201)
async def write_to_students(
    body: PersonalNoticeBody, gate: CommandedOnce, students: Students
) -> PersonalNoticeAnswer:
    """Write to students of one's library; the text is kept where it can be deleted."""
    accepted = await gate.answered() or await _write(body, gate, students)
    return PersonalNoticeAnswer.model_validate(gate.answer(accepted))


@router.post("/{notification_id}/read")
async def mark_as_read(
    notification_id: Annotated[Identifier, Path()], gate: CommandedOnce
) -> NoticeReadAnswer:
    """Mark a notice to oneself as read; an offer from a waitlist by the id of its hold."""

    def answer(_: Told, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": notification_id}

    command = ReadNotice(notification_id, gate.actor)
    accepted = await gate.decisions.run(READ_NOTICE, command, gate.circumstances(), answer)
    return NoticeReadAnswer.model_validate(gate.answer(accepted))


@router.get("/muted")
async def list_muted(caller: Caller, muted: Muted) -> MutedAnswer:
    """List what one is not told, and what one may mute."""
    return _as_answer(await muted.read(caller.user_id))


@router.put("/muted")
async def mute(body: MutedBody, caller: Caller, muted: Muted) -> MutedAnswer:
    """Say what one need not be told; everything else is told from now on."""
    await muted.mute(caller.user_id, body.kinds)
    return _as_answer(frozenset(body.kinds))


async def _write(body: PersonalNoticeBody, gate: Gate, students: StudentFinder) -> Accepted:
    await gate.decisions.look(SEE_OWN_LIBRARY, SeeOwnLibrary(body.library_id, gate.actor))
    known = await students.students_of(body.library_id, body.user_ids)
    strangers = [user_id for user_id in body.user_ids if user_id not in known]
    if strangers:
        raise Problem(
            NOT_YOUR_STUDENTS,
            "Some of these people never had a booking in this library. Leave them out.",
            extras={"userIds": strangers},
        )
    letters = tuple(Letter(gate.new_id(), user_id, gate.new_id()) for user_id in body.user_ids)
    named = frozenset[str]()
    try:
        for letter in letters:
            await gate.texts.keep(letter.text_id, body.text, letter.user_id)
        command = SendPersonal(body.library_id, letters, gate.actor)
        accepted = await gate.decisions.run(SEND_PERSONAL, command, gate.circumstances(), _sent_to(letters))
        if not accepted.repeated:
            named = frozenset(sent["id"] for sent in accepted.answer["sent"])
    except StoreUnavailable:
        # They may have been sent all the same.
        named = frozenset(letter.notification_id for letter in letters)
        raise
    finally:
        # A text that no event names could never be found again.
        for letter in letters:
            if letter.notification_id not in named:
                await gate.texts.forget(letter.text_id)
    return accepted


def _sent_to(letters: tuple[Letter, ...]) -> Any:
    def answer(_: Writing, events: tuple[Event, ...]) -> dict[str, Any]:
        sent = [
            {"id": event.notification_id, "userId": event.user_id}
            for event in events
            if isinstance(event, NotificationSent)
        ]
        reached = {one["userId"] for one in sent}
        not_sent = [letter.user_id for letter in letters if letter.user_id not in reached]
        return {"sent": sent, "notSent": not_sent}

    return answer


def _as_answer(kinds: Collection[str]) -> MutedAnswer:
    return MutedAnswer(kinds=tuple(kind for kind in _MUTABLE if kind in kinds), mutable=_MUTABLE)
