import pytest

from tests.ws_fanout.node import Node


@pytest.fixture
def node() -> Node:
    """A node without sockets, whose clock the test moves."""
    return Node()
