"""`studyspot up` with each proxy: a portal that has one URL for all finds API and sockets there."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from studyspot.console.doctor import public_findings
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.embedded.identity import identify
from studyspot.embedded.ports import free_port
from studyspot.embedded.proxy import KINDS
from studyspot.settings import OwnSettings
from tests.embedded.proxies import a_proxy
from tests.projections.serving import Patient

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_SECONDS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=KINDS)
async def system(request: pytest.FixtureRequest) -> AsyncIterator[TemporarySystem]:
    proxy = a_proxy(request.param)
    told = {
        "STUDYSPOT_PROXY": proxy.kind,
        "STUDYSPOT_PROXY_PORT": str(free_port()),
        "PATH": os.pathsep.join((str(proxy.program.parent), os.environ["PATH"])),
    }
    async with temporary_system(told) as system:
        yield system


def origin(system: TemporarySystem) -> str:
    return str(system.settings["public_url"])


@asynccontextmanager
async def socket(system: TemporarySystem, page: str | None = None) -> AsyncIterator[ClientConnection]:
    """A native socket of a page of the proxy."""
    url = "ws" + origin(system).removeprefix("http") + "/ws"
    page_origin = Origin(page or origin(system))
    async with connect(url, subprotocols=[Subprotocol("studyspot.v1")], origin=page_origin) as opened:
        yield opened


async def is_told(opened: ClientConnection, kind: str, **expected: Any) -> dict[str, Any]:
    """Wait for a frame of that kind with these fields."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            frame: dict[str, Any] = orjson.loads(await opened.recv())
            if frame["type"] == kind and expected.items() <= frame.items():
                return frame


async def connected(opened: ClientConnection, **told: Any) -> dict[str, Any]:
    await opened.send(json.dumps({"type": "connect", "id": 1, **told}))
    return await is_told(opened, "connected")


@asynccontextmanager
async def api(system: TemporarySystem, user_id: str, role: Any) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {system.token(user_id, role)}", "Origin": origin(system)}
    async with httpx.AsyncClient(
        base_url=origin(system), headers=headers, timeout=30, trust_env=False, transport=Patient()
    ) as client:
        yield client


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_it_is_named_where_people_and_programs_look(system: TemporarySystem) -> None:
    url = origin(system)
    assert system.ready == f"ready  {system.api_url}  {system.fanout_url}  {url} (both)"
    async with httpx.AsyncClient(trust_env=False) as client:
        for base in (url, system.api_url):
            config = (await client.get(f"{base}/api/config")).json()
            assert (config["publicUrl"], config["fanoutUrl"]) == (url, url.replace("http", "ws", 1))


async def test_a_booking_made_through_it_reaches_a_socket_through_it(system: TemporarySystem) -> None:
    async with api(system, "o1", "library_owner") as owner:
        body = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
        library = (await owner.post("/api/libraries", json=body)).json()["id"]
        seats = {"seats": [{"label": "A1"}]}
        added = (await owner.post(f"/api/libraries/{library}/seats", json=seats)).json()
    async with socket(system) as opened, api(system, "s1", "student") as student:
        token = system.token("s1", "student")
        await connected(opened, token=token)
        start = datetime.now(UTC) + timedelta(days=1)
        booking = {
            "libraryId": library,
            "seatId": added["seats"][0]["id"],
            "start": start.isoformat(),
            "end": (start + timedelta(hours=2)).isoformat(),
        }
        booked = (await student.post("/api/bookings", json=booking)).json()
        told = await is_told(opened, "event", name="booking:created", position=booked["position"])
    assert told["event"]["data"]["bookingId"] == booked["id"]


async def test_its_pages_sign_in_and_others_do_not(system: TemporarySystem) -> None:
    person = {"email": "asha@example.in", "password": "correct horse battery", "name": "Asha"}
    async with httpx.AsyncClient(base_url=origin(system), timeout=30, trust_env=False) as client:
        ours = {"Origin": origin(system)}
        registered = await client.post("/api/auth/register", json=person, headers=ours)
        assert registered.status_code == 201, registered.text
        for page in (origin(system), origin(system).replace("127.0.0.1", "localhost")):
            assert (await client.post("/api/auth/refresh", headers={"Origin": page})).status_code == 200
        foreign = await client.post("/api/auth/refresh", headers={"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403


async def test_sockets_are_of_its_pages_and_not_of_others(system: TemporarySystem) -> None:
    async with socket(system, origin(system).replace("127.0.0.1", "localhost")) as opened:
        assert (await connected(opened, token=system.token("s1", "student")))["user"] == "s1"
    with pytest.raises(InvalidStatus) as refused:
        async with socket(system, "https://elsewhere.example"):
            pytest.fail("a foreign page was let in")
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io"])
async def test_socket_io_shakes_hands_through_it(system: TemporarySystem, path: str) -> None:
    url = "ws" + origin(system).removeprefix("http") + f"{path}?EIO=4&transport=websocket"
    async with asyncio.timeout(LIMIT_SECONDS), connect(url, origin=Origin(origin(system))) as opened:
        hello = str(await opened.recv())
        assert hello[0] == "0"
        assert json.loads(hello[1:])["upgrades"] == []
        await opened.send("40" + json.dumps({"token": system.token("s1", "student")}))
        answer = str(await opened.recv())
        assert answer.startswith("40")
        assert {"sid", "pid"} <= json.loads(answer[2:]).keys()


async def test_the_doctor_looks_at_it(system: TemporarySystem) -> None:
    (finding,) = await asyncio.to_thread(public_findings, OwnSettings(public_url=origin(system)))
    assert (finding.well, finding.check) == (True, "one origin")
    (away,) = await asyncio.to_thread(
        public_findings, OwnSettings(public_url=f"http://127.0.0.1:{free_port()}")
    )
    assert not away.well
    assert "STUDYSPOT_PUBLIC_URL" in str(away.mend)


async def test_a_fanout_that_starts_again_is_found_again(system: TemporarySystem) -> None:
    token = system.token("s1", "student")
    async with socket(system) as opened:
        first = await connected(opened, token=token)
        killed = system.kill("fanout")
        async with asyncio.timeout(LIMIT_SECONDS):
            await opened.wait_closed()
    async with asyncio.timeout(LIMIT_SECONDS):
        await system.is_back("fanout", killed)
        since = {"epoch": first["epoch"], "position": first["head"]}
        while True:
            try:
                async with socket(system) as opened:
                    again = await connected(opened, token=token, since=since)
                break
            except (InvalidHandshake, ConnectionClosed):
                await asyncio.sleep(0.1)  # As a client does.
    assert again["head"] >= first["head"]
    assert again["resume"] in ("live", "replaying")


async def test_the_proxy_itself_comes_back(system: TemporarySystem) -> None:
    killed = system.kill("proxy")
    async with asyncio.timeout(LIMIT_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        await system.is_back("proxy", killed)
        while True:
            try:
                assert (await client.get(f"{origin(system)}/api/health")).status_code == 200
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)  # As a client does.


async def test_it_is_told_nothing_of_what_we_know(system: TemporarySystem) -> None:
    assert "STUDYSPOT" not in environment(system.pid_of("proxy"))


# The last: there is nothing after it.
async def test_it_ends_with_the_rest(system: TemporarySystem) -> None:
    proxy = system.pid_of("proxy")
    # nginx has some.
    workers = children(proxy)
    system.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await system.process.wait() == 0
    assert not [pid for pid in (proxy, *workers) if identify(pid)]
