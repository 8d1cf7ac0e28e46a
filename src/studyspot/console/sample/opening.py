"""Opening the sample libraries: accounts, staff, seats, hours, rules and prices, as their owners would."""

from dataclasses import dataclass
from datetime import datetime

from studyspot.console.sample.libraries import LIBRARIES, SampleLibrary
from studyspot.console.sample.month import Place
from studyspot.console.sample.people import OWNERS, PEOPLE, STAFF, Person
from studyspot.console.sample.timetable import Timetable
from studyspot.decisions.identifiers import new_id
from studyspot.domain.accounts import REGISTER_ACCOUNT, RegisterAccount
from studyspot.domain.events import LibraryCreated, SeatAdded
from studyspot.domain.libraries import (
    CREATE_LIBRARY,
    SET_PRICING,
    SET_RULES,
    CreateLibrary,
    SetPricing,
    SetRules,
)
from studyspot.domain.opening import SET_OPENING, SetOpening
from studyspot.domain.people import Actor
from studyspot.domain.seats import ADD_SEATS, AddSeats, NewSeat
from studyspot.domain.staff import ACCEPT_INVITATION, INVITE_STAFF, AcceptInvitation, InviteStaff


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens the libraries as of one moment."""

    timetable: Timetable
    at: datetime

    async def register_everyone(self) -> None:
        """Say in the log that everyone has an account."""
        for person in PEOPLE:
            command = RegisterAccount(person.user_id, person.registers_as)
            await self.timetable.do(REGISTER_ACCOUNT, command, self.at, person.user_id)

    async def open_all(self) -> list[Place]:
        """Open the libraries, each with its owner and one of the staff."""
        return [
            await self._open(library, owner, staff)
            for library, owner, staff in zip(LIBRARIES, OWNERS, STAFF, strict=True)
        ]

    async def _open(self, library: SampleLibrary, owner: Person, staff: Person) -> Place:
        actor, do, at = owner.actor, self.timetable.do, self.at
        create = CreateLibrary(new_id(at), library.details, "INR", actor)
        (created,) = await do(CREATE_LIBRARY, create, at, actor.user_id)
        assert isinstance(created, LibraryCreated)
        library_id = created.library_id
        added = await do(ADD_SEATS, AddSeats(library_id, self._seats(library), actor), at, actor.user_id)
        opening = SetOpening(library_id, library.hours is not None, library.hours, None, actor, at)
        await do(SET_OPENING, opening, at, actor.user_id)
        await do(SET_RULES, SetRules(library_id, library.rules, actor), at, actor.user_id)
        await do(SET_PRICING, SetPricing(library_id, library.plans, actor), at, actor.user_id)
        invite = InviteStaff(library_id, new_id(at), staff.user_id, actor, at)
        await do(INVITE_STAFF, invite, at, actor.user_id)
        accept = AcceptInvitation(invite.invitation_id, False, staff.actor, at)
        await do(ACCEPT_INVITATION, accept, at, staff.user_id)
        seats = [event.seat_id for event in added if isinstance(event, SeatAdded)]
        return Place(library_id, library, seats, Actor(staff.user_id, "staff"))

    def _seats(self, library: SampleLibrary) -> tuple[NewSeat, ...]:
        return tuple(
            NewSeat(new_id(self.at), f"{row.letter}{number}", row.zone, row.attributes)
            for row in library.rows
            for number in range(1, row.count + 1)
        )
