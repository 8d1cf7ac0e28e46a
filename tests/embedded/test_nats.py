"""NATS as an own child."""

import nats


async def test_the_administrator_gets_an_empty_server_with_jetstream(nats_url: str) -> None:
    connection = await nats.connect(nats_url, connect_timeout=5)
    try:
        account = await connection.jetstream().account_info()
    finally:
        await connection.close()
    assert account.streams == 0
