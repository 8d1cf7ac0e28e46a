"""The processes of `up`: which there are, and what each is told."""

import os
import sys
from collections.abc import Mapping

from pydantic import JsonValue

from studyspot.embedded.runfile import ServiceEntry
from studyspot.embedded.supervisor import ChildSpec
from studyspot.settings import OwnSettings

SERVICES = {
    "relay": ("relay",),
    "api": ("api",),
    "projections": ("projections", "run"),
    "policies": ("policies", "run"),
    "fanout": ("fanout",),
}
"""The children, in the order of their starts, with the command that each runs."""

_FOR_ALL = ("nats_url", "metrics_port", "log_level", "log_format")
_FOR_VERIFYING = (
    *("jwks", "token_issuer", "token_audience"),
    *("external_issuer", "external_jwks", "external_audience", "role_claim"),
)
KNOWN_TO = {
    "relay": (*_FOR_ALL, "database_url"),
    "api": (
        *(*_FOR_ALL, *_FOR_VERIFYING, "database_url"),
        *("api_host", "api_port", "fanout_host", "fanout_port", "signing_key"),
        *("rate_limit_burst", "rate_limit_per_second", "trusted_proxies"),
        *("allowed_origins", "public_url"),
    ),
    "projections": (*_FOR_ALL, "database_url"),
    # They need no broker.
    "policies": ("metrics_port", "log_level", "log_format", "database_url"),
    "fanout": (
        *(*_FOR_ALL, *_FOR_VERIFYING),
        *("fanout_host", "fanout_port", "allowed_origins", "trusted_proxies", "public_url"),
    ),
}
"""What each child is told. The key that signs, and that secrets derive from, is the api's alone."""


def child(name: str, entry: ServiceEntry, known: Mapping[str, JsonValue], settings: OwnSettings) -> ChildSpec:
    """Return how a process is run: of what is `known` it is told what it needs, and nothing else."""
    all_known = {
        **known,
        "nats_url": entry.nats_url,
        "metrics_port": entry.metrics_port,
        "log_level": settings.log_level,
        "log_format": settings.log_format,
    }
    told = {key: all_known[key] for key in KNOWN_TO[name]}
    given = {f"STUDYSPOT_{key.upper()}": str(value) for key, value in told.items() if value is not None}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-m", "studyspot", *SERVICES[name], "--environment-only"),
        environment=inherited | given,
        ready_url=f"http://127.0.0.1:{entry.metrics_port}/ready",
    )
