"""How often somebody may ask: each person by their token, and each address for requests without a good one.

Counts are one process's own: an installation of several API processes allows as many times as much.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import AddressValueError, IPv6Address

from starlette.types import ASGIApp, Receive, Scope, Send

from studyspot.access.tokens import TokenRefused
from studyspot.wire.bearer import token_in
from studyspot.wire.errors import response
from studyspot.wire.problems import RATE_LIMITED, Problem

_REMEMBERED = 100_000
_NETWORK_BITS = 64
"""Of an IPv6 address: what one subscriber may choose from freely is counted as one."""
_UNLIMITED = ("/api/health", "/api/ready")
_OTHERWISE_LIMITED = "/api/auth/"
"""Signing in has limits of its own, by account and address."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests at once, and so many a second from then on."""

    burst: int = 100
    per_second: float = 50.0


class Allowances:
    """What each one may still ask for.

    The generic cell rate algorithm: one number each, the moment at which all is made up for again. A library
    would count in windows, which forget in steps, and keep what it counts without a bound.
    """

    def __init__(
        self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED
    ) -> None:
        self._clock = clock
        self._remembered = remembered
        self._interval = 1 / rate.per_second
        # Half an interval more than exact, so that rounding never takes one of the burst.
        self._tolerance = (rate.burst - 0.5) * self._interval
        self._made_up_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._made_up_at)

    def take(self, who: str) -> timedelta | None:
        """Count one request; return nothing where it is allowed, else how long to wait for the next."""
        now = self._clock()
        due = max(now, self._made_up_at.get(who, now))
        if due - now > self._tolerance:
            return timedelta(seconds=due - now - self._tolerance)
        self._made_up_at[who] = due + self._interval
        self._made_up_at.move_to_end(who)
        if len(self._made_up_at) > self._remembered:
            # Whoever asked least recently; most likely all is made up for.
            self._made_up_at.popitem(last=False)
        return None


class RateLimit:
    """Answers 429 to whoever asks too often, before anything else is done for them."""

    def __init__(self, app: ASGIApp, rate: Rate) -> None:
        self._app = app
        self._allowances = Allowances(rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_limited(scope["path"]):
            wait = self._allowances.take(_who(scope))
            if wait is not None:
                problem = Problem(RATE_LIMITED, "These are too many requests. Ask more slowly.", wait)
                await response(problem, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_limited(path: str) -> bool:
    return path not in _UNLIMITED and not path.startswith(_OTHERWISE_LIMITED)


def _who(scope: Scope) -> str:
    """Return the person whom a good token names, else the address.

    Only a token that is verified names anybody: else one could spend what others may ask for.
    """
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = token_in(value.decode("latin-1"))
            state = scope["app"].state
            try:
                return f"user:{state.verifier.verify(token or '', state.clock()).user_id}"
            except TokenRefused:
                break
    client = scope["client"]
    return f"address:{_network(client[0]) if client else ''}"


def _network(host: str) -> str:
    if ":" not in host:
        return host
    try:
        return str(int(IPv6Address(host.partition("%")[0])) >> (128 - _NETWORK_BITS))
    except AddressValueError:
        return host
