"""Where the token comes from."""

from collections.abc import Awaitable, Callable

TokenSource = str | Callable[[], Awaitable[str]]
"""A token, or what gives one that is valid now whenever it is asked."""


async def current(source: TokenSource) -> str:
    """Return the token to send now."""
    return source if isinstance(source, str) else await source()
