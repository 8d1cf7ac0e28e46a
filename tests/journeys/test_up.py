"""`studyspot up` and the commands beside it, as a user runs them."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from studyspot.access.keys import SigningKey
from studyspot.console.installation import begin
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.ports import free_port
from studyspot.embedded.postgres_cluster import remove_cluster
from tests.engines import temporary_home
from tests.forked import command
from tests.freezing import freeze, thaw
from tests.projections.serving import Patient

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_SECONDS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system() -> AsyncIterator[TemporarySystem]:
    async with temporary_system() as system:
        yield system


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


async def run(*arguments: str, home: Path, **environment: str) -> tuple[int, str, str]:
    """Run `studyspot` and return its exit status and what it said."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    ended = await command.run(
        *arguments,
        environment=clean | {"STUDYSPOT_HOME": str(home), "STUDYSPOT_PROXY": "none"} | environment,
        directory=home,
    )
    return ended.status, ended.output, ended.errors


def api(system: TemporarySystem, user_id: str, role: Any) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {system.token(user_id, role)}"}
    return httpx.AsyncClient(base_url=system.api_url, headers=headers, timeout=30, transport=Patient())


async def a_seat(system: TemporarySystem) -> tuple[str, str]:
    async with api(system, "o1", "library_owner") as owner:
        body = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
        library = (await owner.post("/api/libraries", json=body)).json()["id"]
        seats = {"seats": [{"label": "A1"}]}
        added = (await owner.post(f"/api/libraries/{library}/seats", json=seats)).json()
    return library, added["seats"][0]["id"]


def a_booking(library: str, seat: str, days: int = 1) -> dict[str, str]:
    start = datetime.now(UTC) + timedelta(days=days)
    return {
        "libraryId": library,
        "seatId": seat,
        "start": start.isoformat(),
        "end": (start + timedelta(hours=2)).isoformat(),
    }


async def is_joined(socket: ClientConnection, room: str) -> None:
    """Wait until the socket is in the room: with the first answer, or as soon as the fan-out knows why."""
    while True:
        told = orjson.loads(await socket.recv())
        if any(answer["room"] == room and answer["joined"] for answer in rooms_of(told)):
            return


def rooms_of(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """What `connected` or `joined` says of rooms."""
    return list(frame["rooms"]) if frame["type"] in ("connected", "joined") else []


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  Processes and files tell of themselves by no event.
        await asyncio.sleep(0.005)


def descendants(pid: int) -> set[ProcessIdentity]:
    """Return the processes that `pid` has started, and those that they have."""
    found = set()
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, entry.read_text().split()):
            if (identity := identify(child)) is not None:
                found |= {identity, *descendants(child)}
    return found


async def test_a_booking_over_http_reaches_the_owners_socket_and_the_tail(system: TemporarySystem) -> None:
    library, seat = await a_seat(system)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    tail = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "studyspot",
        *("events", "tail", "--subject", f"studyspot.booking.*.{library}.*", "--since", "0", "--json"),
        env=clean | {"STUDYSPOT_HOME": str(system.home)},
        stdout=asyncio.subprocess.PIPE,
    )
    url = f"{system.fanout_url}/ws"
    async with connect(url, subprotocols=[Subprotocol("studyspot.v1")], compression=None) as socket:
        token = system.token("o1", "library_owner")
        await socket.send(json.dumps({"type": "connect", "id": 1, "token": token}))
        async with asyncio.timeout(LIMIT_SECONDS):
            await is_joined(socket, f"library:{library}:staff")
        async with api(system, "s1", "student") as student:
            booked = (await student.post("/api/bookings", json=a_booking(library, seat))).json()
        async with asyncio.timeout(LIMIT_SECONDS):
            # What opened the library may come yet: the fan-out hears of it while the API has answered.
            while (frame := orjson.loads(await socket.recv())).get("position", 0) < booked["position"]:
                continue
    assert (frame["type"], frame["name"], frame["position"]) == (
        *("event", "booking:created"),
        booked["position"],
    )
    assert frame["event"]["data"]["bookingId"] == booked["id"]
    assert tail.stdout is not None
    async with asyncio.timeout(LIMIT_SECONDS):
        line = orjson.loads(await tail.stdout.readline())
    tail.send_signal(signal.SIGINT)
    assert await tail.wait() == 130
    assert (line["sequence"], line["data"]["bookingId"]) == (str(booked["position"]), booked["id"])


