"""What happens to people is felt by their Socket.IO sockets, at its position."""

from datetime import UTC, datetime, timedelta

import pytest

from studyspot.domain.events import AccountDisabled, AccountErased, Event
from studyspot.ws_fanout.app import Fanout
from tests.ws_fanout.events import (
    announced,
    booked,
    library_created,
    role_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.live import Log, until
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.clients import Client, Opened, connected
from tests.ws_fanout.socket_io.node_clients import SOON, NodeClients


def bookings(first: int, count: int) -> list[Event]:
    return [booked(booking=f"B{number}") for number in range(first, first + count)]


def booked_ids(client: Client) -> list[str]:
    return [told["bookingId"] for told in client.ear.events("booking:created")]


async def test_staff_are_told_from_the_position_of_their_membership_to_that_of_its_end(
    fanout: Fanout, log: Log, opened: Opened
) -> None:
    async with connected(opened, fanout.port, "t1", "staff") as worker:
        await log.append(library_created(), *bookings(0, 5), staff_added(), *bookings(5, 5), staff_removed())
        await log.append(*bookings(10, 5), announced())

        await worker.ear.until_event("global:notification")
        assert booked_ids(worker) == [f"B{number}" for number in range(5, 10)]


@pytest.mark.parametrize(
    "ending", [AccountDisabled(user_id="s1"), AccountErased(user_id="s1")], ids=["disabled", "erased"]
)
async def test_who_is_shut_out_is_sent_away_for_good(
    fanout: Fanout, log: Log, opened: Opened, ending: Event
) -> None:
    async with connected(opened, fanout.port, "s1") as student:
        await log.append(library_created(), *bookings(0, 5), ending, *bookings(5, 5))

        await student.ear.until_kind("disconnect")
        await until(lambda: not fanout.hub.peers)
        assert booked_ids(student) == [f"B{number}" for number in range(5)]
        assert not await student.will_come_back()
        assert len(student.ear.of_kind("connect")) == 1


async def test_a_change_of_role_asks_for_a_fresh_token(
    fanout: Fanout, log: Log, clients: NodeClients
) -> None:
    client = clients.open(fanout.port, token("t1"), **SOON)
    await client.ear.until_kind("connect")
    log.time = datetime.now(UTC) + timedelta(seconds=1)
    await log.append(library_created(), staff_added(), role_changed("t1", "staff", "student"), booked())

    # Its library comes back by itself, with the token that it has.
    await client.ear.until_kind("disconnect")
    _, data = await client.ear.until_kind("connect_error")
    assert data == {"code": "token-expired"}

    before = len(client.ear.told)
    await client.renew(token("t1", "staff", now=log.time))
    await client.ear.until_kind("connect", after=before)
    await log.append(booked(booking="B8"), announced())
    await client.ear.until_event("global:notification")
    assert booked_ids(client)[-1:] == ["B8"]
