"""`studyspot events tail`."""

import asyncio

import orjson

from studyspot.broker.connection import connect
from studyspot.broker.consumer import WatchedConsumer
from studyspot.broker.stream import SUBJECTS, StreamMessage, stream_state
from studyspot.broker.subjects import ANY_REST, covers
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, nats_url
from studyspot.console.output import print_json

_ANSWER_SECONDS = 5
_LARGEST_POSITION = 2**63 - 1


def tail(subject: str, since: int | None, as_json: bool) -> None:
    """Print events as they come, until interrupted.

    Raises:
        Fault: the subject or the position cannot be.
    """
    if not _is_subject(subject):
        raise Fault(f"{subject!r} is no subject of events.", "Use one like 'studyspot.booking.>'.")
    if since is not None and since > _LARGEST_POSITION:
        raise Fault(f"{since} is no position.", f"Use one up to {_LARGEST_POSITION}.")
    asyncio.run(_tail(nats_url(begin()), subject, since, as_json))


def _is_subject(text: str) -> bool:
    tokens = text.split(".")
    return (
        all(tokens)
        and text.isprintable()
        and " " not in text
        and ANY_REST not in tokens[:-1]
        and any(covers(subject, text) for subject in SUBJECTS)
    )


async def _tail(url: str, subject: str, since: int | None, as_json: bool) -> None:
    connection = await connect(url, name="studyspot-tail")
    try:
        state = await stream_state(connection.jetstream(timeout=_ANSWER_SECONDS))
        if state is None:
            raise Fault("There is no stream yet.", "Start the relay, or run `studyspot migrate`.")
        subjects = () if subject in SUBJECTS else (subject,)
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
