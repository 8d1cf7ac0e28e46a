"""Whatever happens in whatever order, the scene says of each seat what a plain model says."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.events import BookingRescheduled, Event, HoldPlaced
from tests.ws_fanout.events import START, booked, cancelled, checked_in, hold, service_changed, terms
from tests.ws_fanout.socket_io.scenes import HOUR, at_seat, scene_of

SEATS = ("S1", "S2")


MOMENTS = [START + HOUR * half / 2 for half in range(-2, 14)]


intervals = st.tuples(st.integers(0, 10), st.integers(1, 4)).map(lambda pair: (pair[0], sum(pair)))


stories = st.lists(
    st.tuples(
        st.sampled_from(["hold", "book", "check in", "move", "free", "out of service", "in service"]),
        st.sampled_from(["B1", "B2", "B3"]),
        st.sampled_from(SEATS),
        intervals,
    ),
    max_size=25,
)


class Told:
    """Events as a story tells them, and for each occupation where it now is: the plain model of a scene."""

    def __init__(self, story: list[tuple[str, str, str, tuple[int, int]]]) -> None:
        self.events: list[Event] = []
        self.where: dict[str, tuple[str, int, int]] = {}
        self.out_of_service: set[str] = set()
        for step in story:
            self._tell(*step)

    def is_free(self, seat: str, at: datetime) -> bool:
        halves = (at - START) / (HOUR / 2)
        taken = [first <= halves < last for where, first, last in self.where.values() if where == seat]
        return seat not in self.out_of_service and not any(taken)

    def _tell(self, what: str, booking: str, seat: str, interval: tuple[int, int]) -> None:
        was = self.where.get(booking)
        if what == "out of service":
            self.out_of_service.add(seat)
            self.events.append(service_changed(seat=seat))
        elif what == "in service":
            self.out_of_service.discard(seat)
            self.events.append(service_changed(seat=seat, in_service=True))
        elif was is None:
            self._take(what, booking, (seat, *interval))
        elif what == "free":
            del self.where[booking]
            self.events.append(at_seat(cancelled(booking=booking), *was))
        elif what == "move":
            self._move(booking, was, (seat, *interval))
        else:
            # Whatever it was asked for, who has a place comes to it.
            self.events.append(at_seat(checked_in(booking=booking), *was))

    def _take(self, what: str, booking: str, where: tuple[str, int, int]) -> None:
        if what in ("hold", "book"):
            self.where[booking] = where
            until = START + 24 * HOUR
            made = (
                at_seat(booked(booking=booking), *where)
                if what == "book"
                else at_seat(HoldPlaced(**hold(booking=booking) | {"until": until}), *where)
            )
            self.events.append(made)

    def _move(self, booking: str, was: tuple[str, int, int], where: tuple[str, int, int]) -> None:
        self.where[booking] = where
        old = at_seat(booked(booking=booking), *was)
        moved = BookingRescheduled(
            **terms(booking=booking),
            previous_seat_id=old.seat_id,
            previous_start=old.start,
            previous_end=old.end,
            previous_occupied_until=old.occupied_until,
            previous_amount_minor=1,
        )
        self.events.append(at_seat(moved, *where))


@given(stories)
def test_whatever_happened_a_seat_is_free_when_no_occupation_of_it_is_now(
    story: list[tuple[str, str, str, tuple[int, int]]],
) -> None:
    told = Told(story)
    scene = scene_of(*told.events)

    for seat in SEATS:
        for at in MOMENTS:
            assert scene.is_free("L1", seat, at) == told.is_free(seat, at)


@given(stories, st.data())
def test_what_is_taken_in_again_in_order_changes_nothing(
    story: list[tuple[str, str, str, tuple[int, int]]], data: st.DataObject
) -> None:
    told = Told(story)
    again = told.events[data.draw(st.integers(0, len(told.events))) :]
    scene = scene_of(*told.events, *again)

    for seat in SEATS:
        for at in MOMENTS:
            assert scene.is_free("L1", seat, at) == told.is_free(seat, at)
