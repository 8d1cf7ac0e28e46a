"""Fifty libraries and everybody who has to do with them: what the visitors see, and the commands change."""

import asyncio
import random
from dataclasses import dataclass, field

import httpx

from studyspot.client.signing_in import SignedIn
from studyspot.domain.people import Role
from studyspot.wire.bodies import NewSeatBody
from tests.chaos.crowd.people import Mint, Person, Speaker

_SEATS = 8
_OWNERS, _WORKERS, _ACCOUNTS, _ADMINS = 25, 40, 12, 2
_PASSWORD = "correct horse battery staple"
_AT_ONCE = 8


@dataclass(slots=True)
class Library:
    """A library; `invited` holds who was invited, with their invitation."""

    id: str
    owner: Speaker
    seats: list[str]
    staff: set[str] = field(default_factory=set)
    invited: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Booking:
    """A booking as it was answered; `begins` says whether one may check in now."""

    id: str
    library: Library
    student: Speaker
    begins: bool
    is_checked_in: bool = False


@dataclass(slots=True)
class Town:
    """Who and what there is. Who works for libraries has an account in one part, and none in the other."""

    libraries: list[Library]
    owners: list[Speaker]
    workers: list[Speaker]
    accounts: list[Speaker]
    admins: list[Speaker]
    students: list[Speaker]
    bookings: list[Booking] = field(default_factory=list)
    holds: list[tuple[str, Speaker]] = field(default_factory=list)
    places: list[tuple[str, Speaker]] = field(default_factory=list)

    @property
    def speakers(self) -> list[Speaker]:
        return [*self.owners, *self.workers, *self.accounts, *self.admins, *self.students]

    @property
    def hireable(self) -> list[Speaker]:
        return [*self.workers, *self.accounts]

    @property
    def dispensable(self) -> list[Speaker]:
        """Those who may be barred: without its owner, a library stands still."""
        return [*self.workers, *self.accounts, *self.students]

    def library(self, library_id: str) -> Library:
        return next(library for library in self.libraries if library.id == library_id)


async def build(
    mint: Mint, http: httpx.AsyncClient, chance: random.Random, *, libraries: int, students: int
) -> Town:
    """Found the libraries, and bring everybody together."""

    def speakers(name: str, role: Role, count: int) -> list[Speaker]:
        people = (Person(f"{name}-{number}", role, mint) for number in range(count))
        return [Speaker(person, http, chance) for person in people]

    owners = speakers("owner", "library_owner", min(_OWNERS, libraries))
    founded, user_ids = await asyncio.gather(
        _founded(owners, libraries), _registered(str(http.base_url), _ACCOUNTS)
    )
    accounts = [
        Speaker(Person(user_id, "student", mint, has_account=True), http, chance) for user_id in user_ids
    ]
    return Town(
        libraries=founded,
        owners=owners,
        workers=speakers("worker", "staff", _WORKERS),
        accounts=accounts,
        admins=speakers("admin", "admin", _ADMINS),
        students=speakers("student", "student", students),
    )


async def _founded(owners: list[Speaker], count: int) -> list[Library]:
    some_at_once = asyncio.Semaphore(_AT_ONCE)

    async def found(number: int) -> Library:
        owner = owners[number % len(owners)]
        async with some_at_once:
            made = await owner.create_library(f"Library {number}", "Pune", "Asia/Kolkata")
            labels = [NewSeatBody(label=f"A{seat}") for seat in range(_SEATS)]
            added = await owner.add_seats(made.id, labels)
        return Library(made.id, owner, [seat.id for seat in added.seats])

    return await asyncio.gather(*(found(number) for number in range(count)))


async def _registered(api_url: str, count: int) -> list[str]:
    """Make accounts of students, and return their ids."""

    async def register(number: int) -> str:
        session = SignedIn(api_url)
        try:
            address = f"account{number}@example.org"
            return (await session.register(address, _PASSWORD, f"Account {number}")).account.id
        finally:
            await session.close()

    return [await register(number) for number in range(count)]
