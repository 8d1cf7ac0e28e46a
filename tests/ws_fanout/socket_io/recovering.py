"""What a portal's client goes through that is lost and comes back."""

from studyspot.domain.events import BookingCreated
from studyspot.domain.people import Role
from tests.ws_fanout.events import library_created, service_changed
from tests.ws_fanout.forwarder import Forwarder
from tests.ws_fanout.live import Log
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.node_clients import SOON, NodeClient, NodeClients
from tests.ws_fanout.socket_io.stays import far_away

L1 = "library:L1"


class Story:
    """A booking of `s1` and a seat of the library, again and again."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._count = 0

    async def goes_on(self) -> None:
        number = self._count = self._count + 1
        booking = BookingCreated(**far_away("S0").terms(f"B{number}"))
        await self._log.append(booking, service_changed("L1", f"S{number}"))

    async def is_told_in_full(self, client: NodeClient) -> None:
        """Wait for the last of it; all of it has come once, and in order."""
        last, numbers = f"S{self._count}", range(1, self._count + 1)
        ear = client.ear
        await ear.until(lambda told: told.name == "seat:availability" and told.arguments[0]["seatId"] == last)
        bookings, seats = ear.events("booking:created"), ear.events("seat:availability")
        assert [told["bookingId"] for told in bookings] == [f"B{number}" for number in numbers]
        assert [told["seatId"] for told in seats] == [f"S{number}" for number in numbers]


async def a_client(clients: NodeClients, port: int, user: str = "s1", role: Role = "student") -> NodeClient:
    client = clients.open(port, token(user, role), **SOON)
    await client.ear.until_kind("connect")
    return client


async def in_the_library(client: NodeClient) -> None:
    """Be in it, for whichever node one comes back to."""
    await joins(client)
    await client.ear.until_offset()


async def joins(client: NodeClient) -> None:
    assert await client.ask("join:library", "L1") == {"ok": True, "room": L1}


async def comes_back(client: NodeClient, *, after: int) -> bool:
    """Wait until it has connected again, and return whether it was told that it recovered."""
    _, recovered = await client.ear.until_kind("connect", after=after)
    return bool(recovered)


async def the_line_is_cut(line: Forwarder, log: Log, clients: NodeClients, *, times: int) -> None:
    await log.append(library_created())
    client = await a_client(clients, line.port)
    await in_the_library(client)
    story = Story(log)
    await story.goes_on()
    for _ in range(times):
        before = len(client.ear.told)
        line.cut()
        await client.ear.until_kind("disconnect", after=before)
        await story.goes_on()
        line.mend()
        assert await comes_back(client, after=before)
        await story.goes_on()
        await story.is_told_in_full(client)
