"""Where public keys come from: files and URLs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SECONDS = 5


class KeysUnavailable(Exception):
    """A set of public keys cannot be had."""


def load_key_sets(sources: Iterable[str]) -> list[dict[str, Any]]:
    """Return the JWKS documents at these files or URLs.

    Raises:
        KeysUnavailable: one of them cannot be read, or is not JSON.
    """
    return [_load(source) for source in sources]


def _load(source: str) -> dict[str, Any]:
    try:
        document = json.loads(_read(source))
    except (OSError, ValueError) as error:
        raise KeysUnavailable(f"{source}: {error}") from error
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{source}: not a JSON object")
    return document


def _read(source: str) -> str:
    if source.startswith(("http://", "https://")):
        return _fetch(source)
    return Path(source).read_text()


def _fetch(url: str) -> str:
    # Most installations have their keys in files, and a command should not wait for an HTTP client.
    import httpx

    try:
        return httpx.get(url, timeout=_SECONDS).raise_for_status().text
    except httpx.HTTPError as error:
        raise KeysUnavailable(f"{url}: {error}") from error
