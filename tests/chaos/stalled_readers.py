"""A hundred of two thousand sockets stop reading, again and again: nobody else notices, and nothing is lost.

`python -m tests.chaos.stalled_readers --minutes 5`. Rounds in which all read and rounds in which some stall
take turns. Short stalls end while the socket is open, and the rest follows on it; in long ones it is closed,
and the reader comes back from where it was.
"""

import asyncio
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import typer

from tests.chaos.stalled.crowd import Crowd, Events, crowd_of
from tests.engines import NatsServer, temporary_home
from tests.run_folder import keep_temporary_files_in_memory
from tests.ws_fanout.fanout_process import FanoutProcess, fanout_process
from tests.ws_fanout.live import log_at

MOST_RSS_BYTES = 10 * 1024 * 1024
"""More than before anyone stalled."""
MOST_RATIO = 1.2
"""Of the others' p99 while some stall to theirs while all read."""
QUIET_SECONDS = 20
STALL_SECONDS = (20, 45)
WARM_SECONDS = 10
WINDOW_EVENTS = 20_000
SEATS_A_STALL = 140
SEATS_IN_WINDOW = 250
_LOOK_SECONDS = 0.25


class Campaign:
    """What was measured, round by round."""

    def __init__(self, node: FanoutProcess, events: Events, crowd: Crowd, *, rate: float) -> None:
        self.quiet: list[dict[str, Any]] = []
        self.stalled: list[dict[str, Any]] = []
        self.totals: dict[str, Any] = {}
        self.rss_bytes: dict[str, list[int]] = {"quiet": [], "stalled": []}
        self.most_unsent_bytes = 0.0
        self._node, self._events, self._crowd = node, events, crowd
        self._rate = rate

    async def warm_up(self) -> None:
        # Of the encoded frames, too, as many are kept as may be.
        await self._events.at_once(seats=SEATS_IN_WINDOW)
        await self._announce(WARM_SECONDS, "warm")
        await self._all_have()
        await self._crowd.report()

    async def quiet_round(self) -> None:
        await self._announce(QUIET_SECONDS, "quiet")
        await self._all_have()
        self.quiet.append(await self._crowd.report())

    async def stalled_round(self, seconds: float) -> None:
        await self._crowd.stall()
        await self._events.at_once(seats=SEATS_A_STALL)
        await self._announce(seconds, "stalled")
        await self._crowd.others_have(self._events.announced)
        self.stalled.append(await self._crowd.report())
        await self._crowd.read()
        await self._all_have()
        # What the stalled were told meanwhile, they have read by now.
        self.totals = await self._crowd.report()

    def verdict(self) -> dict[str, Any]:
        ratio = _p99(self.stalled) / _p99(self.quiet)
        before = median(self.rss_bytes["quiet"][: len(self.rss_bytes["quiet"]) // len(self.quiet)])
        return {
            "announcements": self._events.announced,
            "positions": self._events.head,
            "deliveries": self.totals["events"],
            "rounds": len(self.stalled),
            "p99_quiet_ms": round(_p99(self.quiet), 1),
            "p99_stalled_ms": round(_p99(self.stalled), 1),
            "p50_quiet_ms": round(median(one["p50_ms"] for one in self.quiet), 1),
            "p50_stalled_ms": round(median(one["p50_ms"] for one in self.stalled), 1),
            "ratio": round(ratio, 2),
            "p99_each": [
                [round(one["p99_ms"], 1) for one in rounds] for rounds in (self.quiet, self.stalled)
            ],
            "rss_quiet_mib": _mib(before),
            "rss_most_mib": _mib(max(self.rss_bytes["stalled"])),
            "rss_grown_mib": _mib(max(self.rss_bytes["stalled"]) - before),
            "most_unsent_mib": _mib(self.most_unsent_bytes),
            **{key: self.totals[key] for key in ("behind", "caught_up", "resumed", "closes")},
        }

    def faults(self) -> list[str]:
        told = self.verdict()
        found = list(self.totals["faults"])
        if told["ratio"] > MOST_RATIO:
            found.append(f"the others' p99 grew {told['ratio']} times")
        if told["rss_grown_mib"] > _mib(MOST_RSS_BYTES):
            found.append(f"memory grew by {told['rss_grown_mib']} MiB")
        if not told["behind"] or not told["resumed"]:
            found.append("nobody was behind, or nobody came back: the stalls were too short to show anything")
        return found + [str(line) for line in self._node.faults()]

    async def _announce(self, seconds: float, phase: str) -> None:
        """Let events happen for so long, and watch the node meanwhile."""
        watching = asyncio.create_task(self._watch(self.rss_bytes.setdefault(phase, [])))
        try:
            await self._events.announce(seconds=seconds, per_second=self._rate)
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _all_have(self) -> None:
        await self._crowd.all_have(self._events.announced, self._events.head)

    async def _watch(self, rss_bytes: list[int]) -> None:
        while True:
            rss_bytes.append(self._node.rss_bytes())
            unsent = await self._node.value("studyspot_fanout_unsent_bytes")
            self.most_unsent_bytes = max(self.most_unsent_bytes, unsent)
            await asyncio.sleep(_LOOK_SECONDS)


async def campaign(
    minutes: float, *, sockets: int, stalled: int, rate: float
) -> tuple[dict[str, Any], list[str]]:
    """Run it, and return what was measured and what was wrong."""
    with temporary_home() as home, TemporaryDirectory() as files:
        server = NatsServer(home)
        server.engine.start()
        try:
            async with log_at(server.urls.admin) as log:
                events = Events(log)
                # A window that is full already grows no more.
                await events.at_once(announcements=WINDOW_EVENTS, seats=SEATS_IN_WINDOW)
                async with (
                    fanout_process(server.urls.fanout, Path(files)) as node,
                    crowd_of(sockets, stalled=stalled, port=node.port) as crowd,
                ):
                    run = Campaign(node, events, crowd, rate=rate)
                    await run.warm_up()
                    a_pair = QUIET_SECONDS + sum(STALL_SECONDS) / len(STALL_SECONDS)
                    for number in range(max(2, round(minutes * 60 / a_pair))):
                        await run.quiet_round()
                        await run.stalled_round(STALL_SECONDS[number % len(STALL_SECONDS)])
                    return run.verdict(), run.faults()
        finally:
            server.engine.stop()


def main(
    minutes: float = typer.Option(5, help="How long, more or less."),
    sockets: int = typer.Option(2000, help="All of them."),
    stalled: int = typer.Option(100, help="Those that stop reading."),
    rate: float = typer.Option(20, help="Events a second; everyone gets each."),
) -> None:
    """Let readers stall, and fail where anybody else notices or anything is lost."""
    keep_temporary_files_in_memory()
    told, wrong = asyncio.run(campaign(minutes, sockets=sockets, stalled=stalled, rate=rate))
    for name, value in told.items():
        typer.echo(f"{name}: {value}")
    for fault in wrong:
        typer.echo(fault, err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo("Nobody else noticed, and nothing was lost.")


def _p99(rounds: list[dict[str, Any]]) -> float:
    each: list[float] = [one["p99_ms"] for one in rounds]
    return median(each)


def _mib(size: float) -> float:
    return round(size / 2**20, 1)


if __name__ == "__main__":
    typer.run(main)
