"""A DCB subscription: blocks at the end of the log, and wakes when something is appended."""

import select
import socket
from collections import deque
from datetime import timedelta
from threading import Lock

import psycopg
import structlog
from eventsourcing.dcb.api import DCBQuery, DCBSequencedEvent, DCBSubscription, TDCBRecorder_co

from studyspot.event_store.batch import CHANNEL
from studyspot.event_store.connections import CONNECT_WITHIN

POLL_EVERY = timedelta(milliseconds=250)
PAGE_SIZE = 500

log = structlog.get_logger()


class StoreSubscription(DCBSubscription[TDCBRecorder_co]):
    """Yields matching events in order; `stop`, from any thread, ends the iteration at once."""

    def __init__(
        self, recorder: TDCBRecorder_co, database_url: str, *, query: DCBQuery | None, after: int | None
    ) -> None:
        super().__init__(recorder, query, after)
        self._database_url = database_url
        self._page: deque[DCBSequencedEvent] = deque()
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None
        self._stopped, self._stop = socket.socketpair()
        self._iterating = Lock()

    def __next__(self) -> DCBSequencedEvent:
        """Return the next matching event, waiting for it.

        Raises:
            StopIteration: the subscription was stopped.
            StoreUnavailable: the database is away; the next call carries on where this one ended.
        """
        with self._iterating:
            while not self._has_been_stopped:
                if not self._page:
                    # Listening comes before reading: what is appended in between then wakes the wait.
                    self._listen()
                    page = self._recorder.read(self._query, after=self._last_position, limit=PAGE_SIZE)
                    self._page.extend(page)
                if self._page:
                    event = self._page.popleft()
                    self._last_position = event.position
                    return event
                self._wait()
            raise StopIteration

    def stop(self) -> None:
        """End the iteration, also while it waits, and let go of the connection."""
        super().stop()
        self._stop.close()
        with self._iterating:
            self._disconnect()
            self._stopped.close()

    def _listen(self) -> None:
        if self._listener is not None:
            return
        try:
            self._listener = psycopg.connect(
                self._database_url, autocommit=True, connect_timeout=int(CONNECT_WITHIN.total_seconds())
            )
            self._listener.execute(f"LISTEN {CHANNEL}")
        except psycopg.OperationalError as error:
            log.warning("subscription polls until it can listen", error=str(error))
            self._disconnect()

    def _wait(self) -> None:
        sources = [self._stopped.fileno()]
        if self._listener is not None:
            sources.append(self._listener.fileno())
        select.select(sources, [], [], POLL_EVERY.total_seconds())
        try:
            if self._listener is not None:
                # Only the wake-up counts; what was appended is read from the log.
                list(self._listener.notifies(timeout=0))
        except psycopg.OperationalError:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = None