async def test_a_client_reads_its_own_write(system: TemporarySystem) -> None:
    library, seat = await a_seat(system)
    async with api(system, "s2", "student") as student:
        booked = (await student.post("/api/bookings", json=a_booking(library, seat, days=2))).json()
        at_least = {"StudySpot-Min-Position": str(booked["position"])}
        found = await student.get(f"/api/bookings/{booked['id']}", headers=at_least)
        assert found.status_code == 200, found.text
        assert int(found.headers["StudySpot-Position"]) >= booked["position"]
        listed = (await student.get("/api/bookings", headers=at_least)).json()
        assert booked["id"] in {row["id"] for row in listed["rows"]}
        interval = {"start": booked["start"], "end": booked["end"]}
        seats = await student.get(f"/api/libraries/{library}/seats", params=interval, headers=at_least)
        (only,) = seats.json()["seats"]
        assert (only["status"], only["occupations"][0]["state"]) == ("booked", "booked")
        ahead = await student.get("/api/bookings", headers={"StudySpot-Min-Position": "999999"})
        assert ahead.status_code == 422
    async with api(system, "s3", "student") as stranger:
        assert (await stranger.get(f"/api/bookings/{booked['id']}")).status_code == 404


async def test_no_process_asks_nats_for_what_it_may_not(system: TemporarySystem) -> None:
    library, seat = await a_seat(system)
    async with api(system, "s4", "student") as student:
        booked = (await student.post("/api/bookings", json=a_booking(library, seat))).json()
        at_least = {"StudySpot-Min-Position": str(booked["position"])}
        assert (await student.get("/api/bookings", headers=at_least)).status_code == 200
    assert "Violation" not in (system.home / "logs" / "nats.log").read_text()


async def test_the_doctor_finds_everything_well(system: TemporarySystem) -> None:
    status, out, err = await run("doctor", "--json", home=system.home)
    findings = json.loads(out)
    assert status == 0, (findings, err)
    assert {"database", "nats", "relay", "api", "fan-out"} <= {finding["check"] for finding in findings}


async def test_read_outs_come_as_json(system: TemporarySystem) -> None:
    _, relay, _ = await run("relay", "status", "--json", home=system.home)
    _, epoch, _ = await run("epoch", "show", "--json", home=system.home)
    _, projections, _ = await run("projections", "status", "--json", home=system.home)
    assert json.loads(relay)["epoch"] == json.loads(epoch)["epoch"]
    assert {row["name"] for row in json.loads(projections)} == {
        *("libraries", "seats", "bookings", "notifications", "people", "waitlist", "audit")
    }
    assert json.loads(relay).keys() == {"head", "epoch", "halted", "lastPosition", "streamEpoch", "lag"}
    assert json.loads(epoch).keys() == {"position", "epoch", "halted"}
    assert {"lagEvents", "lagSeconds", "appliedAt"} <= json.loads(projections)[0].keys()


