"""Which proxy `up` runs, and what it says where it runs none."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studyspot.console.faults import Fault
from studyspot.console.one_origin import NoProxy, OneOrigin, one_origin
from studyspot.embedded.errors import StartFailed
from studyspot.embedded.ports import free_port
from studyspot.embedded.proxy import installed_proxy
from studyspot.settings import GivenSettings
from tests.embedded.test_proxy import a_program
from tests.engines import temporary_home


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, on a machine whose PATH has programs that take whatever they are told."""
    with temporary_home() as home:
        for name in ("nginx", "caddy"):
            a_program(home / "bin", name)
        monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
        yield home


def settings(**values: Any) -> GivenSettings:
    return GivenSettings(**({"proxy_port": free_port()} | values))


def test_of_itself_it_is_the_one_that_is_found(home: Path) -> None:
    known = settings()
    found = one_origin(known, home)
    assert isinstance(found, OneOrigin)
    assert found.child.argv[0] == str(home / "bin/caddy")
    assert found.url == f"http://127.0.0.1:{known.proxy_port}"
    assert found.origins == (found.url, f"http://localhost:{known.proxy_port}")


def test_it_is_the_one_that_was_asked_for_or_none(home: Path) -> None:
    found = one_origin(settings(proxy="nginx"), home)
    assert isinstance(found, OneOrigin)
    assert found.child.argv[0] == str(home / "bin/nginx")
    assert one_origin(settings(proxy="none"), home) is None


def test_where_none_is_installed_it_is_said_how_to_get_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    if installed_proxy() is not None:
        pytest.skip("this machine has one where every PATH leads")
    said = one_origin(settings(), home)
    assert isinstance(said, NoProxy)
    assert "install Caddy or nginx" in said.reason
    with pytest.raises(Fault, match="caddy is not installed"):
        one_origin(settings(proxy="caddy"), home)


def test_it_goes_to_where_the_processes_are_reached(home: Path) -> None:
    known = settings(
        proxy="nginx", api_host="0.0.0.0", api_port=4001, fanout_host="::", fanout_port=4002, proxy_port=0
    )
    found = one_origin(known, home)
    assert isinstance(found, OneOrigin)
    site = (home / "proxy/site.conf").read_text()
    assert "server 127.0.0.1:4001;" in site
    assert "server [::1]:4002;" in site
    assert f"listen {found.url.removeprefix('http://')};" in site


def test_a_taken_port_is_told_and_stops_only_who_asked_for_the_proxy(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_origin(settings(proxy_port=port), home)
        assert isinstance(said, NoProxy)
        assert f"Port {port} is taken." in said.reason
        assert "STUDYSPOT_PROXY_PORT" in said.reason
        with pytest.raises(Fault, match=f"Port {port} is taken"):
            one_origin(settings(proxy="caddy", proxy_port=port), home)


def test_a_port_that_our_own_processes_are_to_have_is_taken(home: Path) -> None:
    port = free_port()
    with pytest.raises(Fault, match=f"Port {port} is taken"):
        one_origin(settings(proxy="caddy", proxy_port=port, fanout_port=port), home)


def test_a_broken_proxy_stops_only_who_asked_for_it(home: Path) -> None:
    a_program(home / "bin", "caddy", "echo too old; exit 1")
    said = one_origin(settings(), home)
    assert isinstance(said, NoProxy)
    assert said.reason.count("\n") == 0
    assert "too old" in said.reason
    with pytest.raises(StartFailed, match="too old"):
        one_origin(settings(proxy="caddy"), home)


@pytest.mark.parametrize(
    "url", ["seats.example.org", "ftp://seats.example.org", "https://seats.example.org/portal", "https://"]
)
def test_a_public_url_that_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"seats\.example\.org"):
        settings(public_url=url)


def test_pages_of_the_public_url_are_ours() -> None:
    known = settings(public_url="https://seats.example.org/", allowed_origins=("https://old.example",))
    assert known.public_url == "https://seats.example.org"
    assert known.page_origins == ("https://old.example", "https://seats.example.org")
