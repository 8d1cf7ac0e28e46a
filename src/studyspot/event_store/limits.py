"""What an append may hold, checked before it is queued beside the commands of others."""

from collections.abc import Sequence

from studyspot.event_store.errors import EventRejected
from studyspot.event_store.types import Criterion, IdempotencyKey, NewEvent

EVENT_LIMIT_BYTES = 256 * 1024
TAGS_PER_EVENT = 500
# A B-tree entry holds 2 704 bytes: a tag and a type, or an actor and a key, must fit together.
NAME_LIMIT_BYTES = 512
# Together they keep the largest append well within the writer's transaction timeout.
EVENTS_PER_APPEND = 1_000
TAGS_PER_APPEND = 20_000
CRITERIA_LIMIT = 5_000
APPEND_LIMIT_BYTES = 4 * 1024 * 1024


def checked(events: Sequence[NewEvent]) -> tuple[NewEvent, ...]:
    """Return `events` with repeated tags dropped, order kept.

    Raises:
        EventRejected: there is none, or one could not be stored or published.
    """
    if not events:
        raise EventRejected("an append holds at least one event")
    if len(events) > EVENTS_PER_APPEND:
        raise EventRejected(f"an append holds at most {EVENTS_PER_APPEND} events, not {len(events)}")
    accepted = tuple([_checked(event) for event in events])
    if len(accepted) == 1:
        return accepted
    if (tags := sum([len(event.tags) for event in accepted])) > TAGS_PER_APPEND:
        raise EventRejected(f"an append holds at most {TAGS_PER_APPEND} tags, not {tags}")
    if (size := sum([len(event.data) for event in accepted])) > APPEND_LIMIT_BYTES:
        raise EventRejected(f"an append holds at most {APPEND_LIMIT_BYTES} bytes, not {size}")
    return accepted


def check_criteria(criteria: Sequence[Criterion]) -> None:
    """Refuse criteria that the database could not look up.

    Raises:
        EventRejected: too many criteria, or text that no database takes.
    """
    if len(criteria) > CRITERIA_LIMIT:
        raise EventRejected(f"at most {CRITERIA_LIMIT} criteria are looked up at once, not {len(criteria)}")
    for criterion in criteria:
        _check_names("a criterion's type", criterion.types)
        _check_names("a criterion's tag", criterion.tags)


def check_key(key: IdempotencyKey) -> None:
    """Refuse an idempotency key that could not be stored.

    Raises:
        EventRejected: the actor or the key is too long, or text that no database takes.
    """
    _check_names("an idempotency key", (key.actor, key.key))


def _checked(event: NewEvent) -> NewEvent:
    if len(event.data) > EVENT_LIMIT_BYTES:
        raise EventRejected(f"an event holds at most {EVENT_LIMIT_BYTES} bytes, not {len(event.data)}")
    if not event.type:
        raise EventRejected("an event's type is empty")
    _check_names("an event's type", (event.type,))
    _check_names("an event's tag", event.tags)
    tags = tuple(dict.fromkeys(event.tags))
    if len(tags) > TAGS_PER_EVENT:
        raise EventRejected(f"an event has at most {TAGS_PER_EVENT} tags, not {len(tags)}")
    return event if len(tags) == len(event.tags) else NewEvent(event.type, event.data, tags)


def _check_names(what: str, names: Sequence[str]) -> None:
    text = "".join(names)
    if "\0" not in text and (len(text) <= NAME_LIMIT_BYTES and text.isascii()):
        return  # nearly always: one look at all of them
    for name in names:
        try:
            size = len(name.encode())
        except UnicodeEncodeError as error:
            raise EventRejected(f"{what} is not valid Unicode: {name!a}") from error
        if size > NAME_LIMIT_BYTES:
            raise EventRejected(f"{what} has at most {NAME_LIMIT_BYTES} bytes, not {size}")
        if "\0" in name:
            raise EventRejected(f"{what} contains NUL: {name!a}")
