"""What those do who run a library."""

from datetime import UTC, datetime, timedelta

from studyspot.wire.bodies import NewSeatBody, PlanBody, UpdateLibraryBody
from studyspot.wire.settings_bodies import ClosureBody, HoursBody, RulesBody
from tests.chaos.crowd.acting import Act
from tests.chaos.crowd.picking import Pick

_MOST_SEATS = 20


class LibraryActs:
    """Receiving students, and changing the library; each with how often it is done."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self.weights: dict[Act, int] = {
            self._check_in: 6,
            self._check_out: 4,
            self._pay: 3,
            self._change_a_seat: 5,
            self._add_seats: 1,
            self._price: 2,
            self._describe: 1,
            self._close_for_a_day: 1,
            self._rule: 1,
            self._write: 2,
        }

    async def _check_in(self) -> None:
        present = [
            booking for booking in self._pick.town.bookings if booking.begins and not booking.is_checked_in
        ]
        if present:
            booking = self._pick.chance.choice(present)
            booking.is_checked_in = True
            await self._pick.who_runs(booking.library).check_in(booking.id)

    async def _check_out(self) -> None:
        present = [booking for booking in self._pick.town.bookings if booking.is_checked_in]
        if present:
            booking = self._pick.chance.choice(present)
            self._pick.town.bookings.remove(booking)
            await booking.student.check_out(booking.id)

    async def _pay(self) -> None:
        if self._pick.town.bookings:
            booking = self._pick.chance.choice(self._pick.town.bookings)
            await self._pick.who_runs(booking.library).record_payment(booking.id, 100, "cash")

    async def _change_a_seat(self) -> None:
        library = self._pick.a_library()
        seat, in_service = self._pick.chance.choice(library.seats), self._pick.chance.random() < 0.6
        await self._pick.who_runs(library).change_seat(library.id, seat, in_service=in_service)

    async def _add_seats(self) -> None:
        library = self._pick.a_library()
        if len(library.seats) < _MOST_SEATS:
            label = f"B{self._pick.chance.randrange(10**6)}"
            added = await self._pick.who_runs(library).add_seats(library.id, [NewSeatBody(label=label)])
            library.seats += [seat.id for seat in added.seats]

    async def _price(self) -> None:
        library = self._pick.a_library()
        plan = PlanBody(id="hour", unit="hour", amount_minor=self._pick.chance.randrange(1000, 9000))
        await library.owner.set_pricing(library.id, [plan])

    async def _describe(self) -> None:
        library = self._pick.a_library()
        changes = UpdateLibraryBody(address=f"{self._pick.chance.randrange(500)} Tilak Road")
        await library.owner.update_library(library.id, changes)

    async def _close_for_a_day(self) -> None:
        """Every other time it opens again: the closures to come are then none."""
        library = self._pick.a_library()
        start = datetime.now(UTC) + timedelta(days=30 + self._pick.chance.randrange(30))
        closures = (ClosureBody(start=start, end=start + timedelta(days=1)),)
        hours = HoursBody(closures=closures if self._pick.chance.random() < 0.5 else ())
        await library.owner.set_hours(library.id, hours)

    async def _rule(self) -> None:
        library = self._pick.a_library()
        rules = RulesBody(hold_minutes=self._pick.chance.randrange(6, 30))
        await library.owner.set_rules(library.id, rules)

    async def _write(self) -> None:
        if self._pick.town.bookings:
            booking = self._pick.chance.choice(self._pick.town.bookings)
            to = [booking.student.who.user_id]
            await self._pick.who_runs(booking.library).write_to_students(
                booking.library.id, to, "Bring your card."
            )
