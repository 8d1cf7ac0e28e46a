"""A seat with a long line, freed again and again: offers in order, one at a time, whoever is killed."""

import random
from functools import partial

from studyspot.domain.events import HoldPlaced, HoldReleased, WaitlistOffered, WaitlistOfferLapsed
from tests.policies.happenings import became, opened, seat, waits
from tests.policies.system import DAY_BEFORE, Log, child, until

LINE = 20
FREED = 5


def made(log: Log) -> list[WaitlistOffered]:
    events = (recorded.event for recorded in log.recorded())
    return [event for event in events if isinstance(event, WaitlistOffered)]


def offers(log: Log) -> list[str]:
    return [offered.entry_id for offered in made(log)]


def a_line(log: Log) -> None:
    log.append(opened(), seat())
    log.append_by((waits(f"W{number}"), f"u-W{number}") for number in range(LINE))


def let_go(log: Log) -> None:
    """Let the newest offer go, as its student may."""
    *_, held = (recorded.event for recorded in log.recorded() if isinstance(recorded.event, HoldPlaced))
    offered = made(log)[-1]
    ended = WaitlistOfferLapsed(
        **offered.facts(), status="lapsed", hold_id=offered.hold_id, seat_id=offered.seat_id
    )
    log.append(became(HoldReleased, held), ended, actor=offered.user_id)


def is_offered(log: Log, times: int) -> bool:
    return len(offers(log)) >= times


def in_order_once(log: Log, times: int) -> None:
    """Fail unless the first in line were offered the seat, one after the other, and nobody else."""
    assert offers(log) == [f"W{number}" for number in range(times)]
    standing = 0
    for recorded in log.recorded():
        standing += isinstance(recorded.event, WaitlistOffered)
        standing -= isinstance(recorded.event, WaitlistOfferLapsed)
        assert standing <= 1


async def test_killed_at_any_moment_no_offer_is_lost_or_made_twice(log: Log) -> None:
    chance = random.Random(1)
    log.clock.at = DAY_BEFORE
    a_line(log)
    for freed in range(FREED):
        # Killed before it knows, while it offers, or just after; a process takes a while to start.
        if freed % 2 == 0:
            async with child(log):
                if chance.random() < 0.7:
                    await until(partial(is_offered, log, freed + 1))
        await log.settle()
        assert is_offered(log, freed + 1)
        let_go(log)
    await log.settle()
    in_order_once(log, FREED + 1)


async def test_two_processes_offer_in_order_and_once(log: Log) -> None:
    a_line(log)
    async with log.policies(processes=2):
        for freed in range(FREED):
            await until(partial(is_offered, log, freed + 1))
            let_go(log)
        await until(partial(is_offered, log, FREED + 1))
        await until(log.is_settled)
    in_order_once(log, FREED + 1)
