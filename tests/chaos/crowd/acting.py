"""One command that is given, or a few that belong together."""

from collections.abc import Awaitable, Callable

Act = Callable[[], Awaitable[object]]
"""It does nothing where there is nothing to do it with, and raises what the client raises."""
