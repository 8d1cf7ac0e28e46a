"""Where the token comes from."""

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

TokenSource = str | Callable[[], Awaitable[str]]
"""A token, or what gives one that is valid now whenever it is asked."""


@runtime_checkable
class Renewable(Protocol):
    """A source that can be told that what it gave is worth nothing any more, whatever its time says."""

    def refused(self, token: str) -> None:
        """The server does not take this token: give another one from now on."""


async def current(source: TokenSource) -> str:
    """Return the token to send now."""
    return source if isinstance(source, str) else await source()


def tell_refused(source: TokenSource, token: str) -> bool:
    """Tell the source that the server does not take its token; say whether it may give another."""
    if not isinstance(source, Renewable):
        return False
    source.refused(token)
    return True
