"""What those who run a library, or book, are told in figures."""

from studyspot.domain.events import BookingStatus
from studyspot.domain.opening_hours import Weekday
from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, Instant


class OccupancyView(CamelModel):
    """Of a weekday's hour on the library's clock, the share of its seats' time that students sat there."""

    weekday: Weekday
    hour: int
    share: float


class MoneyView(CamelModel):
    """Amounts in minor units of one currency; `revenue_minor` is what was paid less what was refunded."""

    currency: str
    charged_minor: int
    paid_minor: int
    refunded_minor: int
    revenue_minor: int


class LibraryStats(Reflected):
    """A library's seats now, and what happened in it.

    Seats are counted by what takes them now, whether or not the library is open. No-shows today are those of
    the library's own day. Occupancy is of the 28 days before now, each weekday's 24 hours in turn. Since
    `since`, 30 days ago: the money of its bookings; `active_students`, who booked or came; and of those who
    were to come, the share who did not, none where nobody was.
    """

    library_id: str
    seats: int
    free: int
    held: int
    booked: int
    occupied: int
    out_of_service: int
    no_shows_today: int
    occupancy: tuple[OccupancyView, ...]
    since: Instant
    money: tuple[MoneyView, ...]
    active_students: int
    no_show_rate: float | None
    server_now: Instant


class BookingCounts(Reflected):
    """How many bookings there are of each status, those of none as well."""

    total: int
    by_status: dict[BookingStatus, int]
    server_now: Instant
