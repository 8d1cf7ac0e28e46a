"""Whose address a connection comes from: the peer's, or the one that a proxy we trust speaks for."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NETWORK_BITS = 64
"""Of an IPv6 address: what one subscriber may choose from freely is counted as one."""


class Proxies:
    """The proxies whose X-Forwarded-For is believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """Trust these addresses or networks.

        Raises:
            ValueError: one of them is neither.
        """
        self._networks = tuple(ip_network(network, strict=False) for network in trusted)

    def client_of(self, peer: str, forwarded: Sequence[str]) -> str | None:
        """Return the address to count by: what the last proxy that is believed says, or the peer's own.

        None for this machine itself: a proxy on it that nobody has named would be everybody.
        `forwarded` are the X-Forwarded-For headers, as they came.
        """
        found = _address(peer)
        if found is None:
            return peer
        hops = [hop for header in forwarded for hop in header.split(",")]
        while hops and any(found in network for network in self._networks):
            before = _address(hops.pop())
            if before is None:
                break
            found = before
        return None if found.is_loopback else _counted(found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return what a hop names, with or without a port; none where that is no address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _counted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _NETWORK_BITS), strict=False))
