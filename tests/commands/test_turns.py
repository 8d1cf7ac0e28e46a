"""Turns: one at a time at what has a name."""

import asyncio

import pytest

from studyspot.commands.turns import Turns


async def test_turns_come_in_the_order_of_asking_and_others_do_not_wait() -> None:
    turns, had = Turns(), []
    first_may_end = asyncio.Event()

    async def has_turn(name: str, who: int) -> None:
        async with turns.at(name):
            had.append(who)
            if who == 0:
                await first_may_end.wait()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        at_one = [tasks.create_task(has_turn("L1", who)) for who in range(3)]
        await tasks.create_task(has_turn("L2", 9))
        assert had == [0, 9]
        assert not any(task.done() for task in at_one)
        first_may_end.set()
    assert had == [0, 9, 1, 2]


async def test_a_turn_that_fails_is_over() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="failed"):
        async with turns.at("L1"):
            raise ValueError("failed")
    async with asyncio.timeout(30), turns.at("L1"):
        pass
