"""Real Socket.IO clients connect, with the portals' own options, or are told why not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from studyspot.access.keys import SigningKey
from studyspot.domain.events import AccountDisabled
from studyspot.ws_fanout.app import Fanout
from tests.ws_fanout.events import announced, booked, library_created
from tests.ws_fanout.live import Log, until
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.clients import Opened, connected
from tests.ws_fanout.socket_io.node_clients import NodeClients


def expired() -> str:
    return token("s1", now=datetime.now(UTC) - timedelta(hours=2))


def of_another_key() -> str:
    return token("s1", key=SigningKey.generate())


async def test_a_client_is_in_its_own_rooms_at_once(fanout: Fanout, log: Log, opened: Opened) -> None:
    async with connected(opened, fanout.port, "s1") as student, connected(opened, fanout.port, "s2") as other:
        await log.append(library_created(), booked(), announced())

        assert (await student.ear.until_event("booking:created"))["bookingId"] == "B7"
        for client in (student, other):
            told = await client.ear.until_event("global:notification")
            assert (told["title"], told["message"]) == ("New rooms", "Two libraries have opened.")
        assert other.ear.events("booking:created") == []
        assert [name for name in (told.name for told in student.ear.told) if ":" in name] == [
            *("library:created", "booking:created", "global:notification")
        ]


@pytest.mark.parametrize(
    ("make_token", "code"),
    [
        (lambda: "", "bad-token"),
        (lambda: "no.token.atall", "bad-token"),
        (of_another_key, "bad-token"),
        (expired, "token-expired"),
    ],
    ids=["none", "nonsense", "of another key", "expired"],
)
async def test_a_bad_token_is_a_connect_error_with_a_code_and_the_client_stays_away(
    fanout: Fanout, log: Log, opened: Opened, make_token: Callable[[], str], code: str
) -> None:
    async with opened(fanout.port, make_token()) as client:
        message, data = await client.ear.until_kind("connect_error")

        assert (bool(message), data) == (True, {"code": code})
        await until(lambda: not fanout.hub.peers)
        assert not await client.will_come_back()
        assert client.ear.of_kind("connect") == []


async def test_who_is_shut_out_is_refused(fanout: Fanout, log: Log, opened: Opened) -> None:
    await log.append(AccountDisabled(user_id="s1"))
    await until(lambda: fanout.hub.head == log.head)

    async with opened(fanout.port, token("s1")) as client:
        _, data = await client.ear.until_kind("connect_error")

        assert data == {"code": "revoked"}


async def test_each_of_a_persons_sockets_is_told_until_it_goes(
    fanout: Fanout, log: Log, opened: Opened
) -> None:
    async with connected(opened, fanout.port, "s1") as here, connected(opened, fanout.port, "s1") as there:
        await log.append(library_created(), booked(booking="B1"))
        for client in (here, there):
            assert (await client.ear.until_event("booking:created"))["bookingId"] == "B1"

        await there.disconnect()
        await until(lambda: len(fanout.hub.peers) == 1)
        await log.append(booked(booking="B2"), announced())

        await here.ear.until_event("global:notification")
        assert [told["bookingId"] for told in here.ear.events("booking:created")] == ["B1", "B2"]
        assert [told["bookingId"] for told in there.ear.events("booking:created")] == ["B1"]


async def test_the_portals_client_comes_by_websocket_whatever_it_may_fall_back_to(
    fanout: Fanout, log: Log, clients: NodeClients
) -> None:
    """With its own reconnection delays, and only the options that portals give."""
    client = clients.open(fanout.port, token("s1"))
    session, recovered = await client.ear.until_kind("connect")

    assert (bool(session), recovered) == (True, False)
    assert client.ear.of_kind("connect_error") == []
    assert len(fanout.hub.peers) == 1
