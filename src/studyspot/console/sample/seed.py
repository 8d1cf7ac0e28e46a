"""`studyspot seed-demo`: three libraries in India, and a month in them."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from studyspot.access.accounts import Accounts, StoredAccount
from studyspot.access.passwords import Passwords
from studyspot.broker.buckets import put_name
from studyspot.broker.connection import connect
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, migrated_database_url, nats_url
from studyspot.console.output import print_json, print_line
from studyspot.console.sample.libraries import LIBRARIES
from studyspot.console.sample.month import DAYS_BEFORE, Month
from studyspot.console.sample.opening import Opening
from studyspot.console.sample.people import OWNERS, PASSWORD, PEOPLE, STAFF, STUDENTS, Person
from studyspot.console.sample.timetable import Timetable
from studyspot.decisions.run import Decisions
from studyspot.event_store.store import EventStore

SEED = 20_261_201
_OPENED_BEFORE = timedelta(days=DAYS_BEFORE + 5)
_ANSWER_SECONDS = 5
_UNHURRIED = "-c synchronous_commit=off"
"""Nobody is told of one before all are done: the accounts, kept last, make everything durable."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What there is now: events by kind, how many wishes the rules refused, and how long it took."""

    happened: dict[str, int]
    refused: dict[str, int]
    position: int
    seconds: float


def run_seed(as_json: bool) -> None:
    """Fill an installation whose log is empty with sample data; one that has them is left as it is.

    Raises:
        Fault: the log holds something else.
    """
    settings = begin()
    seeded = asyncio.run(seed(migrated_database_url(settings), nats_url(settings), datetime.now(UTC)))
    if as_json:
        print_json(_facts(seeded))
    else:
        for line in told(seeded):
            print_line(line)


def told(seeded: Seeded | None) -> list[str]:
    """Return what there is now, in lines for people."""
    owner, staff, student = OWNERS[0], STAFF[0], STUDENTS[0]
    logins = ", ".join(f"{person.email} ({kind})" for person, kind in _kinds(owner, staff, student))
    if seeded is None:
        made = "The sample data are there already."
    else:
        bookings = seeded.happened.get("BookingCreated", 0)
        made = (
            f"{len(LIBRARIES)} libraries, {len(STUDENTS)} students and {bookings} bookings:"
            f" {seeded.position} events in {seeded.seconds:.1f} s."
        )
    return [made, f"Log in as {logins}, with the password {PASSWORD}."]


async def seed(database_url: str, broker_url: str, now: datetime, seed: int = SEED) -> Seeded | None:
    """Fill the log with a month around `now`; nothing where the sample data are there already.

    Raises:
        Fault: the log holds something else.
        psycopg.OperationalError, StoreUnavailable: the database does not answer.
        BrokerUnavailable: NATS does not answer.
    """
    began = time.perf_counter()
    pool = AsyncConnectionPool(database_url, min_size=1, max_size=2, open=False, kwargs={"autocommit": True})
    with EventStore(make_conninfo(database_url, options=_UNHURRIED)) as store:
        async with pool:
            accounts = Accounts(pool)
            if await accounts.by_email(OWNERS[0].email) is not None:
                return None
            if store.head().position > 0:
                raise Fault("The log is not empty.", "Sample data go into a new installation only.")
            timetable = Timetable(Decisions(store))
            opening = Opening(timetable, _hour(now - _OPENED_BEFORE))
            await opening.register_everyone()
            places = await opening.open_all()
            Month(timetable, places, now, seed).plan()
            await timetable.run_until(now)
            # Last: whoever finds them finds everything.
            await _publish_names(broker_url)
            await _keep_accounts(accounts)
        position = store.head().position
    seconds = time.perf_counter() - began
    return Seeded(dict(timetable.happened), dict(timetable.refused), position, seconds)


async def _keep_accounts(accounts: Accounts) -> None:
    passwords = Passwords()
    try:
        # They share a password, and so they may share its hash.
        password_hash = await passwords.hash(PASSWORD)
    finally:
        passwords.close()
    for person in reversed(PEOPLE):
        await accounts.add(
            StoredAccount(person.user_id, person.email, person.name, password_hash, person.registers_as)
        )


async def _publish_names(broker_url: str) -> None:
    connection = await connect(broker_url, name="studyspot-seed")
    try:
        js = connection.jetstream(timeout=_ANSWER_SECONDS)
        for person in PEOPLE:
            await put_name(js, person.user_id, person.name)
    finally:
        await connection.close()


def _kinds(owner: Person, staff: Person, student: Person) -> list[tuple[Person, str]]:
    return [(owner, "owner"), (staff, "staff"), (student, "student")]


def _facts(seeded: Seeded | None) -> dict[str, object]:
    people = [{"email": person.email, "role": person.registers_as} for person in PEOPLE]
    facts: dict[str, object] = {"seeded": seeded is not None, "password": PASSWORD, "people": people}
    if seeded is not None:
        facts |= {
            "events": seeded.happened,
            "refused": seeded.refused,
            "position": seeded.position,
            "seconds": round(seeded.seconds, 3),
        }
    return facts


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
