"""Who works where, and what administrators do."""

from collections.abc import Mapping

from studyspot.domain.people import Role
from tests.chaos.crowd.acting import Act
from tests.chaos.crowd.people import Speaker, Standing
from tests.chaos.crowd.picking import Pick

# Three bytes a letter, and as many as a text may have.
_LONG_TEXT = "अभ्यासिका आज रात्री स्वच्छतेसाठी बंद आहे. " * 23


class PeopleActs:
    """Everything that gives and takes rights; each with how often it is done."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self.weights: dict[Act, int] = {
            self._invite: 7,
            self._accept: 8,
            self._let_go: 5,
            self._announce: 3,
            self._disable: 3,
            self._enable: 4,
            self._erase: 1,
            self._change_role: 3,
        }

    @property
    def of_rights(self) -> Mapping[Act, int]:
        """What gives and takes rights, and nothing else."""
        return {self._invite: 4, self._accept: 5, self._let_go: 3, self._disable: 2, self._enable: 2}

    async def _invite(self) -> None:
        library, worker = self._pick.a_library(), self._pick.chance.choice(self._pick.town.hireable)
        user_id = worker.who.user_id
        invited = await library.owner.invite_staff(library.id, user_id=user_id)
        library.invited[user_id] = invited.id

    async def _accept(self) -> None:
        invited = [library for library in self._pick.town.libraries if library.invited]
        if invited:
            library = self._pick.chance.choice(invited)
            user_id = self._pick.chance.choice(sorted(library.invited))
            worker = self._pick.speaker(user_id)
            accepted = await worker.accept_invitation(library.invited.pop(user_id))
            library.staff.add(user_id)
            worker.who.role = accepted.role

    async def _let_go(self) -> None:
        staffed = [library for library in self._pick.town.libraries if library.staff]
        if staffed:
            library = self._pick.chance.choice(staffed)
            user_id = self._pick.chance.choice(sorted(library.staff))
            library.staff.discard(user_id)
            by_owner = self._pick.chance.random() < 0.7
            speaker = library.owner if by_owner else self._pick.speaker(user_id)
            await speaker.remove_staff(library.id, user_id)

    async def announce_at_length(self) -> int:
        """Return the position of the announcement."""
        return (await self._pick.an_admin().announce("A word to all", _LONG_TEXT)).position

    async def _announce(self) -> None:
        await self._pick.an_admin().announce("A word to all", "The lights go out at ten.")

    async def _disable(self) -> None:
        active = self._pick.those(self._pick.town.dispensable, "active")
        if len(active) > len(self._pick.town.dispensable) * 0.8:
            await self._bar(self._pick.chance.choice(active), "disabled")

    async def _enable(self) -> None:
        if disabled := self._pick.those(self._pick.town.dispensable, "disabled"):
            await self._bar(self._pick.chance.choice(disabled), "active")

    async def _erase(self) -> None:
        students = self._pick.those(self._pick.town.students, "active")
        if len(students) > len(self._pick.town.students) * 0.9:
            await self._bar(self._pick.chance.choice(students), "erased")

    async def _change_role(self) -> None:
        speaker = self._pick.chance.choice(self._pick.town.accounts)
        role: Role = "student" if speaker.who.role == "staff" else "staff"
        changed = await self._pick.an_admin().change_person(speaker.who.user_id, role=role)
        speaker.who.role = changed.role or role

    async def _bar(self, speaker: Speaker, standing: Standing) -> None:
        # Before it is answered, nobody knows; a visitor who is let in all the same is seen by the judge.
        speaker.who.standing, speaker.who.was_barred = standing, True
        await self._pick.an_admin().change_person(speaker.who.user_id, status=standing)
