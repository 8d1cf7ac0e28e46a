from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.ws_fanout.socket_io.chromium import chromium as installed_chromium
from tests.ws_fanout.socket_io.clients import Opened
from tests.ws_fanout.socket_io.javascript import JavaScript
from tests.ws_fanout.socket_io.javascript import javascript as installed_javascript
from tests.ws_fanout.socket_io.machine_cache import NotInstalled, go_without
from tests.ws_fanout.socket_io.node_clients import (
    NodeClients,
    NodeProcess,
    node_clients,
    node_process,
    opened_by_node,
)
from tests.ws_fanout.socket_io.python_clients import python_client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is installed before a test's first run is none of the test's time."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120, func_only=True))


@pytest.fixture(scope="session")
def javascript() -> JavaScript:
    try:
        return installed_javascript()
    except NotInstalled as error:
        go_without(error)


@pytest.fixture(scope="session")
def chromium() -> str | None:
    """A browser's path; None is Playwright's own."""
    try:
        return installed_chromium()
    except NotInstalled as error:
        go_without(error)


@pytest.fixture(scope="session")
def node(javascript: JavaScript) -> Iterator[NodeProcess]:
    """This worker's Node, for sockets of every test."""
    with node_process(javascript) as process:
        yield process


@pytest.fixture
async def clients(node: NodeProcess) -> AsyncIterator[NodeClients]:
    """Opens sockets of the portals' own client."""
    async with node_clients(node) as clients:
        yield clients


@pytest.fixture(params=["javascript", "python"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens sockets of each client library."""
    if request.param == "python":
        return python_client
    return opened_by_node(request.getfixturevalue("clients"))
