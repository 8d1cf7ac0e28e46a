"""The reads: libraries, seat maps, bookings, notifications, figures."""

from datetime import UTC, datetime

from studyspot.client.people_queries import PeopleQueries
from studyspot.wire.notice_reads import NotificationsFound
from studyspot.wire.read_bodies import (
    BookingFound,
    BookingsFound,
    LibrariesFound,
    LibraryView,
    SeatMap,
)
from studyspot.wire.stats_bodies import BookingCounts, LibraryStats


class Queries(PeopleQueries):
    """Each raises ProblemError when refused, AnswerLost when no answer came.

    `min_position`: the read waits until it reflects that position. With `read_own_writes`, that is at
    least the position of our newest command.
    """

    async def library(self, library_id: str, *, min_position: int | None = None) -> LibraryView:
        """Return a library, with its price plans, opening hours, rules and closures."""
        reply = await self._get(f"/api/libraries/{library_id}", {}, min_position)
        return reply.read(LibraryView)

    async def libraries(
        self,
        *,
        text: str | None = None,
        city: str | None = None,
        amenity: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        min_position: int | None = None,
    ) -> LibrariesFound:
        """Search libraries; the page's `next` is the cursor of what follows."""
        parameters = {"q": text, "city": city, "amenity": amenity, "limit": limit, "cursor": cursor}
        return (await self._get("/api/libraries", parameters, min_position)).read(LibrariesFound)

    async def seat_map(
        self, library_id: str, start: datetime, end: datetime, *, min_position: int | None = None
    ) -> SeatMap:
        """Return each seat's status for [start, end)."""
        interval = {"start": _text(start), "end": _text(end)}
        reply = await self._get(f"/api/libraries/{library_id}/seats", interval, min_position)
        return reply.read(SeatMap)

    async def booking(self, booking_id: str, *, min_position: int | None = None) -> BookingFound:
        """Return one of our bookings, or of our libraries', with its ledger."""
        return (await self._get(f"/api/bookings/{booking_id}", {}, min_position)).read(BookingFound)

    async def bookings(
        self,
        *,
        library_id: str | None = None,
        user_id: str | None = None,
        status: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        min_position: int | None = None,
    ) -> BookingsFound:
        """Return our bookings, or our libraries'; the page's `next` is the cursor of what follows."""
        parameters = {
            "libraryId": library_id,
            "userId": user_id,
            "status": status,
            "from": _text(start),
            "to": _text(end),
            "limit": limit,
            "cursor": cursor,
        }
        return (await self._get("/api/bookings", parameters, min_position)).read(BookingsFound)

    async def booking_counts(self, *, min_position: int | None = None) -> BookingCounts:
        """Return how many bookings of each status we have, or our libraries have."""
        return (await self._get("/api/bookings/stats", {}, min_position)).read(BookingCounts)

    async def affected(
        self,
        library_id: str,
        *,
        closure_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        seat_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        min_position: int | None = None,
    ) -> BookingsFound:
        """Return our library's bookings, still to end, that a closure, [start, end) or a seat's end hits.

        Give one of the three. The page's `next` is the cursor of what follows.
        """
        parameters = {
            "closureId": closure_id,
            "start": _text(start),
            "end": _text(end),
            "seatId": seat_id,
            "limit": limit,
            "cursor": cursor,
        }
        reply = await self._get(f"/api/libraries/{library_id}/affected", parameters, min_position)
        return reply.read(BookingsFound)

    async def library_stats(self, library_id: str, *, min_position: int | None = None) -> LibraryStats:
        """Return the figures of our library."""
        reply = await self._get(f"/api/libraries/{library_id}/stats", {}, min_position)
        return reply.read(LibraryStats)

    async def notifications(
        self, *, limit: int | None = None, cursor: str | None = None, min_position: int | None = None
    ) -> NotificationsFound:
        """Return what we were told, newest first; the page's `next` is the cursor of what follows."""
        parameters = {"limit": limit, "cursor": cursor}
        return (await self._get("/api/notifications", parameters, min_position)).read(NotificationsFound)


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")
