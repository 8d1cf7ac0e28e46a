"""What a process waits for when it starts: others may still be starting too."""

import asyncio
import time
from datetime import timedelta

import psycopg
import structlog
from nats.aio.client import Client

from studyspot.broker.connection import connect
from studyspot.console.faults import Fault
from studyspot.migrations.run import pending

log = structlog.get_logger()

WAIT_AT_START = timedelta(seconds=30)
_BETWEEN = timedelta(milliseconds=500)


def wait_for_database(url: str) -> None:
    """Return once the database answers and is migrated; both may still be under way when we start.

    Raises:
        Fault: it was neither within `WAIT_AT_START`.
    """
    deadline = time.monotonic() + WAIT_AT_START.total_seconds()
    told = False
    while True:
        try:
            if not pending(url):
                return
            fault = Fault("The database is not migrated.", "Run `studyspot migrate`.")
        except psycopg.OperationalError as error:
            first = str(error).strip().splitlines()[0]
            fault = Fault(
                f"The database does not answer: {first}.", "Start it, or check STUDYSPOT_DATABASE_URL."
            )
        if time.monotonic() > deadline:
            raise fault
        if not told:
            log.warning("waiting for the database", reason=str(fault))
            told = True
        time.sleep(_BETWEEN.total_seconds())


async def wait_for_nats(url: str, name: str) -> Client:
    """Return a connection to NATS, which may still be starting when we do.

    Raises:
        BrokerUnavailable: no server let us in within `WAIT_AT_START`.
    """
    async with asyncio.timeout(WAIT_AT_START.total_seconds() + 5):
        return await connect(url, name=name, limit=WAIT_AT_START)
