"""A server that runs as an own child on a loopback port, which it keeps from its first start on."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from studyspot.embedded.errors import DiskFull, PortTaken, StartFailed
from studyspot.embedded.ports import free_port
from studyspot.embedded.processes import Child, ChildCommand, spawn
from studyspot.embedded.waiting import wait_until

log = structlog.get_logger()

PORT_ATTEMPTS = 3


class LoopbackServer:
    """One server, of which the caller tells what differs.

    `prepare()` readies its directory and programs before every launch, `command_on(port)` says how it is then
    run, `answers(port)` whether it serves on that port.
    """

    def __init__(
        self,
        title: str,
        prepare: Callable[[], None],
        command_on: Callable[[int], ChildCommand],
        answers: Callable[[int], bool],
        ready_limit: timedelta,
    ) -> None:
        self._title = title
        self._prepare = prepare
        self._command_on = command_on
        self._answers = answers
        self._ready_limit = ready_limit
        self._child: Child | None = None
        self.port: int | None = None

    @property
    def pid(self) -> int | None:
        """The process, or None when it has not been started or was stopped."""
        return self._child.pid if self._child else None

    def is_running(self) -> bool:
        """Say whether the process runs, ready or not."""
        return self._child is not None and self._child.exit_code() is None

    def start(self) -> None:
        """Launch the server, unless it runs, and wait until it answers; the first time on any free port.

        Raises:
            EngineError: as `prepare`.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer in time.
        """
        if self.is_running():
            return
        attempts = 1 if self.port else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                self.launch()
                self.wait_ready()
            except PortTaken:
                # Somebody took the port between our look and the server's.
                self.stop()
                if attempt == attempts:
                    raise
                self.port = None
            except BaseException:
                self.stop()
                raise
            else:
                return

    def launch(self) -> None:
        """Start the process without waiting for it; one that ended before is forgotten.

        Raises:
            EngineError: as `prepare`.
            StartFailed: it cannot be executed.
        """
        self._prepare()
        if self._child is not None:
            self._child.stop()
        self.port = self.port or free_port()
        self._child = spawn(self._command_on(self.port))

    def wait_ready(self) -> None:
        """Wait until the launched server answers.

        Raises:
            PortTaken: something else listens on its port.
            DiskFull: there is no room.
            StartFailed: it ended, or did not answer in time.
        """
        child, port = self._child, self.port
        if child is None or port is None:
            raise StartFailed(f"{self._title} has not been started.", "Start it first.")
        in_time = wait_until(lambda: child.exit_code() is not None or self._answers(port), self._ready_limit)
        if in_time and child.exit_code() is None:
            log.info("server started", server=child.command.name, port=port, pid=child.pid)
            return
        raise self._failure(child, port, in_time)

    def stop(self) -> None:
        """Stop the server, with a limit, then at once."""
        if self._child is not None:
            self._child.stop()
            log.info("server stopped", server=self._child.command.name)
            self._child = None

    def _failure(self, child: Child, port: int, in_time: bool) -> StartFailed | DiskFull:
        said = child.said()
        see = f"See {child.command.log}."
        if "no space left on device" in said.lower():
            return DiskFull(f"The disk is full: {self._title} cannot write.", f"Free some space. {see}")
        if "address already in use" in said.lower():
            return PortTaken(f"{self._title}'s port {port} is taken.", "Stop the program that listens there.")
        if in_time:
            return StartFailed(f"{self._title} ended at its start: {said}", see)
        return StartFailed(
            f"{self._title} did not answer within {self._ready_limit.total_seconds():.0f} s: {said}", see
        )
