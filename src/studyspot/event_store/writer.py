"""Group commit: one thread appends everything that is waiting, in one transaction, again and again."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from queue import SimpleQueue
from threading import Event, Lock, Thread
from time import sleep
from uuid import uuid4

import psycopg
import structlog
from psycopg.errors import LockNotAvailable

from studyspot.event_store.batch import Batch
from studyspot.event_store.commands import Command
from studyspot.event_store.errors import EventRejected, StoreUnavailable
from studyspot.event_store.session import WriterSession
from studyspot.event_store.settlement import settle, settle_recovered

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 512
# Bounds on one transaction, which must end within the writer's transaction timeout.
BATCH_LIMIT_WEIGHT = 20_000
BATCH_LIMIT_BYTES = 4 * 1024 * 1024
FIRST_PAUSE = timedelta(milliseconds=20)
LONGEST_PAUSE = timedelta(milliseconds=500)
ANSWERS_BETWEEN_CLEANINGS = 1_000

# SQLSTATE classes of errors that lie in the data of a command: data exception, integrity, program limit.
_FAULTS_OF_A_COMMAND = ("22", "23", "54")

log = structlog.get_logger()


class GroupCommitWriter:
    """Owns the writer thread, its queue and its session with the database."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._id = uuid4()
        self._queue: SimpleQueue[Command | None] = SimpleQueue()
        self._taken: list[Command] = []  # the batch in hand
        self._waiting: deque[Command] = deque()  # taken from the queue, or postponed by an earlier batch
        self._session: WriterSession | None = None
        self._unsure: tuple[int, Batch] | None = None  # a batch whose answer was lost, and its number
        self._batches = 0
        self._answers_stored = 0
        self._away = False
        self._stopping = Event()
        self._submitting = Lock()
        self._thread = Thread(target=self._run, name="event-store-writer", daemon=True)

    def start(self) -> None:
        """Begin to append."""
        self._thread.start()

    def stop(self, timeout: timedelta) -> None:
        """Append what is queued, then end; after `timeout` leave the rest to its callers' limits."""
        with self._submitting:
            self._stopping.set()
            self._queue.put(None)
        self._thread.join(timeout.total_seconds())
        if self._thread.is_alive():
            log.error("event store writer did not stop", waiting=self._queue.qsize())

    @property
    def running(self) -> bool:
        """Whether what is submitted will be looked at."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def submit(self, command: Command) -> None:
        """Queue `command`; its future tells what became of it.

        Raises:
            StoreUnavailable: the queue is full, or the writer has been stopped.
        """
        with self._submitting:
            if self._stopping.is_set():
                raise StoreUnavailable("the event store is closed")
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise StoreUnavailable(f"{QUEUE_LIMIT} appends are waiting already")
            self._queue.put(command)

    def _run(self) -> None:
        while self._take_batch():
            pass
        self._end_session()

    def _take_batch(self) -> bool:
        """Append the next batch, whatever happens; return whether there may be another."""
        self._taken = []
        try:
            self._gather()
            self._append(self._taken)
        except Exception as error:  # noqa: BLE001  (without this thread no command is ever accepted again)
            self._give_up(error)
            sleep(LONGEST_PAUSE.total_seconds())
            return True
        return bool(self._taken)

    def _give_up(self, error: Exception) -> None:
        errors = [error]
        for command in self._taken:
            try:
                if not command.answered:
                    command.fail(StoreUnavailable("the writer failed; whether it appended is unknown"))
            except Exception as another:  # noqa: BLE001  (the others wait for their answers too)
                errors.append(another)
        with suppress(OSError):  # A log that cannot be written may be why we are here.
            log.error("event store writer failed", errors=[repr(error) for error in errors], exc_info=error)

    def _gather(self) -> None:
        """Take everything that waits, up to the batch's limits; nothing once the writer is stopped."""
        weight = size = 0
        while len(self._taken) < BATCH_LIMIT:
            command = self._next_command(block=not self._taken)
            if command is None:
                return
            weight, size = weight + command.weight, size + command.size_bytes
            if self._taken and (weight > BATCH_LIMIT_WEIGHT or size > BATCH_LIMIT_BYTES):
                self._waiting.appendleft(command)
                return
            self._taken.append(command)

    def _next_command(self, *, block: bool) -> Command | None:
        while True:
            if self._waiting:
                command: Command | None = self._waiting.popleft()
            elif block or not self._queue.empty():
                command = self._queue.get()
                if command is None:
                    self._queue.put(None)  # the end stays in the queue, for the next look
                    return None
                if not command.begin():
                    continue
            else:
                return None
            assert command
            if command.answered:
                continue
            if not command.expired:
                return command
            command.fail(StoreUnavailable("the append waited too long"))

    def _append(self, commands: Sequence[Command]) -> None:
        """Append `commands`, waiting out an outage until their deadlines."""
        pause = FIRST_PAUSE
        while commands := _still_wanted(commands):
            try:
                self._append_once(commands)
                self._forget_expired_answers()
                return
            except Exception as error:  # noqa: BLE001  (the writer must outlive whatever one command holds)
                if self._unsure is None and _lies_in_a_command(error):
                    self._bisect(commands, error)
                    return
                self._wait_out(commands, error, pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _append_once(self, commands: Sequence[Command]) -> None:
        session = self._session or self._begin_session()
        if not (commands := [command for command in commands if not command.answered]):
            return
        self._batches += 1
        batch = Batch.of(commands)
        try:
            outcome = session.append(batch, self._batches)
        except Exception:
            if session.lost:
                self._session, self._unsure = None, (self._batches, batch)
            raise
        undecided = settle(batch, outcome)
        if undecided and undecided[0] is commands[0]:
            # Nothing stood in the way of the first command but the session itself, which is superseded.
            self._end_session()
        self._waiting.extendleft(reversed(undecided))
        self._answers_stored += sum(1 for index in outcome.won if commands[index].key)

    def _begin_session(self) -> WriterSession:
        session = WriterSession.begin(self._database_url, self._id)
        unsure, away = self._unsure, self._away
        if unsure and session.last.number == unsure[0]:
            settle_recovered(unsure[1], session.last)
        self._session, self._unsure, self._away = session, None, False
        if unsure:
            number, batch = unsure
            committed = session.last.number == number
            log.warning(
                "append settled after a lost answer", committed=committed, commands=len(batch.commands)
            )
        if away:
            log.info("event store regained")
        return session

    def _end_session(self) -> None:
        if self._session:
            self._session.end()
        self._session = None

    def _bisect(self, commands: Sequence[Command], error: Exception) -> None:
        commands = [command for command in commands if not command.answered]
        if not commands:
            log.error("event store writer failed after its answers", error=repr(error))
            return
        if len(commands) > 1:
            middle = len(commands) // 2
            self._append(commands[:middle])
            self._append(commands[middle:])
            return
        (culprit,) = commands
        log.warning("append rejected by the database", error=repr(error), types=culprit.event_types)
        culprit.fail(EventRejected(str(error)))

    def _wait_out(self, commands: Sequence[Command], error: Exception, pause: timedelta) -> None:
        if self._stopping.is_set():
            for command in commands:
                if not command.answered:
                    command.fail(StoreUnavailable("the event store was closed while the database was away"))
        elif isinstance(error, LockNotAvailable):
            log.warning("event store waits for another writer")
        else:
            known, self._away = self._away, True
            if not known:
                log.warning("event store lost", error=repr(error))
            # A new connection may find a server that can write, where this one found a standby.
            self._end_session()
            self._stopping.wait(pause.total_seconds())

    def _forget_expired_answers(self) -> None:
        if not self._session or self._answers_stored < ANSWERS_BETWEEN_CLEANINGS:
            return
        # Twice as many as came in: the table shrinks even after an outage of the cleaning.
        limit, self._answers_stored = 2 * self._answers_stored, 0
        try:
            self._session.forget_expired_answers(limit)
        except psycopg.Error as error:
            log.warning("expired answers not deleted", error=str(error))
            if self._session.lost:
                self._session = None


def _still_wanted(commands: Sequence[Command]) -> list[Command]:
    wanted = []
    for command in commands:
        if command.answered:
            continue
        if command.expired:
            command.fail(StoreUnavailable("the database did not answer in time"))
        else:
            wanted.append(command)
    return wanted


def _lies_in_a_command(error: Exception) -> bool:
    if isinstance(error, psycopg.Error):
        return (error.sqlstate or "").startswith(_FAULTS_OF_A_COMMAND)
    return True  # It could not even be turned into parameters.
