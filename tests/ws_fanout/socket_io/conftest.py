from collections.abc import AsyncIterator

import pytest

from studyspot.ws_fanout.app import Fanout
from tests.ws_fanout.live import Log, fanout_at, log_at
from tests.ws_fanout.socket_io.clients import NodeClients, Opened, node_client, node_clients, python_client
from tests.ws_fanout.socket_io.javascript import JavaScript
from tests.ws_fanout.socket_io.javascript import javascript as installed_javascript
from tests.ws_fanout.socket_io.machine_cache import NotInstalled, go_without


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is installed before a test's first run is none of the test's time."""
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("conftest.py")):
            item.add_marker(pytest.mark.timeout(120, func_only=True))


@pytest.fixture(scope="session")
def javascript() -> JavaScript:
    try:
        return installed_javascript()
    except NotInstalled as error:
        go_without(error)


@pytest.fixture
async def node_process(javascript: JavaScript) -> AsyncIterator[NodeClients]:
    async with node_clients(javascript) as clients:
        yield clients


@pytest.fixture(params=["javascript", "python"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens sockets of each client library."""
    if request.param == "python":
        return python_client
    return node_client(request.getfixturevalue("node_process"))


@pytest.fixture
async def log(nats_url: str) -> AsyncIterator[Log]:
    async with log_at(nats_url) as log:
        yield log


@pytest.fixture
async def fanout(nats_url: str, log: Log) -> AsyncIterator[Fanout]:
    async with fanout_at(nats_url) as fanout:
        yield fanout
