"""The event types, derived from the union: `BookingCheckedIn` is stored as `booking.checked-in`.

The stored type has no version; its versions are counted from the upcasts that lead to the event's class.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter

from studyspot.catalogue.upcasts import UPCASTS
from studyspot.catalogue.versions import Upcast, Version
from studyspot.domain.events import Event

_WORD = re.compile(r"[A-Z][a-z0-9]*")


class UnknownEvent(ValueError):
    """An event that this release does not know. A newer one may have written it: nothing is wrong with it."""


class UnknownEventType(UnknownEvent):
    """An event of a type that this release does not know."""


class UnknownEventVersion(UnknownEvent):
    """An event of a version beyond the newest that this release knows."""

    def __init__(self, event_type: str, version: int, newest: int) -> None:
        # All of its arguments: so it can be sent from one process to another.
        super().__init__(event_type, version, newest)
        self.event_type = event_type
        self.version = version
        self.newest = newest

    def __str__(self) -> str:
        return f"{self.event_type} in version {self.version}; this release knows up to version {self.newest}"


class Vocabulary:
    """Event classes with their types, and the versions in which each may be met."""

    def __init__(
        self, event_classes: Sequence[type[Event]], upcasts: Sequence[Upcast[Any, Any]] = ()
    ) -> None:
        """Derive types and versions.

        Raises:
            ValueError: an upcast leads to no event, or an earlier class is not named by its version.
        """
        self.event_classes = tuple(event_classes)
        self._types = {event_class: _derived(event_class) for event_class in self.event_classes}
        steps = {step.new: step for step in upcasts}
        self._versions = {
            event_type: _history(event_type, event_class, steps)
            for event_class, event_type in self._types.items()
        }
        known = {version.shape for version in self.versions()}
        if lost := [step.old.__name__ for step in upcasts if step.old not in known]:
            raise ValueError(f"no event comes of {', '.join(lost)}: a step is missing, or one too many")

    def type_of(self, event_class: type[Event]) -> str:
        """Return the stored type, without version: the entity, a dot, and what happened to it."""
        return self._types[event_class]

    def class_of(self, event_type: str) -> type[Event]:
        """Return the class of a stored type.

        Raises:
            UnknownEventType: the vocabulary has no such type.
        """
        event_class: type[Event] = self._history(event_type)[-1].shape
        return event_class

    def newest(self, event_class: type[Event]) -> Version:
        """Return the version that is written, and read by everyone."""
        return self._versions[self._types[event_class]][-1]

    def versions(self) -> Iterator[Version]:
        """Yield every version of every event; those of one event together, oldest first."""
        for history in self._versions.values():
            yield from history

    def version(self, event_type: str, number: int) -> Version:
        """Return one version of an event; they count from 1.

        Raises:
            UnknownEventType: the vocabulary has no such type.
            UnknownEventVersion: it has, and not yet in this version.
        """
        history = self._history(event_type)
        if number > len(history):
            raise UnknownEventVersion(event_type, number, len(history))
        return history[number - 1]

    def read(self, written: Version, facts: Mapping[str, Any]) -> Event:
        """Return the event of data as they were written, in its newest version.

        Raises:
            ValueError: the data are not of that version, or mean nothing in a later one.
        """
        event = written.adapter.validate_python(facts)
        for version in self._versions[written.event_type][written.number - 1 : -1]:
            assert version.to_next is not None, "only the newest has no next"
            event = version.to_next(event)
        newest: Event = event
        return newest

    def _history(self, event_type: str) -> tuple[Version, ...]:
        try:
            return self._versions[event_type]
        except KeyError:
            raise UnknownEventType(event_type) from None


def _derived(event_class: type[Event]) -> str:
    entity, *happened = (word.lower() for word in _WORD.findall(event_class.__name__))
    return f"{entity}.{'-'.join(happened)}"


def _history(
    event_type: str, event_class: type[Event], steps: Mapping[type[Any], Upcast[Any, Any]]
) -> tuple[Version, ...]:
    """Return the versions from the first to this class, found by going back step by step."""
    back: list[Upcast[Any, Any]] = []
    shape: type[Any] = event_class
    while shape in steps:
        back.append(steps[shape])
        shape = steps[shape].old
    earlier = [
        Version(event_type, number, step.old, TypeAdapter(step.old), step.convert)
        for number, step in enumerate(reversed(back), 1)
    ]
    for version in earlier:
        if version.shape.__name__ != (name := f"{event_class.__name__}V{version.number}"):
            raise ValueError(
                f"{version.shape.__name__} is version {version.number} of {event_type}: call it {name},"
                " or add the step that leads to it"
            )
    return (*earlier, Version(event_type, len(earlier) + 1, event_class, TypeAdapter(event_class)))


VOCABULARY = Vocabulary(get_args(Event), UPCASTS)
"""The product's own."""

EVENT_CLASSES = VOCABULARY.event_classes
type_of = VOCABULARY.type_of
class_of = VOCABULARY.class_of
