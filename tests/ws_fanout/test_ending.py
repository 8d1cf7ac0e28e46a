"""Tasks end, even one that loses the first word of it."""

import asyncio
from contextlib import suppress

from studyspot.ws_fanout.ending import end_tasks


async def test_a_task_that_loses_its_first_cancellation_ends_all_the_same() -> None:
    async def deaf_at_first() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def obedient() -> None:
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(deaf_at_first()), asyncio.create_task(obedient())]
    await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await end_tasks(tasks)

    assert all(task.cancelled() for task in tasks)
