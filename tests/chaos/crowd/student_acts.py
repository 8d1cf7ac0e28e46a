"""What students do."""

from tests.chaos.crowd.acting import Act
from tests.chaos.crowd.picking import Pick
from tests.chaos.crowd.town import Booking


class StudentActs:
    """Holding, booking, and what becomes of it; each with how often it is done."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self.weights: dict[Act, int] = {
            self._book: 24,
            self._walk_in: 8,
            self._hold: 10,
            self._book_what_is_held: 5,
            self._release: 4,
            self._cancel: 10,
            self._move: 4,
            self._wait: 2,
        }

    async def _book(self, *, begins: bool = False) -> None:
        student, library, seat, start, end = self._pick.a_wish(begins=begins)
        booked = await student.book(library.id, seat, start, end)
        self._pick.town.bookings.append(Booking(booked.id, library, student, begins))

    async def _walk_in(self) -> None:
        await self._book(begins=True)

    async def _hold(self) -> None:
        student, library, seat, start, end = self._pick.a_wish()
        held = await student.hold(library.id, seat, start, end)
        self._pick.town.holds.append((held.id, student))

    async def _book_what_is_held(self) -> None:
        student, library, seat, start, end = self._pick.a_wish()
        held = await student.hold(library.id, seat, start, end)
        booked = await student.book(library.id, seat, start, end, hold_id=held.id)
        self._pick.town.bookings.append(Booking(booked.id, library, student, begins=False))

    async def _release(self) -> None:
        if self._pick.town.holds:
            hold_id, student = self._pick.take(self._pick.town.holds)
            await student.release(hold_id)

    async def _cancel(self) -> None:
        if self._pick.town.bookings:
            booking = self._pick.take(self._pick.town.bookings)
            await booking.student.cancel(booking.id)

    async def _move(self) -> None:
        if self._pick.town.bookings:
            booking = self._pick.chance.choice(self._pick.town.bookings)
            seat = self._pick.chance.choice(booking.library.seats)
            await booking.student.reschedule(booking.id, seat_id=seat)

    async def _wait(self) -> None:
        student, library, _, start, end = self._pick.a_wish()
        if self._pick.town.places and self._pick.chance.random() < 0.5:
            entry_id, waiting = self._pick.take(self._pick.town.places)
            await waiting.leave_waitlist(entry_id)
        else:
            entry = await student.join_waitlist(library.id, start, end)
            self._pick.town.places.append((entry.id, student))
