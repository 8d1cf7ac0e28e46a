"""The event types, derived from the union: `BookingCheckedIn` is stored as `booking.checked-in`."""

import re
from typing import get_args

from studyspot.domain.events import Event

EVENT_CLASSES: tuple[type[Event], ...] = get_args(Event)

_WORD = re.compile(r"[A-Z][a-z0-9]*")


def type_of(event_class: type[Event]) -> str:
    """Return the stored type, without version: the entity, a dot, and what happened to it."""
    return _TYPES[event_class]


def class_of(event_type: str) -> type[Event]:
    """Return the class of a stored type.

    Raises:
        UnknownEventType: the vocabulary has no such type.
    """
    try:
        return _CLASSES[event_type]
    except KeyError:
        raise UnknownEventType(event_type) from None


class UnknownEventType(ValueError):
    """An event of a type that this release does not know."""


def _derived(event_class: type[Event]) -> str:
    entity, *happened = (word.lower() for word in _WORD.findall(event_class.__name__))
    return f"{entity}.{'-'.join(happened)}"


_TYPES = {event_class: _derived(event_class) for event_class in EVENT_CLASSES}
_CLASSES = {name: event_class for event_class, name in _TYPES.items()}
