"""When people sit where: of bookings that are years away, and of those of this very hour."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.ws_fanout import events as given

INDIA = timezone(timedelta(hours=5, minutes=30))


@dataclass(frozen=True, slots=True)
class Stay:
    """A seat for four hours, the buffer after them not counted."""

    seat: str
    start: datetime

    @property
    def end(self) -> datetime:
        return self.start + timedelta(hours=4)

    @property
    def occupied_until(self) -> datetime:
        return self.end + timedelta(minutes=10)

    def facts(self, booking: str) -> dict[str, Any]:
        return given.facts(booking=booking) | self._taken()

    def terms(self, booking: str) -> dict[str, Any]:
        return given.terms(booking=booking) | self._taken()

    def hold(self, booking: str) -> dict[str, Any]:
        """A hold that lasts for as long as the tests do."""
        until = datetime.now(UTC) + timedelta(hours=1)
        return given.hold(booking=booking) | self._taken() | {"until": until}

    def clock(self) -> dict[str, Any]:
        """Return when it is, as a calendar and a clock in the library show it."""
        start, end = self.start.astimezone(INDIA), self.end.astimezone(INDIA)
        begins, ends = f"{start:%H:%M}", f"{end:%H:%M}"
        return {
            "date": f"{start:%Y-%m-%d}",
            "startTime": begins,
            "endTime": ends,
            "time": f"{begins} - {ends}",
            "duration": 4,
        }

    def _taken(self) -> dict[str, Any]:
        return {
            "seat_id": self.seat,
            "start": self.start,
            "end": self.end,
            "occupied_until": self.occupied_until,
        }


def now(seat: str) -> Stay:
    """A stay that began an hour ago."""
    return Stay(seat, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1))


def just_over(seat: str) -> Stay:
    """A stay whose end, buffer included, was a minute ago."""
    ended = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    return Stay(seat, ended - timedelta(hours=4, minutes=10))


def far_away(seat: str) -> Stay:
    """A stay years from now, from nine o'clock until one in India."""
    return Stay(seat, datetime(2031, 5, 5, 3, 30, tzinfo=UTC))
