"""Sends a fan-out process frames that it does not expect, in every state of a socket; nothing comes of it.

`python -m tests.fuzz.frames_campaign --frames 100000 --seed 1`. Half of them are packets of Socket.IO. A
healthy socket of each protocol beside them gets every event.
"""

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from studyspot.domain.events import AnnouncementMade
from tests.engines import NatsServer, temporary_home
from tests.fuzz.conversations import Findings, Talker
from tests.fuzz.handshakes import send_slowly, shake_wrongly
from tests.fuzz.portal_talker import PortalTalker, healthy_portal
from tests.run_folder import keep_temporary_files_in_memory
from tests.ws_fanout.events import EPOCH, booked, library_created
from tests.ws_fanout.fanout_process import FanoutProcess, fanout_process
from tests.ws_fanout.live import Log, connected, log_at

TALKERS = 12
MOST_RSS_BYTES = 16 * 1024 * 1024
"""More than after the first tenth, when every part of the process has been used."""
HISTORY_EVENTS = 1500
_EVENTS_EVERY_SECONDS = 0.05
_HANDSHAKES_A_CONVERSATION = 0.2
_SLOW_ONES = 3
_PROCESS = ("tests.fuzz.cramped_node",)


class Campaign:
    """One process, those who talk to it, and two healthy clients.

    Attributes:
        rss_bytes: of the process, early and late.
    """

    def __init__(self, node: FanoutProcess, log: Log, *, frames: int, seed: int) -> None:
        self.findings = Findings()
        self.rss_bytes = (0, 0)
        self._node, self._log = node, log
        self._frames, self._seed = frames, seed
        self._is_over = False

    async def run(self) -> None:
        healthy = asyncio.create_task(self._stay_healthy(), name="healthy sockets")
        try:
            await self._fuzz(self._frames // 10)
            early = self._node.rss_bytes()
            await self._fuzz(self._frames)
            self.rss_bytes = (early, self._node.rss_bytes())
        finally:
            self._is_over = True
            await healthy
        self._judge_process()

    async def _fuzz(self, until: int) -> None:
        """Let everyone talk until so many frames have been sent."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(TALKERS):
                tasks.create_task(self._talk(number, until))
            for _ in range(_SLOW_ONES):
                tasks.create_task(send_slowly(self._node.port, self.findings))

    async def _talk(self, number: int, until: int) -> None:
        seed = self._seed + self.findings.conversations * TALKERS
        speaking = PortalTalker if number % 2 else Talker
        talker = speaking(number, seed, self._node.port, EPOCH, self.findings)
        chance = random.Random(f"{seed}-{number}-handshakes")
        while self.findings.frames < until and self._node.is_running:
            await talker.talk()
            if chance.random() < _HANDSHAKES_A_CONVERSATION:
                await shake_wrongly(self._node.port, chance, self.findings)

    async def _stay_healthy(self) -> None:
        """Read on good sockets all the while: every event comes, in order, and at once."""
        port = self._node.port
        async with connected(port, "healthy") as client, healthy_portal(port, "healthy") as portal:
            expected = self._log.head
            while not self._is_over:
                await self._log.append(AnnouncementMade(announcement_id="A", title="t", text="x" * 500))
                expected += 1
                frame = await client.receive_until("event")
                for position in (frame["position"], await portal.next_position()):
                    if position != expected:
                        self.findings.note("healthy socket", f"{position} instead of {expected}")
                        return
                client.frames.clear()
                await asyncio.sleep(_EVENTS_EVERY_SECONDS)

    def _judge_process(self) -> None:
        if not self._node.is_running:
            self.findings.note("the process has ended", "")
        for line in self._node.faults():
            self.findings.note(f"log: {line.get('event')}", line)
        early, late = self.rss_bytes
        if late - early > MOST_RSS_BYTES:
            self.findings.note("memory", f"{early} bytes grew to {late}")


async def campaign(server: NatsServer, home: Path, *, frames: int, seed: int) -> Campaign:
    """Run it at this NATS server, and return what was found."""
    async with log_at(server.urls.admin) as log:
        history = [booked(booking=f"B{number}") for number in range(HISTORY_EVENTS)]
        await log.append(library_created(), *history)
        async with fanout_process(server.urls.fanout, home, program=_PROCESS) as node:
            run = Campaign(node, log, frames=frames, seed=seed)
            await run.run()
            return run


def main(
    frames: int = typer.Option(100_000, help="How many to send, over all sockets."),
    seed: int = typer.Option(1, help="Of the frames that are made up."),
) -> None:
    """Send them, and fail where anything comes of it."""
    keep_temporary_files_in_memory()
    with temporary_home() as home, TemporaryDirectory() as files:
        server = NatsServer(home)
        server.engine.start()
        try:
            run = asyncio.run(campaign(server, Path(files), frames=frames, seed=seed))
        finally:
            server.engine.stop()
    found = run.findings
    early, late = (size / 2**20 for size in run.rss_bytes)
    typer.echo(f"{found.frames} frames in {found.conversations} conversations with seed {seed}")
    for title, counts in (("sent", found.kinds), ("answered", found.answers), ("closed", found.closes)):
        told = ", ".join(f"{count} × {kind}" for kind, count in counts.most_common())
        typer.echo(f"{title}: {told}")
    typer.echo(f"memory: {early:.1f} MiB early, {late:.1f} MiB late")
    for title, detail in found.wrong.items():
        typer.echo(f"\n{title}\n{detail}", err=True)
    if found.wrong:
        raise typer.Exit(1)
    typer.echo("Nothing came of it.")


if __name__ == "__main__":
    typer.run(main)
