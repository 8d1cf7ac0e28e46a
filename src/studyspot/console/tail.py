"""`studyspot events tail`."""

import asyncio

import orjson

from studyspot.broker.connection import connect
from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.stream import StreamMessage, stream_state
from studyspot.console.faults import Fault
from studyspot.console.installation import nats_url
from studyspot.console.output import print_json
from studyspot.settings import Settings

_ANSWER_SECONDS = 5


def tail(subject: str, since: int | None, as_json: bool) -> None:
    """Print events as they come, until interrupted."""
    asyncio.run(_tail(nats_url(Settings()), subject, since, as_json))


async def _tail(url: str, subject: str, since: int | None, as_json: bool) -> None:
    connection = await connect(url, name="studyspot-tail")
    try:
        state = await stream_state(connection.jetstream(timeout=_ANSWER_SECONDS))
        if state is None:
            raise Fault("There is no stream yet.", "Start the relay, or run `studyspot migrate`.")
        subjects = () if subject == "studyspot.>" else (subject,)
        after = state.last_position if since is None else max(since, state.first_position - 1)
        async with WatchedConsumer(connection, after=after, subjects=subjects) as consumer:
            async for batch in consumer:
                for message in batch:
                    _print(message, as_json)
    finally:
        await connection.close()


def _print(message: StreamMessage, as_json: bool) -> None:
    event = orjson.loads(message.body)
    if as_json:
        print_json(event)
        return
    facts = " ".join(f"{name}={value}" for name, value in event["data"].items() if value is not None)
    line = f"{message.position:>8}  {event['time']}  {message.subject}  {facts}"
    print(line, flush=True)  # noqa: T201 - this is what the command is for
