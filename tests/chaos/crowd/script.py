"""The commands that are given meanwhile: of every kind that sockets are told of, some more often."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from studyspot.client.errors import AnswerLost, ProblemError
from studyspot.domain.people import Role
from studyspot.wire.bodies import NewSeatBody, PlanBody, UpdateLibraryBody
from studyspot.wire.settings_bodies import ClosureBody, HoursBody, RulesBody
from tests.chaos.crowd.people import Speaker, Standing
from tests.chaos.crowd.town import Booking, Library, Town

Act = Callable[[], Awaitable[object]]
Thing = TypeVar("Thing")

_HOURS_AHEAD = 60
_MOST_SEATS = 20
_ALL_AT_ONCE = 60
_LONG_TEXT = "All seats on the second floor are being cleaned tonight. " * 15
_NOT_FAULTS = frozenset({400, 401, 403, 404, 409, 412, 422, 429})


class Script:
    """What happens in the town; `complaints` are answers that no command should get."""

    def __init__(self, town: Town, chance: random.Random, counts: Counter[str]) -> None:
        self.complaints: list[str] = []
        self._town = town
        self._chance = chance
        self._counts = counts
        self._weights: dict[Act, int] = {
            self._book: 24,
            self._walk_in: 8,
            self._hold: 10,
            self._book_what_is_held: 5,
            self._release: 4,
            self._cancel: 10,
            self._move: 4,
            self._check_in: 6,
            self._check_out: 4,
            self._pay: 3,
            self._wait: 2,
            self._change_a_seat: 5,
            self._add_seats: 1,
            self._price: 2,
            self._describe: 1,
            self._close_for_a_day: 1,
            self._rule: 1,
            self._invite: 7,
            self._accept: 8,
            self._let_go: 5,
            self._write: 2,
            self._announce: 2,
            self._disable: 3,
            self._enable: 4,
            self._erase: 1,
            self._change_role: 3,
        }

    async def play(self, *, every: timedelta, ended: asyncio.Event) -> None:
        """Give one command after another, about every so often, until the end has come."""
        acts, weights = list(self._weights), list(self._weights.values())
        while not ended.is_set():
            await asyncio.sleep(self._chance.expovariate(1 / every.total_seconds()))
            (act,) = self._chance.choices(acts, weights)
            try:
                await act()
            except ProblemError as problem:
                self._counts["commands refused"] += 1
                if problem.status not in _NOT_FAULTS:
                    self.complaints.append(f"{act.__name__} was answered {problem}")
            except AnswerLost:
                self._counts["answers lost"] += 1
            else:
                self._counts["commands"] += 1

    # What students do.

    async def _book(self, *, begins: bool = False) -> None:
        student, library, seat, start, end = self._a_wish(begins=begins)
        booked = await student.book(library.id, seat, start, end)
        self._town.bookings.append(Booking(booked.id, library, student, begins))

    async def _walk_in(self) -> None:
        await self._book(begins=True)

    async def _hold(self) -> None:
        student, library, seat, start, end = self._a_wish()
        held = await student.hold(library.id, seat, start, end)
        self._town.holds.append((held.id, student))

    async def _book_what_is_held(self) -> None:
        student, library, seat, start, end = self._a_wish()
        held = await student.hold(library.id, seat, start, end)
        booked = await student.book(library.id, seat, start, end, hold_id=held.id)
        self._town.bookings.append(Booking(booked.id, library, student, begins=False))

    async def _release(self) -> None:
        if self._town.holds:
            hold_id, student = self._take(self._town.holds)
            await student.release(hold_id)

    async def _cancel(self) -> None:
        if self._town.bookings:
            booking = self._take(self._town.bookings)
            await booking.student.cancel(booking.id)

    async def _move(self) -> None:
        if self._town.bookings:
            booking = self._chance.choice(self._town.bookings)
            seat = self._chance.choice(booking.library.seats)
            await booking.student.reschedule(booking.id, seat_id=seat)

    async def _wait(self) -> None:
        student, library, _, start, end = self._a_wish()
        if self._town.places and self._chance.random() < 0.5:
            entry_id, waiting = self._take(self._town.places)
            await waiting.leave_waitlist(entry_id)
        else:
            entry = await student.join_waitlist(library.id, start, end)
            self._town.places.append((entry.id, student))

    # What those do who run a library.

    async def _check_in(self) -> None:
        present = [booking for booking in self._town.bookings if booking.begins and not booking.is_checked_in]
        if present:
            booking = self._chance.choice(present)
            booking.is_checked_in = True
            await self._who_runs(booking.library).check_in(booking.id)

    async def _check_out(self) -> None:
        present = [booking for booking in self._town.bookings if booking.is_checked_in]
        if present:
            booking = self._chance.choice(present)
            self._town.bookings.remove(booking)
            await booking.student.check_out(booking.id)

    async def _pay(self) -> None:
        if self._town.bookings:
            booking = self._chance.choice(self._town.bookings)
            await self._who_runs(booking.library).record_payment(booking.id, 100, "cash")

    async def _change_a_seat(self) -> None:
        library = self._a_library()
        seat, in_service = self._chance.choice(library.seats), self._chance.random() < 0.6
        await self._who_runs(library).change_seat(library.id, seat, in_service=in_service)

    async def _add_seats(self) -> None:
        library = self._a_library()
        if len(library.seats) < _MOST_SEATS:
            label = f"B{self._chance.randrange(10**6)}"
            added = await self._who_runs(library).add_seats(library.id, [NewSeatBody(label=label)])
            library.seats += [seat.id for seat in added.seats]

    async def _price(self) -> None:
        library = self._a_library()
        plan = PlanBody(id="hour", unit="hour", amount_minor=self._chance.randrange(1000, 9000))
        await library.owner.set_pricing(library.id, [plan])

    async def _describe(self) -> None:
        library = self._a_library()
        changes = UpdateLibraryBody(address=f"{self._chance.randrange(500)} Tilak Road")
        await library.owner.update_library(library.id, changes)

    async def _close_for_a_day(self) -> None:
        """Every other time it opens again: the closures to come are then none."""
        library = self._a_library()
        start = datetime.now(UTC) + timedelta(days=30 + self._chance.randrange(30))
        closures = (ClosureBody(start=start, end=start + timedelta(days=1)),)
        hours = HoursBody(closures=closures if self._chance.random() < 0.5 else ())
        await library.owner.set_hours(library.id, hours)

    async def _rule(self) -> None:
        library = self._a_library()
        rules = RulesBody(hold_minutes=self._chance.randrange(6, 30))
        await library.owner.set_rules(library.id, rules)

    async def _write(self) -> None:
        if self._town.bookings:
            booking = self._chance.choice(self._town.bookings)
            to = [booking.student.who.user_id]
            await self._who_runs(booking.library).write_to_students(
                booking.library.id, to, "Bring your card."
            )

    # Who works where.

    async def _invite(self) -> None:
        library, worker = self._a_library(), self._chance.choice(self._town.hireable)
        user_id = worker.who.user_id
        invited = await library.owner.invite_staff(library.id, user_id=user_id)
        library.invited[user_id] = invited.id

    async def _accept(self) -> None:
        invited = [library for library in self._town.libraries if library.invited]
        if invited:
            library = self._chance.choice(invited)
            user_id = self._chance.choice(sorted(library.invited))
            worker = self._speaker(user_id)
            accepted = await worker.accept_invitation(library.invited.pop(user_id))
            library.staff.add(user_id)
            worker.who.role = accepted.role

    async def _let_go(self) -> None:
        staffed = [library for library in self._town.libraries if library.staff]
        if staffed:
            library = self._chance.choice(staffed)
            user_id = self._chance.choice(sorted(library.staff))
            library.staff.discard(user_id)
            by_owner = self._chance.random() < 0.7
            speaker = library.owner if by_owner else self._speaker(user_id)
            await speaker.remove_staff(library.id, user_id)

    # What administrators do.

    async def _announce(self) -> None:
        """Now and then so much at once that who does not read is behind."""
        count = _ALL_AT_ONCE if self._chance.random() < 0.3 else 1
        admin = self._an_admin()
        await asyncio.gather(*(admin.announce("A word to all", _LONG_TEXT) for _ in range(count)))

    async def _disable(self) -> None:
        active = self._those(self._town.dispensable, "active")
        if len(active) > len(self._town.dispensable) * 0.8:
            await self._bar(self._chance.choice(active), "disabled")

    async def _enable(self) -> None:
        if disabled := self._those(self._town.dispensable, "disabled"):
            await self._bar(self._chance.choice(disabled), "active")

    async def _erase(self) -> None:
        students = self._those(self._town.students, "active")
        if len(students) > len(self._town.students) * 0.9:
            await self._bar(self._chance.choice(students), "erased")

    async def _change_role(self) -> None:
        speaker = self._chance.choice(self._town.accounts)
        role: Role = "student" if speaker.who.role == "staff" else "staff"
        changed = await self._an_admin().change_person(speaker.who.user_id, role=role)
        speaker.who.role = changed.role or role

    async def _bar(self, speaker: Speaker, standing: Standing) -> None:
        # Before it is answered, nobody knows; a visitor who is let in all the same is seen by the judge.
        speaker.who.standing, speaker.who.was_barred = standing, True
        await self._an_admin().change_person(speaker.who.user_id, status=standing)

    def _a_wish(self, *, begins: bool = False) -> tuple[Speaker, Library, str, datetime, datetime]:
        library = self._a_library()
        start = datetime.now(UTC).replace(second=0, microsecond=0)
        if not begins:
            ahead = timedelta(hours=self._chance.randrange(1, _HOURS_AHEAD))
            start = start.replace(minute=0) + ahead
        end = start + timedelta(hours=self._chance.randint(1, 2))
        student = self._chance.choice(self._those(self._town.students, "active"))
        return student, library, self._chance.choice(library.seats), start, end

    def _a_library(self) -> Library:
        return self._chance.choice(self._town.libraries)

    def _an_admin(self) -> Speaker:
        return self._chance.choice(self._town.admins)

    def _who_runs(self, library: Library) -> Speaker:
        staff = [self._speaker(user_id) for user_id in sorted(library.staff)]
        return self._chance.choice([library.owner, *self._those(staff, "active")])

    def _speaker(self, user_id: str) -> Speaker:
        return next(speaker for speaker in self._town.hireable if speaker.who.user_id == user_id)

    def _those(self, speakers: list[Speaker], standing: Standing) -> list[Speaker]:
        return [speaker for speaker in speakers if speaker.who.standing == standing]

    def _take(self, things: list[Thing]) -> Thing:
        return things.pop(self._chance.randrange(len(things)))
