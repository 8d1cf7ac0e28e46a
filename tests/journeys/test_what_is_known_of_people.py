"""What is known of people stays out of the log, the stream, and what the public and other owners see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from studyspot.access.tokens import Verifier
from studyspot.broker.connection import connect as connect_nats
from studyspot.checker.sources import read_stream
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.relay.relay import Relay
from studyspot.ws_fanout.app import FanoutConfig, running
from studyspot.ws_fanout.ending import end_tasks
from tests.commands.visitors import Visitor, a_visitor
from tests.engines import PostgresServer
from tests.journeys.person import Person
from tests.journeys.town import KEY, Town, a_town
from tests.ws_fanout.live import Wire, until, wire

NOW = datetime.now(UTC).replace(microsecond=0)
NAMES = {
    "owner": "Vaidehi Kulkarni",
    "worker": "Tenzing Norgay-Bhutia",
    "student": "Ishaan Chatterjee",
    "other": "Farah Qureshi",
}
ABOUT_PEOPLE = {
    "reason": "her grandmother is in hospital",
    "revocation": "he plays the trombone at the desk",
    "reference": "UPI ishaan.chatterjee@okhdfc",
    "letter": "Ishaan, your mother left an umbrella",
}
PASSWORD = "correct horse"


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.migrated_database() as url:
        yield url


@pytest.fixture
async def town(database: str) -> AsyncIterator[Town]:
    async with a_town(database, NOW) as town:
        yield town


class Meeting:
    """A library and those who meet there, each with an account, a name and an address."""

    def __init__(self, town: Town, visitors: dict[str, Visitor]) -> None:
        self.visitors = visitors
        self.library_id = ""
        self.seats: list[str] = []
        self.people = {
            who: Person(visitor.http, visitor.id, "student", visitor.token)
            for who, visitor in visitors.items()
        }
        self.admin = town.person("admin-1", "admin")

    @property
    def secrets(self) -> list[str]:
        """Everything that must be nowhere, in small letters: whole, and each part of a name."""
        parts = [part for name in NAMES.values() for part in name.split()]
        addresses = [visitor.email for visitor in self.visitors.values()]
        return [secret.lower() for secret in (*parts, *addresses, *ABOUT_PEOPLE.values(), PASSWORD)]

    def of_seat(self, number: int, hours: int, **more: Any) -> dict[str, Any]:
        start = NOW + timedelta(hours=hours)
        interval = {"start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat()}
        return {"libraryId": self.library_id, "seatId": self.seats[number], **interval, **more}

    async def signs_in_again(self, who: str) -> Person:
        visitor = self.visitors[who]
        await visitor.signs_in()
        self.people[who] = Person(visitor.http, visitor.id, "student", visitor.token)
        return self.people[who]


@asynccontextmanager
async def a_meeting(town: Town) -> AsyncIterator[Meeting]:
    visitors = {}
    async with AsyncExitStack() as stack:
        for who, name in NAMES.items():
            visitor = visitors[who] = await stack.enter_async_context(a_visitor(town.url))
            visitor.email = f"{name.split()[0].lower()}.{who}@example.org"
            await visitor.registers("library_owner" if who == "owner" else "student", name)
        yield Meeting(town, visitors)


async def the_library_opens(meeting: Meeting) -> None:
    """Its owner hires by an address; who has it becomes staff."""
    owner, described = (
        meeting.people["owner"],
        {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"},
    )
    meeting.library_id = (await owner.does("POST", "/api/libraries", described))["id"]
    path = f"/api/libraries/{meeting.library_id}"
    plans = [{"id": "hourly", "unit": "hour", "amountMinor": 5000}]
    await owner.does("PUT", f"{path}/pricing", {"plans": plans})
    added = await owner.does("POST", f"{path}/seats", {"seats": [{"label": "A1"}, {"label": "A2"}]})
    meeting.seats = [seat["id"] for seat in added["seats"]]
    invited = await owner.does("POST", f"{path}/invitations", {"email": meeting.visitors["worker"].email})
    accept = f"/api/invitations/{invited['id']}/accept"
    accepted = await meeting.people["worker"].does("POST", accept, {"code": invited["code"]})
    assert accepted["role"] == "staff"
    await meeting.signs_in_again("worker")


async def much_is_written(town: Town, meeting: Meeting) -> None:
    """Reasons, references and letters; a place in line, and what is announced."""
    student, other, worker = (meeting.people[who] for who in ("student", "other", "worker"))
    first = await student.does("POST", "/api/bookings", meeting.of_seat(0, 3))
    second = await student.does("POST", "/api/bookings", meeting.of_seat(0, 6))
    await other.does("POST", "/api/bookings", meeting.of_seat(1, 3))
    late = {name: meeting.of_seat(0, 9)[name] for name in ("libraryId", "start", "end")}
    await meeting.people["owner"].does("POST", "/api/bookings", meeting.of_seat(0, 9, userId=other.user_id))
    await meeting.people["owner"].does("POST", "/api/bookings", meeting.of_seat(1, 9, userId="guest-1"))
    await student.does("POST", "/api/waitlist", late)
    payment = {
        "kind": "payment",
        "amountMinor": 2000,
        "method": "upi",
        "reference": ABOUT_PEOPLE["reference"],
    }
    await worker.does("POST", f"/api/bookings/{first['id']}/payments", payment)
    await student.does("POST", f"/api/bookings/{first['id']}/cancel", {"reason": ABOUT_PEOPLE["reason"]})
    await worker.does("POST", f"/api/bookings/{second['id']}/revoke", {"reason": ABOUT_PEOPLE["revocation"]})
    await town.until_noted(student, "booking-revoked")
    letter = {
        "libraryId": meeting.library_id,
        "userIds": [student.user_id],
        "text": ABOUT_PEOPLE["letter"],
    }
    sent = await worker.does("POST", "/api/notifications", letter)
    (told,) = await town.until_noted(student, "personal")
    assert told["text"] == ABOUT_PEOPLE["letter"], "it can be read, where it can be deleted"
    await student.does("POST", f"/api/notifications/{sent['sent'][0]['id']}/read")
    await meeting.admin.does(
        "POST", "/api/announcements", {"title": "Rooms", "text": "Two more have opened."}
    )


def found(secrets: list[str], *texts: bytes | str) -> set[str]:
    """Return which of the secrets stand somewhere in these."""
    lowered = [(text.decode() if isinstance(text, bytes) else text).lower() for text in texts]
    return {secret for secret in secrets for text in lowered if secret in text}


def rows(database: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode()).fetchall()


@asynccontextmanager
async def relayed(database: str, nats_url: str) -> AsyncIterator[None]:
    nc = await connect_nats(nats_url, name="relay")
    with EventStore(database) as store:
        async with HeadSignal(database) as signal:
            task = asyncio.create_task(Relay(store, nc, signal).run())
            try:
                yield
            finally:
                await end_tasks([task])
    await nc.close()


async def replayed(port: int, token: str, *rooms: str) -> Wire:
    """Return a socket that was brought the whole log, as far as its rooms see it."""
    async with wire(port) as client:
        await client.send({"type": "connect", "token": token, "rooms": rooms})
        epoch = (await client.receive_until("connected"))["epoch"]
        join = {"type": "join", "id": 2, "rooms": rooms, "since": {"epoch": epoch, "position": 0}}
        await client.send(join)
        await client.receive_until("caught-up")
        return client


async def test_what_is_known_of_people_is_in_no_event_message_or_public_frame(
    town: Town, database: str, nats_url: str
) -> None:
    async with a_meeting(town) as meeting:
        await the_library_opens(meeting)
        await much_is_written(town, meeting)
        student = meeting.people["student"].user_id

        kept = rows(database, "SELECT email, name FROM accounts.accounts") + rows(
            database, "SELECT text FROM private.texts"
        )
        assert found(meeting.secrets, *map(str, kept)) >= set(meeting.secrets) - {PASSWORD}, "they are kept"
        log = rows(database, "SELECT position, data FROM store.events ORDER BY position")
        assert found(meeting.secrets, *(bytes(data) for _, data in log)) == set()
        assert_notices_tell_ids(log)

        async with relayed(database, nats_url):
            await until_relayed(nats_url, len(log))
            messages = await read_stream(nats_url)
            assert found(meeting.secrets, *(message.body for message in messages)) == set()
            assert found(meeting.secrets, *(message.subject for message in messages)) == set()
            await assert_frames_tell_nobody(meeting, nats_url, len(log))

        await meeting.admin.does("PATCH", f"/api/people/{student}", {"status": "erased"})
        left = found(meeting.secrets, *map(str, everything(database)))
        gone = [meeting.visitors["student"].email, "ishaan", *ABOUT_PEOPLE.values()]
        assert left.isdisjoint(secret.lower() for secret in gone), "nothing of who is erased is left anywhere"


def assert_notices_tell_ids(log: list[tuple[Any, ...]]) -> None:
    """Parameters are ids, words of ours, times and amounts: nothing has room for words."""
    told = [orjson.loads(data)["data"] for _, data in log]
    notices = [facts["parameters"] for facts in told if "parameters" in facts]
    assert notices
    texts = [value for notice in notices for value in notice.values() if isinstance(value, str)]
    assert [text for text in texts if " " in text or "@" in text] == []


async def until_relayed(nats_url: str, head: int) -> None:
    async with asyncio.timeout(60):
        while len(await read_stream(nats_url)) < head:  # noqa: ASYNC110  # The relay tells nobody.
            await asyncio.sleep(0.05)


async def assert_frames_tell_nobody(meeting: Meeting, nats_url: str, head: int) -> None:
    """Every event as the public, other owners and everybody see it names no person and no text."""
    verifier = Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot")
    config = FanoutConfig(nats_url=nats_url, verifier=verifier, host="127.0.0.1", port=0)
    library = f"library:{meeting.library_id}"
    async with running(config) as fanout:
        await until(lambda: fanout.is_ready and fanout.hub.head >= head)
        sockets = {
            "stranger": await replayed(fanout.port, a_token("stranger", "student"), library, "everyone"),
            "owner": await replayed(
                fanout.port, a_token("another-owner", "library_owner"), library, "role:library_owner"
            ),
        }
    ids = [visitor.id for visitor in meeting.visitors.values()]
    for who, client in sockets.items():
        frames = [frame for frame in client.frames if frame["type"] == "event"]
        assert len(frames) > 5, who
        text = orjson.dumps(frames)
        assert found([*meeting.secrets, *ids, "admin-1"], text) == set(), who


def a_token(user: str, role: Any) -> str:
    now = datetime.now(UTC)
    return KEY.sign(
        user_id=user,
        role=role,
        issuer="studyspot",
        audience="studyspot",
        now=now,
        lifetime=timedelta(hours=1),
    )


def everything(database: str) -> Iterator[Any]:
    """Yield every row of every table."""
    tables = rows(
        database,
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    for (table,) in tables:
        yield from rows(database, f"SELECT t::text FROM {table} AS t")
