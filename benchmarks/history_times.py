"""Times and identifiers of an invented history: whole microseconds since 1970, and their bytes in the log."""

import random
from datetime import UTC, datetime, timedelta
from functools import cache

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A Monday. Everything up to `NOW` has happened; bookings are for some days beyond it as well.
BEGAN = (datetime(2026, 9, 7, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
WEEKS = 4
NOW = BEGAN + WEEKS * 7 * DAY
LAST_DAY = WEEKS * 7 + 6

TIME_ZONE = "Asia/Kolkata"
_AHEAD_OF_UTC = 5 * HOUR + 30 * MINUTE


def local_day(day: int) -> int:
    """Return the midnight, in the libraries' time zone, at which the history's `day` begins."""
    return BEGAN + day * DAY - _AHEAD_OF_UTC


def moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def time_text(at: int) -> str:
    """Return the time as the codec writes it."""
    second, microsecond = divmod(at, SECOND)
    minute, second = divmod(second, 60)
    fraction = f".{microsecond:06}" if microsecond else ""
    return f"{_minute_text(minute)}:{second:02}{fraction}Z"


@cache
def _minute_text(minute: int) -> str:
    return moment(minute * MINUTE).strftime("%Y-%m-%dT%H:%M")


def new_id(at: int, chance: random.Random) -> str:
    """Return a UUIDv7 of that time: as the product's ids, but the same for the same seed."""
    bits = chance.getrandbits(74)
    value = (at // 1000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
