"""Passwords: hashed with argon2id, away from the event loop, a few at a time.

A hash takes some 50 ms and 19 MiB. A storm of sign-ins waits for its turn in a queue with an end, and whoever
books a seat meanwhile does not notice.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

FEWEST_CHARACTERS = 10
MOST_BYTES = 200
_WAITING = 100
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The least that OWASP's cheat sheet on password storage asks of argon2id."""
_OF_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$Z216ajUWQsyv3M4qNkQbFA$+red2FiizEJkB5wDPX0wvHVUoQHlpmnLJ/wzz0MTWv4"
)

Result = TypeVar("Result")


class PasswordUnfit(ValueError):
    """Nobody may have such a password; the message says why."""


class TooManySignIns(Exception):
    """So many passwords wait to be looked at that one more would wait too long."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the password is right, and its new hash where the old one is of weaker parameters."""

    right: bool
    rehashed: str | None = None


def normalised(password: str) -> str:
    """Return the password as it is hashed: NFKC, as keyboards and systems write the same text differently.

    Raises:
        PasswordUnfit: it is too short or too long, or no text.
    """
    text = unicodedata.normalize("NFKC", password)
    if "\0" in text:
        raise PasswordUnfit("a password has no NUL character")
    if len(text) < FEWEST_CHARACTERS:
        raise PasswordUnfit(f"a password has at least {FEWEST_CHARACTERS} characters")
    # JSON can spell halves of characters, which no encoding carries.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PasswordUnfit("a password has whole characters")
    if len(text.encode()) > MOST_BYTES:
        raise PasswordUnfit(f"a password has at most {MOST_BYTES} bytes")
    return text


class Passwords:
    """Makes hashes and compares with them; whoever made it closes it."""

    def __init__(self, *, at_once: int | None = None, waiting: int = _WAITING) -> None:
        """`at_once` is how many are computed at a time: half of the processors, unless it is said."""
        workers = at_once or max(1, (os.cpu_count() or 1) // 2)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._places = workers + waiting

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return the hash of a password.

        Raises:
            PasswordUnfit: nobody may have it.
            TooManySignIns: too many wait.
        """
        text = normalised(password)
        return await self._computed(lambda: _HASHER.hash(text))

    async def verify(self, password: str, known: str | None) -> Verified:
        """Say whether this is the password of that hash; without one, take as long to say that it is not.

        Raises:
            TooManySignIns: too many wait.
        """
        try:
            text = normalised(password)
        except PasswordUnfit:
            # Nobody has it, and that is found out no sooner.
            text, known = "", None
        return await self._computed(lambda: _compared(text, known))

    async def _computed(self, compute: Callable[[], Result]) -> Result:
        if self._places <= 0:
            raise TooManySignIns
        self._places -= 1
        computing = asyncio.get_running_loop().run_in_executor(self._pool, compute)
        computing.add_done_callback(self._free_place)
        # Who no longer waits leaves the computation where it is, and it keeps its place until it is over.
        return await asyncio.shield(computing)

    def _free_place(self, computed: asyncio.Future[Result]) -> None:
        self._places += 1
        if not computed.cancelled():
            computed.exception()  # Whoever waits is told; where nobody does, there is nobody to tell.


def _compared(text: str, known: str | None) -> Verified:
    try:
        _HASHER.verify(known or _OF_NOBODY, text)
    except (VerificationError, InvalidHashError):
        return Verified(False)
    if known is None:
        return Verified(False)
    return Verified(True, _HASHER.hash(text) if _HASHER.check_needs_rehash(known) else None)
