"""The commands about people: who works for a library, what people are told, and administrators' own."""

from collections.abc import Sequence

from studyspot.client.api import Api
from studyspot.domain.people import Role
from studyspot.wire.notice_bodies import (
    AnnouncementAnswer,
    AnnouncementBody,
    Mutable,
    MutedAnswer,
    MutedBody,
    NoticeReadAnswer,
    PersonalNoticeAnswer,
    PersonalNoticeBody,
)
from studyspot.wire.people_bodies import ChangePersonBody, PersonChangedAnswer, PersonStatus
from studyspot.wire.staff_bodies import AcceptBody, AcceptedAnswer, InviteBody, InvitedAnswer, LetGoAnswer


class PeopleCommands:
    """Each raises ProblemError when refused, AnswerLost when no answer came, ValueError for malformed input.

    `key` is an Idempotency-Key; without one, every call has its own.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def invite_staff(
        self, library_id: str, *, user_id: str | None = None, email: str | None = None, key: str | None = None
    ) -> InvitedAnswer:
        """Invite a person, or whoever has an address, to work for our library."""
        body = InviteBody(user_id=user_id, email=email)
        reply = await self._api.command("POST", f"/api/libraries/{library_id}/invitations", body, key=key)
        return reply.read(InvitedAnswer)

    async def accept_invitation(
        self, invitation_id: str, *, code: str | None = None, key: str | None = None
    ) -> AcceptedAnswer:
        """Work for the library that has invited us; the role may be another then, and need a fresh token.

        `code` is needed where our address was invited: the library tells it to whom it means.
        """
        body = AcceptBody(code=code)
        reply = await self._api.command("POST", f"/api/invitations/{invitation_id}/accept", body, key=key)
        return reply.read(AcceptedAnswer)

    async def remove_staff(self, library_id: str, user_id: str) -> LetGoAnswer:
        """Let somebody go who works for our library, or go."""
        reply = await self._api.command("DELETE", f"/api/libraries/{library_id}/staff/{user_id}")
        return reply.read(LetGoAnswer)

    async def write_to_students(
        self, library_id: str, user_ids: Sequence[str], text: str, *, key: str | None = None
    ) -> PersonalNoticeAnswer:
        """Write to students of our library."""
        body = PersonalNoticeBody(library_id=library_id, user_ids=tuple(user_ids), text=text)
        reply = await self._api.command("POST", "/api/notifications", body, key=key)
        return reply.read(PersonalNoticeAnswer)

    async def mark_as_read(self, notification_id: str, *, key: str | None = None) -> NoticeReadAnswer:
        """Mark what we were told as read; an offer from a waitlist by the id of its hold."""
        reply = await self._api.command("POST", f"/api/notifications/{notification_id}/read", key=key)
        return reply.read(NoticeReadAnswer)

    async def mute(self, *kinds: Mutable) -> MutedAnswer:
        """Say all that we need not be told from now on."""
        reply = await self._api.command("PUT", "/api/notifications/muted", MutedBody(kinds=kinds))
        return reply.read(MutedAnswer)

    async def announce(self, title: str, text: str, *, key: str | None = None) -> AnnouncementAnswer:
        """Tell everyone something, as an administrator."""
        body = AnnouncementBody(title=title, text=text)
        reply = await self._api.command("POST", "/api/announcements", body, key=key)
        return reply.read(AnnouncementAnswer)

    async def change_person(
        self, user_id: str, *, status: PersonStatus | None = None, role: Role | None = None
    ) -> PersonChangedAnswer:
        """Disable, enable or erase somebody, or change their role, as an administrator."""
        given = {name: value for name, value in (("status", status), ("role", role)) if value is not None}
        body = ChangePersonBody.model_validate(given)
        reply = await self._api.command("PATCH", f"/api/people/{user_id}", body)
        return reply.read(PersonChangedAnswer)
