"""How long to wait before a process that has died is started again."""

import time
from datetime import timedelta

FIRST_DELAY = timedelta(milliseconds=200)
LONGEST_DELAY = timedelta(seconds=10)
# One that has lived this long is not in a loop of deaths: its next restart is quick again.
STEADY_AFTER = timedelta(seconds=30)


class Delays:
    """How long to wait before each restart: twice as long each time, within limits."""

    def __init__(self) -> None:
        self._next = FIRST_DELAY
        self._last_death = time.monotonic()

    def after_death(self) -> float:
        """Return the seconds to wait, the process having died now."""
        now = time.monotonic()
        if now - self._last_death > STEADY_AFTER.total_seconds():
            self._next = FIRST_DELAY
        self._last_death = now
        delay = self._next
        self._next = min(delay * 2, LONGEST_DELAY)
        return delay.total_seconds()
