"""Versions of an event: the shape of its data in each, and how one becomes the next."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from studyspot.domain.shape import Shape

Old = TypeVar("Old", bound=Shape)
New = TypeVar("New", bound=Shape)


@dataclass(frozen=True, slots=True)
class Upcast(Generic[Old, New]):
    """One step up: `convert` makes the next version of an earlier one.

    It is pure and total, looks nothing up, and keeps ids and interval: an event's tags and subject stay those
    under which it was appended. A value that has no meaning in the new shape is a ValueError; then the event
    is as unreadable as damaged data.
    """

    old: type[Old]
    new: type[New]
    convert: Callable[[Old], New]


@dataclass(frozen=True, slots=True)
class Version:
    """Version `number` of an event, counted from 1.

    `adapter` validates, dumps and describes its data; `to_next` is none in the newest.
    """

    event_type: str
    number: int
    shape: type[Any]
    adapter: TypeAdapter[Any]
    to_next: Callable[[Any], Any] | None = None

    @property
    def is_newest(self) -> bool:
        return self.to_next is None