@pytest.mark.parametrize("name", ["relay", "api", "projections", "policies", "fanout"])
async def test_a_child_is_told_no_more_than_it_needs(
    system: TemporarySystem, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Path(f"/proc/{system.pid_of(name)}")
    environment = dict(line.split("=", 1) for line in (process / "environ").read_text().split("\0") if line)
    known = system.settings
    withheld = ["nats_url"] + ["signing_key"] * (name != "api") + ["database_url"] * (name == "fanout")
    for secret in withheld:
        assert str(known[secret]) not in environment.values()
    # Where it runs there is a run.json that it could read.
    monkeypatch.setattr(os, "environ", environment | {"STUDYSPOT_HOME": str(system.home)})
    assert "--environment-only" in (process / "cmdline").read_text().split("\0")
    assert begin().signing_key == Path(known["signing_key"])
    seen = begin(environment_only=True)
    assert (seen.signing_key is None) == (name != "api")
    assert (seen.database_url is None) == (name == "fanout")
    assert bool(seen.jwks) == (name in ("api", "fanout"))


async def test_run_json_is_private_and_lets_token_sign(system: TemporarySystem) -> None:
    run_file = system.home / "run.json"
    assert stat.S_IMODE(run_file.stat().st_mode) == 0o600
    status, out, _ = await run("token", "--user", "s9", "--role", "student", home=system.home)
    assert status == 0
    async with httpx.AsyncClient(base_url=system.api_url) as client:
        headers = {"Authorization": f"Bearer {out.strip()}"}
        assert (await client.get("/api/bookings", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("--user", "a b", "--role", "student"),
        ("--user", "s1", "--role", "king"),
        ("--user", "s1", "--role", "student", "--ttl", "soon"),
    ],
)
async def test_a_token_that_cannot_be_is_one_line(
    system: TemporarySystem, arguments: tuple[str, ...]
) -> None:
    status, _, err = await run("token", *arguments, home=system.home)
    assert (status, err.count("\n"), "Traceback" in err) == (1, 1, False)


async def test_a_second_up_on_the_same_home_is_refused_in_one_line(system: TemporarySystem) -> None:
    status, _, err = await run("up", home=system.home)
    assert status == 1
    assert "already runs" in err.strip().splitlines()[-1]
    assert "Traceback" not in err


async def test_a_taken_port_is_one_line_with_its_mend(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, _, err = await run("up", home=tmp_path, STUDYSPOT_API_PORT=port)
    assert status == 1
    assert f"Port {port}" in err
    assert "STUDYSPOT_API_PORT" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("api",), {}, "STUDYSPOT_DATABASE_URL"),
        (("relay", "status"), {}, "STUDYSPOT_DATABASE_URL"),
        (("epoch", "show"), {"STUDYSPOT_DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "does not answer"),
        (("events", "tail"), {"STUDYSPOT_NATS_URL": "nats://127.0.0.1:9"}, "NATS"),
        (("fanout",), {"STUDYSPOT_NATS_URL": "nats://127.0.0.1:9"}, "No keys are known"),
        (("token", "--user", "a", "--role", "student"), {}, "STUDYSPOT_SIGNING_KEY"),
        (("up",), {"STUDYSPOT_API_PORT": "many"}, "STUDYSPOT_API_PORT"),
        (("events", "tail", "--subject", ""), {}, "'' is no subject"),
        (("events", "tail", "--subject", "studyspot.a b"), {}, "'studyspot.a b' is no subject"),
        (("events", "tail", "--subject", "studyspot.>.x"), {}, "is no subject"),
        (("events", "tail", "--subject", "elsewhere.>"), {}, "is no subject"),
        (("events", "tail", "--since", str(2**63)), {}, "is no position"),
    ],
)
async def test_what_is_away_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    status, out, err = await run(*arguments, home=tmp_path, **environment)
    assert (status, out) == (1, "")
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_the_api_does_not_start_without_the_key_that_its_secrets_derive_from(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(SigningKey.generate().jwks()))
    known = {
        "STUDYSPOT_NATS_URL": "nats://127.0.0.1:9",
        "STUDYSPOT_DATABASE_URL": "postgresql://127.0.0.1:9/x",
        "STUDYSPOT_JWKS": str(tmp_path / "jwks.json"),
    }
    status, _, err = await run("api", home=tmp_path, **known)
    assert status == 1
    assert "No signing key is known" in err.splitlines()[-1]


async def test_log_lines_never_stand_among_the_answers(tmp_path: Path) -> None:
    away = {
        "STUDYSPOT_NATS_URL": "nats://127.0.0.1:9",
        "STUDYSPOT_DATABASE_URL": "postgresql://127.0.0.1:9/x",
    }
    status, out, err = await run("doctor", "--json", home=tmp_path, **away)
    assert status == 1
    (line,) = out.splitlines()
    assert {finding["check"] for finding in json.loads(line) if not finding["well"]} >= {"database", "nats"}
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "begun", ["the first process", "logs/postgres.log", "run/postgres.json", "run/nats.json"]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_while_up_is_starting_leaves_no_process(
    begun: str, number: signal.Signals, home: Path
) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    ports = {f"STUDYSPOT_{name}_PORT": str(free_port()) for name in ("API", "FANOUT")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "studyspot", "up"),
        env=clean | ports | {"STUDYSPOT_HOME": str(home), "STUDYSPOT_PROXY": "none"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await until(lambda: begun == "the first process" or (home / begun).exists())
            await until(lambda: bool(descendants(process.pid)))
            # It stands still while we look, so that none escapes us.
            freeze(process.pid)
            started = descendants(process.pid)
            process.send_signal(number)
            thaw(process.pid)
            _, err = await process.communicate()
            assert (process.returncode, b"Traceback" in err) == (0, False), err
            await until(lambda: not any(identity.is_alive() for identity in started))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        remove_cluster(home)
