"""Own child processes: begun with a log and a record of who they are, and stopped for certain."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import structlog

from studyspot.embedded.errors import StartFailed, cannot_write
from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.parents import told_of_parents_death
from studyspot.embedded.private_files import write_private
from studyspot.embedded.system_user import SystemUser
from studyspot.embedded.waiting import wait_until

log = structlog.get_logger()

KILL_LIMIT = timedelta(seconds=5)
LOG_LIMIT_BYTES = 16 * 1024 * 1024
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StopStep:
    """A signal, and how long the process may take to obey it; SIGKILL follows the last step."""

    signal: signal.Signals
    limit: timedelta


TERMINATE = (StopStep(signal.SIGTERM, timedelta(seconds=10)),)


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """How a child is run: `record` is the file that tells a later start which process this was."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    record: Path
    user: SystemUser | None = None
    stop_steps: tuple[StopStep, ...] = TERMINATE


class Child:
    """A running child in a session of its own, so that a Ctrl-C at the terminal reaches only its parent."""

    def __init__(self, command: ChildCommand, process: subprocess.Popen[bytes], log_start: int) -> None:
        self.command = command
        self._process = process
        self._identity = identify(process.pid) or ProcessIdentity(process.pid, "ended at once")
        self._log_start = log_start

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how the process ended (a negative signal number when killed), or None while it runs."""
        return self._process.poll()

    def said(self, lines: int = 3) -> str:
        """Return the last lines that this child has logged, as one line, for an error message."""
        with self.command.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_start, end - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())

    def keep_record(self) -> None:
        """Write which process this is, for a later start to find it."""
        write_private(self.command.record, json.dumps(asdict(self._identity)))

    def stop(self) -> None:
        """Take the stop steps until the process has ended, and forget its record."""
        for step in self.command.stop_steps:
            if self.exit_code() is not None:
                break
            self._process.send_signal(step.signal)
            try:
                self._process.wait(step.limit.total_seconds())
            except subprocess.TimeoutExpired:
                log.warning("child ignores a signal", child=self.command.name, signal=step.signal.name)
        # Also when the process itself has ended: whatever it left in its group goes with it.
        _kill_group(self._identity)
        self._process.wait(KILL_LIMIT.total_seconds())
        self.command.record.unlink(missing_ok=True)


def spawn(command: ChildCommand) -> Child:
    """Start a child, after stopping the one that an earlier parent may have left under the same record.

    Where Linux allows, the child also gets its first stop signal when its parent dies.

    Raises:
        DiskFull: there is no room for its log or its record.
        StartFailed: the program cannot be executed.
    """
    stop_orphan(command.record, command.stop_steps)
    try:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        command.record.parent.mkdir(parents=True, exist_ok=True)
        _rotate(command.log)
        with command.log.open("ab") as log_file:
            log_start = log_file.tell()
            process = _execute(command, log_file)
    except OSError as error:
        raise cannot_write(command.log, error) from error
    child = Child(command, process, log_start)
    try:
        child.keep_record()
    except OSError as error:
        child.stop()  # Without its record, a later start could not find it.
        raise cannot_write(command.record, error) from error
    return child


def _execute(command: ChildCommand, log_file: BinaryIO) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603
            command.argv,
            cwd=command.directory,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=command.user.uid if command.user else None,
            group=command.user.gid if command.user else None,
            extra_groups=[] if command.user else None,
            preexec_fn=told_of_parents_death(command.stop_steps[0].signal),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(
            f"{command.name} cannot be started: {error}.", f"Check that {command.argv[0]} may be executed."
        ) from error


def stop_orphan(record: Path, steps: tuple[StopStep, ...] = TERMINATE) -> bool:
    """Stop the process that `record` names, if that very process still runs; say whether one did."""
    try:
        identity = ProcessIdentity(**json.loads(record.read_text()))
    except FileNotFoundError:
        return False
    except (ValueError, TypeError):
        log.warning("record of a child is not readable", record=str(record))
        return False
    found = stop_process(identity, steps)
    record.unlink(missing_ok=True)
    return found


def stop_process(identity: ProcessIdentity, steps: tuple[StopStep, ...]) -> bool:
    """Stop a process that need not be our child; say whether it was running.

    Raises:
        StartFailed: it survives even SIGKILL.
    """
    if not identity.is_alive():
        return False
    log.warning("stopping a process left by an earlier run", pid=identity.pid)
    for step in steps:
        try:
            os.kill(identity.pid, step.signal)
        except ProcessLookupError:
            return True
        if wait_until(lambda: not identity.is_alive(), step.limit):
            return True
    _kill_group(identity)
    if not wait_until(lambda: not identity.is_alive(), KILL_LIMIT):
        raise StartFailed(
            f"Process {identity.pid} of an earlier run does not end.", f"Stop it: kill -9 {identity.pid}."
        )
    return True


def _kill_group(leader: ProcessIdentity) -> None:
    # A pid is not given again while its group has members: if it now means a stranger, the group is gone.
    if identify(leader.pid) not in (leader, None):
        return
    try:
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # Nothing is left of it.


def _rotate(path: Path) -> None:
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(path.name + ".1"))
