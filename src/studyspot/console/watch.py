"""A read-out that is shown each second, until Ctrl-C: a live table for people, lines of JSON for programs."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from studyspot.console.output import print_json
from studyspot.event_store.errors import StoreUnavailable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

EVERY = timedelta(seconds=1)

Found = TypeVar("Found")

log = structlog.get_logger()


def watch(
    look: Callable[[], Found],
    as_table: Callable[[Found], "Table"],
    as_facts: Callable[[Found], Any],
    *,
    as_json: bool,
) -> None:
    """Look each second, and show what is found, until SIGINT or SIGTERM ends it, or nobody reads it.

    A database that goes away meanwhile is told, and waited for.

    Raises:
        StoreUnavailable: the database does not answer at the first look.
    """
    live = sys.stdout.isatty() and not as_json
    try:
        asyncio.run(_watch(look, as_facts, as_table if live else None))
    except BrokenPipeError:
        # Whoever read our output has enough of it; what is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _watch(
    look: Callable[[], Found], as_facts: Callable[[Found], Any], as_table: Callable[[Found], "Table"] | None
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    found = await asyncio.to_thread(look)
    with ExitStack() as stack:
        screen = stack.enter_context(_screen()) if as_table else None
        away = False
        while True:
            if screen is not None and as_table is not None:
                made = as_table(found)
                made.caption = "The database does not answer: this is what it said last." if away else None
                screen.update(made, refresh=True)
            elif not away:
                print_json(as_facts(found))
            if await _is_over(stopped):
                return
            try:
                found = await asyncio.to_thread(look)
                away = False
            except StoreUnavailable as error:
                if screen is None and not away:
                    log.warning("the database does not answer", reason=str(error).strip())
                away = True


def _screen() -> "Live":
    from rich.live import Live

    return Live(auto_refresh=False)


async def _is_over(stopped: asyncio.Event) -> bool:
    """Wait until it is time for another look, or for none."""
    try:
        async with asyncio.timeout(EVERY.total_seconds()):
            await stopped.wait()
    except TimeoutError:
        return False
    return True
