"""What reverse proxies are told, so that API and sockets have one origin: for operators, and for `up`."""

import json
from importlib.resources import files
from string import Template

from studyspot.wire.problems import UNAVAILABLE

_AWAY = json.dumps(
    {
        "type": UNAVAILABLE.type,
        "title": UNAVAILABLE.title,
        "status": UNAVAILABLE.status,
        "detail": "It starts again. Try again a little later.",
    }
)

_NGINX = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log stderr;

events {
    worker_connections 8192;
}

http {
    access_log off;
    server_tokens off;
    client_body_temp_path bodies;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
"""
_CADDY = """\
{
	admin off
	auto_https off
	default_bind 127.0.0.1
	grace_period 3s
	log {
		output stderr
		level WARN
	}
}

"""


class _Template(Template):
    """Text with `%{name}` in it, which neither nginx nor Caddy has a use for."""

    delimiter = "%"


def nginx_site(*, listen: str, api: str, fanout: str) -> str:
    """Return a site of nginx, for inside `http`; `listen` is a port, or an address with one."""
    return _filled("nginx.conf", listen=listen, api=api, fanout=fanout)


def caddy_site(*, site: str, api: str, fanout: str) -> str:
    """Return a site of Caddy; `site` is what its pages' addresses begin with."""
    return _filled("Caddyfile", site=site, api=api, fanout=fanout)


def nginx_files(port: int, *, api: str, fanout: str) -> dict[str, str]:
    """Return the files, by name, of an nginx of our own at that port of the loopback address.

    It is to run with their folder as its prefix.
    """
    site = nginx_site(listen=f"127.0.0.1:{port}", api=api, fanout=fanout)
    return {"nginx.conf": _NGINX, "site.conf": site}


def caddy_files(port: int, *, api: str, fanout: str) -> dict[str, str]:
    """Return the same for Caddy."""
    return {"Caddyfile": _CADDY + caddy_site(site=f"http://:{port}", api=api, fanout=fanout)}


def _filled(name: str, **values: str) -> str:
    text = files("studyspot.embedded").joinpath("proxies", name).read_text(encoding="utf-8")
    return _Template(text).substitute(away=_AWAY, **values)
