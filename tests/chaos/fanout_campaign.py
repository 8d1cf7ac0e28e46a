"""Hundreds of clients whose rights change, while processes die: each sees what is its own.

python -m tests.chaos.fanout_campaign --seconds 300 --seed 1 --clients 300 --second cramped

Each client's log is the log filtered by its rights: the judge says so by what each of them was told, frame by
frame, and by the log. A seed repeats all that is left to chance; what runs at once may come in another order.
"""

import argparse
import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle

import httpx
import structlog

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.sources import read_log, read_stream
from studyspot.client.api import Api
from studyspot.client.clock import FullJitter, SystemClock
from studyspot.client.queries import Queries
from studyspot.client.witness import NoWitness
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from tests.chaos.crowd.cries import Cries
from tests.chaos.crowd.ending import agree_on_people, all_have_heard, maps_differ, without_policies
from tests.chaos.crowd.findings import first_difference
from tests.chaos.crowd.followers import Follower, following
from tests.chaos.crowd.incidents import Incidents
from tests.chaos.crowd.nodes import CRAMPED, KINDS, Kind, SecondNode, a_second_node
from tests.chaos.crowd.people import Mint, Person
from tests.chaos.crowd.people_acts import PeopleActs
from tests.chaos.crowd.picking import Pick
from tests.chaos.crowd.script import Script, everything
from tests.chaos.crowd.town import Town, build
from tests.chaos.crowd.visitor import Visitor
from tests.chaos.crowd.whims import Whims

