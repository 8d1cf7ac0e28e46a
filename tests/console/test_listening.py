"""Where a process listens: at addresses of IPv4 and IPv6, and what is said where one is taken."""

import socket
from pathlib import Path

import pytest

from studyspot.console.doctor import fanout_finding
from studyspot.console.faults import Fault
from studyspot.console.listening import authority, held_port, require_free
from studyspot.embedded.ports import free_port
from studyspot.settings import OwnSettings
from tests.ws_fanout.fanout_process import fanout_process
from tests.ws_fanout.live import log_at
from tests.ws_fanout.people import KEY


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="THIS MACHINE HAS NO IPv6: listening there is untried")
HOSTS = ("127.0.0.1", "localhost", *(pytest.param(host, marks=needs_ipv6) for host in ("::1", "::")))


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_is_free_until_somebody_listens_there(host: str) -> None:
    port = free_port()
    require_free(host, port, "STUDYSPOT_FANOUT_PORT")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, port), family=family),
        pytest.raises(Fault) as fault,
    ):
        require_free(host, port, "STUDYSPOT_FANOUT_PORT")
    assert fault.value.what == f"Port {port} on {host} cannot be used: Address already in use."
    assert fault.value.mend == "Stop what listens there, or set STUDYSPOT_FANOUT_PORT."


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_that_is_kept_for_workers_is_not_free_to_others(host: str) -> None:
    with held_port(host, 0) as port, pytest.raises(Fault):
        require_free(host, port, "STUDYSPOT_FANOUT_PORT")


def test_a_host_that_is_none_is_told_plainly() -> None:
    with pytest.raises(Fault, match="on no such host"):
        require_free("no such host", free_port(), "STUDYSPOT_FANOUT_PORT")


@pytest.mark.parametrize(
    ("host", "found"), [("127.0.0.1", "127.0.0.1:8001"), ("::1", "[::1]:8001"), ("here", "here:8001")]
)
def test_an_address_of_ipv6_stands_in_brackets(host: str, found: str) -> None:
    assert authority(host, 8001) == found


@needs_ipv6
@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
async def test_a_fan_out_listens_at_every_address_of_ipv6_and_the_doctor_finds_it(
    arguments: tuple[str, ...], nats_url: str, tmp_path: Path
) -> None:
    KEY.save(tmp_path / "key.pem")
    async with log_at(nats_url), fanout_process(nats_url, tmp_path, *arguments, host="::") as fanout:
        settings = OwnSettings(
            home=tmp_path,
            signing_key=tmp_path / "key.pem",
            fanout_host="::1",
            fanout_port=fanout.port,
        )
        finding = await fanout_finding(settings)
    assert finding.well, finding.found
    assert finding.found.startswith(f"[::1]:{fanout.port}: joined")
