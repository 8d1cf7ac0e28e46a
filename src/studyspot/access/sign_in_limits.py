"""How often somebody may try: guessing is slow, and nobody is kept out by what others do.

- Failures are counted for each pair of account and network address. So nobody elsewhere keeps an owner out.
  A browser that has signed in to the account before is counted by itself, so that nobody at the same address
  does either.
- Failures of one address, over all accounts, are counted generously, since a campus shares one. An account
  that has signed in from there before is not held to this.
- Failures are not counted for an account over all addresses: that would let anybody lock it. Successes are:
  only who has the password can have them, and each costs as much to look at as a failure.

An attempt counts as failed from its beginning, so that many at once are no way round; success takes it back.
Counts are this process's own, in bounded memory: the least recently touched are forgotten first.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
"""After so long without a failure, a pair begins anew."""
_REMEMBERED = 100_000


class TooManyAttempts(Exception):
    """Not now; `retry_after` says when."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"too many attempts, again in {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and one more each `refill`."""

    burst: int
    refill: timedelta


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to sign in to the account of `email`, from a network address.

    `device` is the browser's mark, where it has signed in to this account before; `known` says that it has,
    or that the account has come from this address before.
    """

    email: str
    address: str
    device: str | None = None
    known: bool = False

    @property
    def network(self) -> str:
        return network_of(self.address)

    @property
    def account(self) -> str:
        return self.email.lower()

    @property
    def pair(self) -> tuple[str, str]:
        return self.account, self.device or self.network


FAILURES_OF_AN_ADDRESS = Allowance(100, timedelta(seconds=6))
REGISTRATIONS_OF_AN_ADDRESS = Allowance(60, timedelta(seconds=20))
SUCCESSES_OF_AN_ACCOUNT = Allowance(30, timedelta(seconds=10))


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime
    until: datetime


class SignInLimits:
    """Counts attempts to sign in and to register; not to be shared between threads."""

    def __init__(
        self,
        *,
        failures: Allowance = FAILURES_OF_AN_ADDRESS,
        registrations: Allowance = REGISTRATIONS_OF_AN_ADDRESS,
        successes: Allowance = SUCCESSES_OF_AN_ACCOUNT,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._pairs: _Remembered[tuple[str, str], _Failures] = _Remembered(remembered)
        self._failing = _Buckets(failures, remembered)
        self._registering = _Buckets(registrations, remembered)
        self._succeeding = _Buckets(successes, remembered)

    def __len__(self) -> int:
        """Return how many counts are kept."""
        buckets = (self._failing, self._registering, self._succeeding)
        return len(self._pairs) + sum(map(len, buckets))

    def begin(self, attempt: Attempt, now: datetime) -> None:
        """Take note of an attempt to sign in.

        Raises:
            TooManyAttempts: it is not to be looked at.
        """
        failures = self._pairs.get(attempt.pair)
        if failures is None or now - failures.last > FORGOTTEN_AFTER:
            failures = _Failures(0, now, now)
        if now < failures.until:
            raise TooManyAttempts(failures.until - now)
        self._succeeding.require(attempt.account, now)
        if not attempt.known:
            self._failing.take(attempt.network, now)
        failures.count += 1
        failures.last = now
        doubled = failures.count - FREE_FAILURES
        if doubled >= 0:
            failures.until = now + min(FIRST_WAIT * 2 ** min(doubled, 10), LONGEST_WAIT)
        self._pairs.keep(attempt.pair, failures)

    def succeeded(self, attempt: Attempt, now: datetime) -> None:
        """Take an attempt back, with all that failed before it; count that the account was signed in to."""
        self._pairs.pop(attempt.pair, None)
        self._succeeding.spend(attempt.account, now)
        if not attempt.known:
            self._failing.give_back(attempt.network, now)

    def undecided(self, attempt: Attempt, now: datetime) -> None:
        """Take an attempt back that was found neither right nor wrong, as the database was away."""
        failures = self._pairs.get(attempt.pair)
        if failures is not None:
            failures.count -= 1
            failures.until = now
        if not attempt.known:
            self._failing.give_back(attempt.network, now)

    def registration(self, address: str, now: datetime) -> None:
        """Take note of an attempt to register.

        Raises:
            TooManyAttempts: there were very many from this address.
        """
        self._registering.take(network_of(address), now)


class _Remembered(OrderedDict[Key, Value]):
    """So many values by their keys: the least recently kept is forgotten first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: Key, value: Value) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class _Buckets:
    """An allowance for each key: a bucket that is refilled in time."""

    def __init__(self, allowance: Allowance, remembered: int) -> None:
        self._allowance = allowance
        # When a bucket will be full again says how much is in it.
        self._full_at: _Remembered[str, datetime] = _Remembered(remembered)

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: datetime) -> None:
        """Take one out.

        Raises:
            TooManyAttempts: it is empty.
        """
        self.require(key, now)
        self.spend(key, now)

    def require(self, key: str, now: datetime) -> None:
        """Leave what is in it.

        Raises:
            TooManyAttempts: it is empty.
        """
        too_late = self._without_one(key, now) - now - self._allowance.burst * self._allowance.refill
        if too_late > timedelta(0):
            raise TooManyAttempts(too_late)

    def spend(self, key: str, now: datetime) -> None:
        """Take one out, be it one that is still to come in."""
        self._full_at.keep(key, self._without_one(key, now))

    def _without_one(self, key: str, now: datetime) -> datetime:
        """Return when the bucket would be full again, had it one less."""
        return max(self._full_at.get(key, now), now) + self._allowance.refill

    def give_back(self, key: str, now: datetime) -> None:
        """Put one back in."""
        if key in self._full_at:
            self._full_at[key] = max(self._full_at[key] - self._allowance.refill, now)


def network_of(address: str) -> str:
    """Return what an address is counted as: with IPv6, a household has 2⁶⁴ of them."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))
