"""Tell everyone something."""

from typing import Any

from fastapi import APIRouter

from studyspot.commands.gate import CommandedOnce
from studyspot.domain.announcements import MAKE_ANNOUNCEMENT, MakeAnnouncement
from studyspot.domain.events import Event
from studyspot.wire.notice_bodies import AnnouncementAnswer, AnnouncementBody

router = APIRouter(prefix="/api/announcements", tags=["announcements"])


@router.post("", status_code=201)
async def announce(body: AnnouncementBody, gate: CommandedOnce) -> AnnouncementAnswer:
    """Tell everyone something, as an administrator; it is public, and stays in the log."""
    command = MakeAnnouncement(gate.new_id(), body.title, body.text, gate.actor)

    def answer(_: None, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"id": command.announcement_id, "title": command.title, "text": command.text}

    accepted = await gate.decisions.run(MAKE_ANNOUNCEMENT, command, gate.circumstances(), answer)
    return AnnouncementAnswer.model_validate(gate.answer(accepted))
