"""What real Socket.IO clients ask for: rooms, signs of life, answers."""

from typing import Any

import pytest

from studyspot.domain.events import Event
from studyspot.domain.people import Role
from studyspot.ws_fanout.app import Fanout
from tests.ws_fanout.events import announced, library_created, service_changed
from tests.ws_fanout.live import Log, until
from tests.ws_fanout.socket_io.clients import Client, Opened, connected
from tests.ws_fanout.socket_io.rows import AN_INSTANT


@pytest.mark.parametrize("library", ["L1", {"libraryId": "L1"}], ids=["by its id", "by a member"])
async def test_a_librarys_room_is_joined_and_left(
    fanout: Fanout, log: Log, opened: Opened, library: Any
) -> None:
    await log.append(library_created("L1"), library_created("L2"))
    async with connected(opened, fanout.port, "s1") as student:
        await seen(student, log, service_changed("L1", "S1"))
        assert await student.ask("join:library", library) == {"ok": True, "room": "library:L1"}
        await seen(student, log, service_changed("L1", "S2"), service_changed("L2", "S9"))
        assert await student.ask("leave:library", library) == {"ok": True, "room": "library:L1"}
        await seen(student, log, service_changed("L1", "S3"))

        assert student.ear.events("seat:availability") == [
            {"libraryId": "L1", "seatId": "S2", "available": False, "timestamp": AN_INSTANT}
        ]


async def test_a_room_is_joined_without_asking_for_an_answer(
    fanout: Fanout, log: Log, opened: Opened
) -> None:
    await log.append(library_created("L1"))
    async with connected(opened, fanout.port, "s1") as student:
        await student.emit("join:library", "L1")
        await until(lambda: "library:L1" in rooms_of(fanout))
        await log.append(service_changed("L1", "S1"))

        assert (await student.ear.until_event("seat:availability"))["seatId"] == "S1"


@pytest.mark.parametrize(
    ("user", "role", "event", "asked", "room"),
    [
        ("s1", "student", "join:role", "library_owner", "role:library_owner"),
        ("s1", "student", "join:role", {"role": "admin"}, "role:admin"),
        ("s1", "student", "join:library", "L1:staff", "library:L1:staff"),
        ("o2", "library_owner", "join:library", "L1:staff", "library:L1:staff"),
        ("t2", "staff", "join:library", {"libraryId": "L1:staff"}, "library:L1:staff"),
    ],
)
async def test_anothers_room_is_refused_in_the_answer_or_else_by_an_event(
    fanout: Fanout, log: Log, opened: Opened, user: str, role: Role, event: str, asked: Any, room: str
) -> None:
    await log.append(library_created("L1", "o1"))
    async with connected(opened, fanout.port, user, role) as client:
        answer = await client.ask(event, asked)
        assert (answer["ok"], answer["code"], answer["room"]) == (False, "room-forbidden", room)
        assert answer["message"].endswith(".")

        await client.emit(event, asked)
        told = await client.ear.until_event("error")
        assert (told["code"], told["room"]) == ("room-forbidden", room)
        assert told["message"].endswith(".")

        await seen(client, log, service_changed("L1", "S1"))
        assert client.ear.events("seat:availability") == []


@pytest.mark.parametrize("asked", ["student", {"role": "student"}])
async def test_ones_own_role_may_be_joined_as_portals_do(
    fanout: Fanout, log: Log, opened: Opened, asked: Any
) -> None:
    async with connected(opened, fanout.port, "s1") as student:
        assert await student.ask("join:role", asked) == {"ok": True, "room": "role:student"}
        await seen(student, log, library_created("L1"))

        assert len(student.ear.events("library:created")) == 1


async def test_a_ping_is_answered_by_a_pong_with_the_time(fanout: Fanout, log: Log, opened: Opened) -> None:
    async with connected(opened, fanout.port, "s1") as student:
        await student.emit("ping")

        assert await student.ear.until_event("pong") == {"timestamp": AN_INSTANT}


@pytest.mark.parametrize(
    ("event", "arguments"),
    [("join:library", ()), ("join:library", (7,)), ("join:library", ("a b",)), ("join:everything", ("x",))],
)
async def test_what_is_not_understood_is_said_in_the_answer_and_the_socket_goes_on(
    fanout: Fanout, log: Log, opened: Opened, event: str, arguments: tuple[Any, ...]
) -> None:
    async with connected(opened, fanout.port, "s1") as student:
        answer = await student.ask(event, *arguments)

        assert (answer["ok"], bool(answer["code"]), bool(answer["message"])) == (False, True, True)
        await seen(student, log)


async def test_an_event_that_nobody_listens_to_is_passed_over(
    fanout: Fanout, log: Log, opened: Opened
) -> None:
    async with connected(opened, fanout.port, "s1") as student:
        await student.emit("typing", {"to": "s2"})
        await seen(student, log)

        assert {told.name for told in student.ear.told if told.kind == "event"} == {
            *("position", "global:notification")
        }


async def test_bytes_end_the_connection_for_good(fanout: Fanout, log: Log, opened: Opened) -> None:
    async with connected(opened, fanout.port, "s1") as student, connected(opened, fanout.port, "s2") as other:
        await student.send_bytes("join:library")

        await student.ear.until_kind("disconnect")
        await until(lambda: len(fanout.hub.peers) == 1)
        assert not await student.will_come_back()
        await seen(other, log)


async def seen(client: Client, log: Log, *events: Event) -> None:
    """Append these, and wait until the client has been told of everything that it is to be told of them."""
    before = len(client.ear.told)
    await log.append(*events, announced())
    await client.ear.until_event("global:notification", after=before)


def rooms_of(fanout: Fanout) -> set[str]:
    """Return the rooms that any socket is in."""
    return {room for peer in fanout.hub.peers for room in peer.session.lanes.main.rooms}
