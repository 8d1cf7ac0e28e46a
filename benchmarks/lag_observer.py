"""Hears when the log has moved, and when each read model has, as PostgreSQL tells its listeners."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self

import psycopg

from studyspot.event_store.batch import CHANNEL as LOG_CHANNEL
from studyspot.projections.builds import CHANNEL as READ_CHANNEL

LOG = "log"
_LISTEN_SECONDS = 0.2
_START_SECONDS = 10.0
_END_SECONDS = 5.0

Heard = tuple[int, float]
"""A position, and when it was heard of, in seconds of `time.perf_counter`."""


class Observer:
    """Listens in a thread of its own while it is entered, so that no load delays its clock.

    `heard` has what was heard of the log and of each projection, in the order in which it was.
    """

    def __init__(self, database_url: str) -> None:
        self.heard: dict[str, list[Heard]] = {LOG: []}
        self._database_url = database_url
        self._listening = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="observer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(_START_SECONDS):
            raise TimeoutError("the observer cannot listen")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(_END_SECONDS)

    def reached(self, name: str) -> int:
        """Return the newest position heard of; 0 before the first."""
        heard = self.heard.get(name)
        return heard[-1][0] if heard else 0

    def _listen(self) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(f"LISTEN {LOG_CHANNEL}")
            connection.execute(f"LISTEN {READ_CHANNEL}")
            self._listening.set()
            while not self._ended.is_set():
                for notice in connection.notifies(timeout=_LISTEN_SECONDS):
                    now = time.perf_counter()
                    words = notice.payload.split(" ")
                    name = LOG if notice.channel == LOG_CHANNEL else words[0]
                    self.heard.setdefault(name, []).append((int(words[-1]), now))


def times_of(positions: Sequence[int], heard: Sequence[Heard]) -> Mapping[int, float]:
    """Return when each of the rising `positions` was first known to be reached, where it was."""
    times: dict[int, float] = {}
    told = iter(heard)
    reached, at = 0, 0.0
    for position in positions:
        while reached < position:
            found = next(told, None)
            if found is None:
                return times
            reached, at = found
        times[position] = at
    return times
