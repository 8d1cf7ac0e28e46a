"""Ending tasks, also those that do not hear it at first."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

CANCEL_AGAIN_AFTER = timedelta(milliseconds=200)


async def end_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until all are done.

    Once is not enough: `asyncio.wait_for` of Python 3.11, through which the NATS client waits, loses a
    cancellation that comes together with its result.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_AFTER.total_seconds())
