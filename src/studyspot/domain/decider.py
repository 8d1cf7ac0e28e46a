"""What a decision is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from studyspot.domain.events import Event

Command = TypeVar("Command")
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Criterion:
    """Events of `types` that carry `tag`.

    With `newest`, only the last of each type is read: these events carry a whole setting.
    """

    types: tuple[type[Event], ...]
    tag: str
    newest: bool = False


Boundary = tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Decider(Generic[Command, State]):
    """One command's rules, all of them pure.

    `initial()` makes a state that belongs to one fold, in which `evolve` may change it.
    `boundary(command, state)` names what the decision depends on, given what is known so far;
    it is asked again after each read until it names nothing new.
    `decide` returns the events, none when nothing changes, or raises a `Refusal`.
    """

    initial: Callable[[], State]
    evolve: Callable[[State, Event], State]
    boundary: Callable[[Command, State], Boundary]
    decide: Callable[[Command, State], tuple[Event, ...]]
