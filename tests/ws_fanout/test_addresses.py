"""Whose address a connection is counted by."""

import pytest

from studyspot.ws_fanout.addresses import Proxies

PROXIES = Proxies(("10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        ("10.1.1.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.1.1.1", ("203.0.113.9, 198.51.100.7",), "198.51.100.7"),
        ("10.1.1.1", ("198.51.100.7, 10.2.2.2",), "198.51.100.7"),
        ("10.1.1.1", ("198.51.100.7", "10.2.2.2"), "198.51.100.7"),
        ("10.1.1.1", ("198.51.100.7:4711",), "198.51.100.7"),
        ("10.1.1.1", ("[2001:db8:7::1]:4711",), "2001:db8:7::/64"),
        ("10.1.1.1", ("unknown",), "10.1.1.1"),
        ("10.1.1.1", ("198.51.100.7, nonsense, 10.2.2.2",), "10.2.2.2"),
        ("10.1.1.1", ("",), "10.1.1.1"),
        ("::ffff:10.1.1.1", ("198.51.100.7",), "198.51.100.7"),
        ("2001:db8:1::5", ("198.51.100.7",), "198.51.100.7"),
        ("2001:db8:7:0:1::1", (), "2001:db8:7::/64"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("127.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("127.0.0.1", (), None),
        ("::1", ("198.51.100.7",), None),
    ],
)
def test_the_address_is_the_one_that_the_last_proxy_we_trust_speaks_for(
    peer: str, forwarded: tuple[str, ...], counted: str | None
) -> None:
    assert PROXIES.client_of(peer, forwarded) == counted


def test_what_is_no_network_is_not_taken_for_a_proxy() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Proxies(("proxy",))
