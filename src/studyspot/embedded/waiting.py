"""Waiting for a condition of another process, with a limit."""

import time
from collections.abc import Callable
from datetime import timedelta

INTERVAL = timedelta(milliseconds=20)


def wait_until(condition: Callable[[], bool], limit: timedelta) -> bool:
    """Return True as soon as `condition` holds, or False when it has not come true within `limit`."""
    deadline = time.monotonic() + limit.total_seconds()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(INTERVAL.total_seconds())
    return True
