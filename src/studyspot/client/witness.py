"""Someone who takes down all that a client sends and is told."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Witness(Protocol):
    """Called as things happen; what it is given must not be changed."""

    def answered(
        self,
        method: str,
        path: str,
        key: str | None,
        request: Any,
        status: int | None,
        body: Any,
        position: int | None,
        after: int = 0,
    ) -> None:
        """One attempt over HTTP; without a status, no answer came.

        `after` is a position that the log had reached when the request was sent.
        """

    def opened(self) -> None:
        """A connection has been opened."""

    def sent(self, frame: Mapping[str, Any]) -> None:
        """A frame goes out; its token is in it."""

    def received(self, frame: Mapping[str, Any]) -> None:
        """A frame came in."""

    def closed(self, code: int) -> None:
        """The connection ended."""

    def delivered(self, position: int, rooms: Sequence[str], fields: frozenset[str]) -> None:
        """An event goes to the application."""


class NoWitness:
    """Takes down nothing."""

    def answered(
        self,
        method: str,
        path: str,
        key: str | None,
        request: Any,
        status: int | None,
        body: Any,
        position: int | None,
        after: int = 0,
    ) -> None: ...

    def opened(self) -> None: ...

    def sent(self, frame: Mapping[str, Any]) -> None: ...

    def received(self, frame: Mapping[str, Any]) -> None: ...

    def closed(self, code: int) -> None: ...

    def delivered(self, position: int, rooms: Sequence[str], fields: frozenset[str]) -> None: ...
