"""NATS as an own child."""

import json
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError

from studyspot.broker.connection import connect
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.stream import StreamMessage, ensure_stream, stream_state
from studyspot.embedded.errors import PortTaken, StartFailed
from studyspot.embedded.nats import EmbeddedNats
from tests.engines import NatsServer, temporary_home


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


async def test_the_administrator_gets_an_empty_server_with_jetstream(nats_url: str) -> None:
    connection = await connect(nats_url, name="test")
    try:
        account = await connection.jetstream().account_info()
    finally:
        await connection.close()
    assert account.streams == 0


@pytest.mark.parametrize("credentials", ["relay:wrong@", "stranger:wrong@", ""])
async def test_nobody_gets_in_without_the_right_password(nats_server: NatsServer, credentials: str) -> None:
    address = nats_server.urls.relay.rpartition("@")[2]
    with pytest.raises(NatsError, match="Authorization Violation"):
        await nats.connect(f"nats://{credentials}{address}", allow_reconnect=False, connect_timeout=30)


async def test_acknowledged_messages_survive_a_kill_and_the_port_stays(nats_server: NatsServer) -> None:
    connection = await connect(nats_server.urls.admin, name="test")
    try:
        await ensure_stream(connection.jetstream(), epoch="e1")
        publisher = FencedPublisher(connection)
        await publisher.publish([StreamMessage(1, "studyspot.test", b"{}")])
    finally:
        await connection.close()
    urls = nats_server.urls
    nats_server.kill()
    nats_server.restart()
    assert nats_server.urls == urls
    connection = await connect(urls.admin, name="test")
    try:
        state = await stream_state(connection.jetstream())
    finally:
        await connection.close()
    assert state is not None
    assert state.last_position == 1


def test_its_secrets_can_be_read_by_their_owner_alone(home: Path) -> None:
    engine = EmbeddedNats(home)
    try:
        engine.start()
    finally:
        engine.stop()
    assert (home / "nats").stat().st_mode & 0o777 == 0o700
    for name in ("server.conf", "passwords.json"):
        assert (home / "nats" / name).stat().st_mode & 0o777 == 0o600


def test_each_home_has_passwords_of_its_own_and_keeps_them(home: Path) -> None:
    passwords = []
    for folder in ("one", "one", "two"):
        engine = EmbeddedNats(home / folder)
        try:
            engine.start()
        finally:
            engine.stop()
        passwords.append(json.loads((home / folder / "nats" / "passwords.json").read_text()))
    assert passwords[0] == passwords[1]
    assert not set(passwords[0].values()) & set(passwords[2].values())


def test_two_homes_run_side_by_side(home: Path) -> None:
    first, second = EmbeddedNats(home / "one"), EmbeddedNats(home / "two")
    try:
        assert first.start().admin != second.start().admin
        assert first.is_running()
        assert second.is_running()
    finally:
        first.stop()
        second.stop()


def test_a_port_that_was_taken_meanwhile_is_told_in_one_line(home: Path) -> None:
    first, second = EmbeddedNats(home / "one"), EmbeddedNats(home / "two")
    try:
        first.start()
        first.stop()
        second._server.port = first._server.port  # As if it had been given to the second meanwhile.
        second.start()
        with pytest.raises(PortTaken) as told:
            first.start()
        assert "\n" not in str(told.value)
        assert not first.is_running()
    finally:
        first.stop()
        second.stop()


def test_damaged_passwords_are_told_with_their_mend(home: Path) -> None:
    (home / "nats").mkdir()
    (home / "nats" / "passwords.json").write_text("{")
    with pytest.raises(StartFailed, match="Remove it"):
        EmbeddedNats(home).start()
