"""A relay as a process of its own, for tests that kill it: `python -m tests.relay.process DATABASE NATS`."""

import sys

import uvloop

from studyspot.broker.connection import connect
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.relay.relay import Relay


async def main(database_url: str, nats_url: str) -> None:
    with EventStore(database_url) as store:
        nc = await connect(nats_url, name="relay")
        async with HeadSignal(database_url) as signal:
            await Relay(store, nc, signal).run()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
