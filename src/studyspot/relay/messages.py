"""Stored events as messages of the stream."""

from collections.abc import Iterable

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import UnreadableMessage, to_message
from studyspot.event_store.types import StoredEvent


def messages_of(events: Iterable[StoredEvent]) -> tuple[list[StreamMessage], UnreadableMessage | None]:
    """Return the messages of `events` up to the first that has none, and what is wrong with that one."""
    messages: list[StreamMessage] = []
    try:
        for event in events:
            messages.append(message_of(event))  # noqa: PERF401  # What came before an error is kept.
    except UnreadableMessage as error:
        return messages, error
    return messages, None


def message_of(event: StoredEvent) -> StreamMessage:
    """Return the message that carries a stored event, at its position.

    Raises:
        UnreadableMessage: what is stored is no event.
    """
    message = to_message(event.position, event.epoch, event.type, event.data)
    return StreamMessage(event.position, message.subject, message.body)
