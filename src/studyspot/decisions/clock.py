"""The server's clock: the only one that counts."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present instant, in UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)
