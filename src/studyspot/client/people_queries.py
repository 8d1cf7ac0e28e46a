"""The reads about people: staff, invitations, places in line, announcements, and administrators' own."""

from typing import Any

from studyspot.client.reading import Reading
from studyspot.wire.audit_reads import ActsFound
from studyspot.wire.notice_bodies import MutedAnswer
from studyspot.wire.notice_reads import AnnouncementsFound
from studyspot.wire.people_bodies import PeopleFound, PersonFound
from studyspot.wire.staff_reads import InvitationsFound, StaffFound
from studyspot.wire.waitlist_reads import WaitlistFound


class PeopleQueries(Reading):
    """Each raises ProblemError when refused, AnswerLost when no answer came.

    `min_position`: as for other reads. A page's `next` is the cursor of the page that follows.
    """

    async def staff(self, library_id: str, *, min_position: int | None = None) -> StaffFound:
        """Return who works for our library, and who is invited to."""
        return (await self._get(f"/api/libraries/{library_id}/staff", {}, min_position)).read(StaffFound)

    async def invitations(self, *, min_position: int | None = None) -> InvitationsFound:
        """Return the invitations that we may accept."""
        return (await self._get("/api/invitations", {}, min_position)).read(InvitationsFound)

    async def waitlist(
        self,
        *,
        library_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        min_position: int | None = None,
    ) -> WaitlistFound:
        """Return our places in waitlists, or those of our library."""
        parameters: dict[str, Any] = {"libraryId": library_id, "limit": limit, "cursor": cursor}
        return (await self._get("/api/waitlist", parameters, min_position)).read(WaitlistFound)

    async def announcements(
        self, *, limit: int | None = None, cursor: str | None = None, min_position: int | None = None
    ) -> AnnouncementsFound:
        """Return what everyone was told, newest first."""
        parameters: dict[str, Any] = {"limit": limit, "cursor": cursor}
        return (await self._get("/api/announcements", parameters, min_position)).read(AnnouncementsFound)

    async def muted(self) -> MutedAnswer:
        """Return what we are not told, and what we may mute."""
        return (await self._reads.query("/api/notifications/muted", {}, None)).read(MutedAnswer)

    async def people(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        min_position: int | None = None,
    ) -> PeopleFound:
        """Return everybody with an account, as an administrator."""
        parameters: dict[str, Any] = {"limit": limit, "cursor": cursor}
        return (await self._get("/api/people", parameters, min_position)).read(PeopleFound)

    async def person(self, user_id: str, *, min_position: int | None = None) -> PersonFound:
        """Return one of them."""
        return (await self._get(f"/api/people/{user_id}", {}, min_position)).read(PersonFound)

    async def audit(
        self, *, limit: int | None = None, cursor: str | None = None, min_position: int | None = None
    ) -> ActsFound:
        """Return who did what, newest first, as an administrator."""
        parameters: dict[str, Any] = {"limit": limit, "cursor": cursor}
        return (await self._get("/api/audit", parameters, min_position)).read(ActsFound)