LIBRARIES = 50
_FOLLOWERS = 10
_PLAYERS = 8
_COMMAND_EVERY = timedelta(milliseconds=200)
_RIGHTS_EVERY = timedelta(milliseconds=400)
_CRY_EVERY = timedelta(seconds=5)
_WHIM_EVERY = timedelta(seconds=4)
_INCIDENT_EVERY = timedelta(seconds=2.5)
_HAPPENS = (
    *("connected, live", "connected, replaying", "joined, live", "joined, replaying", "left"),
    *("granted", "revoked", "refreshed", "refused rooms", "dropped", "closed 4001", "closed 4503", "error"),
    *("behind", "conflating", "relay killed", "nats killed", "node killed"),
)
"""What a campaign is about: one in which any of it never happens proves nothing."""
_ALL_WITHIN = timedelta(seconds=150)
_LOOK_EVERY = timedelta(milliseconds=100)
_RETRY = timedelta(seconds=0.1), timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a campaign went: what happened how often, what died when, and what was wrong, the first in full."""

    counts: Counter[str]
    incidents: tuple[str, ...]
    judged: str
    faults: tuple[str, ...]


class Campaign:
    """One system, its people, and all that they do and suffer."""

    def __init__(self, system: TemporarySystem, node: SecondNode, http: httpx.AsyncClient, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._system = system
        self._node = node
        self._http = http
        self._seed = seed
        self._mint = Mint(system)
        self._calm = asyncio.Event()
        self._ended = asyncio.Event()
        self._reader = Queries(
            Api(
                http,
                None,
                clock=SystemClock(),
                jitter=FullJitter(*_RETRY, self._chance("reader")),
                patience=timedelta(seconds=5),
                witness=NoWitness(),
            ),
            read_own_writes=False,
        )

    async def run(self, clients: int, seconds: float) -> Outcome:
        """Let it all happen for so long, and judge it.

        Raises:
            TimeoutError: what was killed did not come back, or clients did not hear of the end.
        """
        chance = self._chance("town")
        town = await build(self._mint, self._http, chance, libraries=LIBRARIES, students=clients // 2)
        visitors = self._visitors(town, clients - _FOLLOWERS)
        incidents = Incidents(self._system, self._node, self._chance("incidents"), self.counts)
        scripts = [self._script(town, f"player {number}") for number in range(_PLAYERS)]
        of_people = PeopleActs(Pick(town, chance))
        rights = Script(of_people.of_rights, self._chance("rights"), self.counts)
        crier = Script({Cries(of_people, visitors).cry: 1}, self._chance("crier"), self.counts)
        whims = Whims(town, self._reader)
        readers = [
            (Person(f"reader-{number}", "student", self._mint), chance.choice(town.libraries).id)
            for number in range(_FOLLOWERS)
        ]
        async with (
            following(readers, self._system.api_url, self._urls, chance) as (followers, interval),
            asyncio.TaskGroup() as visiting,
        ):
            tasks = [visiting.create_task(visitor.run(self._ended)) for visitor in visitors]
            async with asyncio.TaskGroup() as acting:
                for visitor in visitors:
                    acting.create_task(whims.follow(visitor, every=_WHIM_EVERY, ended=self._ended))
                for script in scripts:
                    acting.create_task(script.play(every=_COMMAND_EVERY, ended=self._ended))
                acting.create_task(rights.play(every=_RIGHTS_EVERY, ended=self._ended))
                acting.create_task(crier.play(every=_CRY_EVERY, ended=self._ended))
                acting.create_task(incidents.run(every=_INCIDENT_EVERY, ended=self._calm))
                await asyncio.sleep(seconds)
                missing = await self._never_seen()
                self._calm.set()
                self._ended.set()
            with without_policies(self._system):
                await agree_on_people(town)
                faults = await maps_differ(town, followers, interval)
                await all_have_heard(town, visitors, followers)
                evidence = await self._evidence(town, visitors, followers)
                # The sockets are judged as they are now: open.
                verdict = judge(evidence)
            for task in tasks:
                task.cancel()
        if not verdict.judged["frames left out"]:
            missing.append("left out for a newer frame")
        faults += [f"never happened: {what}" for what in missing]
        faults += [complaint for script in (*scripts, rights, crier) for complaint in script.complaints]
        faults += [complaint for visitor in visitors for complaint in visitor.complaints]
        if not verdict.clean:
            faults += [str(verdict), *first_difference(verdict, evidence.sockets, tuple(evidence.records))]
        return Outcome(self.counts, tuple(incidents.story), str(verdict), tuple(faults))

    async def _never_seen(self) -> list[str]:
        """Wait until everything that a campaign is about has happened; return what has not, even then.

        A busy machine takes longer; so that it comes to it, nothing more dies than has to.
        """
        wanted = missing = [what for what in _HAPPENS if what not in self._node.kind.never]
        with suppress(TimeoutError):
            async with asyncio.timeout(_ALL_WITHIN.total_seconds()):
                while missing := [what for what in wanted if not self.counts[what]]:
                    if not any(what.endswith("killed") for what in missing):
                        self._calm.set()
                    await asyncio.sleep(_LOOK_EVERY.total_seconds())
        return missing

    @property
    def _urls(self) -> list[str]:
        return [self._system.fanout_url, self._node.url]

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")

    def _script(self, town: Town, name: str) -> Script:
        chance = self._chance(name)
        return Script(everything(Pick(town, chance)), chance, self.counts)

    def _visitors(self, town: Town, count: int) -> list[Visitor]:
        """Return so many sockets: everybody has one, and who has more is taken in turn."""
        people = [speaker.who for speaker in town.speakers]
        return [
            Visitor(person, number, self._urls, self._chance(f"visitor {number}"), self.counts)
            for number, person in zip(range(count), cycle(people), strict=False)
        ]

    async def _evidence(
        self, town: Town, visitors: Sequence[Visitor], followers: Sequence[Follower]
    ) -> Evidence:
        settings = self._system.settings
        return Evidence(
            records=await asyncio.to_thread(read_log, settings["database_url"]),
            messages=await read_stream(settings["nats_url"]),
            answers=[answer for speaker in town.speakers for answer in speaker.witness.answers],
            sockets=[
                *(visitor.witness.socket for visitor in visitors),
                *(follower.witness.socket for follower in followers),
            ],
        )


async def campaign(seconds: float, seed: int, clients: int, second: Kind = CRAMPED) -> Outcome:
    """Run a campaign on a system of its own, with a second node of this kind."""
    async with (
        temporary_system() as system,
        a_second_node(system, second) as node,
        httpx.AsyncClient(base_url=system.api_url, timeout=10) as http,
    ):
        try:
            return await Campaign(system, node, http, seed).run(clients, seconds)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


def main() -> None:
    parser = argparse.ArgumentParser(description="Let clients come, go and lose rights while processes die.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--second", choices=KINDS, default="cramped", help="the node beside the system's own")
    given = parser.parse_args()
    # What clients try again, they tell; here that is what happens all the time.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    outcome = asyncio.run(campaign(given.seconds, given.seed, given.clients, KINDS[given.second]))
    what = f"{given.clients} clients, {given.seconds:g} s, seed {given.seed}, {given.second}"
    counted = ", ".join(f"{count} {name}" for name, count in sorted(outcome.counts.items()))
    sys.stdout.write(f"{what}: {counted}\n{'; '.join(outcome.incidents)}\n")
    if outcome.faults:
        sys.exit("\n".join((f"seed {given.seed}", *outcome.faults)))
    sys.stdout.write(f"{outcome.judged}\n")


if __name__ == "__main__":
    main()
