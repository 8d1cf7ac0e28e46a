"""`studyspot …` as users run it, and the processes that such a command begins."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from types import MappingProxyType

from studyspot.embedded.parents import told_of_parents_death
from tests.forked.command import Process, begin
from tests.projections.system import NO_BROKER, until

STUDYSPOT = (sys.executable, "-m", "studyspot")
LIMIT_SECONDS = 60.0
ONE_WAS_KILLED = "studyspot: One of its processes was killed. Begin it again: what is done is kept."


def environment(database_url: str, home: Path) -> Mapping[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return clean | {
        "STUDYSPOT_HOME": str(home),
        "STUDYSPOT_DATABASE_URL": database_url,
        "STUDYSPOT_NATS_URL": NO_BROKER,
    }


class Command:
    """A command in a session of its own; what it says goes to files, so that it never waits for a reader."""

    def __init__(self, process: Popen[bytes] | Process, home: Path) -> None:
        self._process = process
        self._home = home

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def said(self) -> str:
        return (self._home / "said").read_text()

    @property
    def complained(self) -> str:
        return (self._home / "complained").read_text()

    @property
    def done(self) -> bool:
        """Whether it has said that the new build is read."""
        return "is read from build" in self.said

    def pool(self) -> list[int]:
        """The processes that share the work: those that its own children have begun for it."""
        return [pid for pid, parent in members(self._process.pid).items() if parent in self._children()]

    def _children(self) -> set[int]:
        command = self._process.pid
        return {pid for pid, parent in members(command).items() if parent == command}

    def kill(self) -> None:
        """Kill the command alone, as the kernel does when memory is short; its processes are not told."""
        self._process.kill()
        self._process.wait()

    def kill_one_of_its_processes(self) -> bool:
        """Return whether there was one."""
        for pid in self.pool():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def kill_all(self) -> None:
        """Leave nothing of it, whatever a test has found."""
        for pid in members(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    async def ends(self, limit: float = LIMIT_SECONDS) -> int:
        """Wait for its end, and for that of all its processes; return its exit status."""
        await until(lambda: not self.running, limit)
        await self.leaves_nothing()
        return self._process.wait()

    async def is_done(self) -> None:
        """Wait until it says that the new build is read."""
        await until(lambda: self.done or not self.running, LIMIT_SECONDS)
        assert self.done, self.complained

    async def leaves_nothing(self) -> None:
        """Wait until none of its processes is left."""
        await until(lambda: not members(self._process.pid), LIMIT_SECONDS)

    async def is_done_within(self, seconds: float) -> bool:
        """Let that much time pass, or less if it is done or ends before; return whether it did."""
        try:
            async with asyncio.timeout(seconds):
                await until(lambda: self.done or not self.running, LIMIT_SECONDS)
        except TimeoutError:
            return False
        return True


@contextmanager
def command(
    database_url: str,
    *given: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    cold: bool = False,
) -> Iterator[Command]:
    """Run `studyspot …` until the end of the block; a `cold` one in an interpreter of its own, as users do.

    That takes it a second: there is the time to have something waiting for it.
    """
    with TemporaryDirectory() as directory:
        home = Path(directory)
        variables = {**environment(database_url, home), **settings}
        with (
            Path(os.devnull).open("rb") as nothing,
            (home / "said").open("wb") as said,
            (home / "complained").open("wb") as complained,
        ):
            process: Popen[bytes] | Process
            if cold:
                process = Popen(
                    [*STUDYSPOT, *given],
                    env=variables,
                    stdin=nothing,
                    stdout=said,
                    stderr=complained,
                    start_new_session=True,
                    preexec_fn=told_of_parents_death(signal.SIGTERM),
                )
            else:
                streams = (nothing, said, complained)
                process = begin(*given, environment=variables, directory=Path.cwd(), streams=streams)
        running = Command(process, home)
        try:
            yield running
        finally:
            running.kill_all()


def members(session: int) -> dict[int, int]:
    """The processes of a session, each with its parent, but for those that have ended."""
    found = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(FileNotFoundError, ProcessLookupError):
            # Asked first: of the hundreds there are, only these few files are read, again and again.
            if os.getsid(int(name)) == session:
                # After the name, which may hold anything: state, parent.
                state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(name)] = int(parent)
    return found
