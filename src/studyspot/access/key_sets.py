"""Where public keys come from: files and URLs."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

LONGEST_KEY_SET = 256 * 1024
"""Bytes of a JWKS document; who answers with more is not asked for keys."""
_STEP_WITHIN = timedelta(seconds=3)
"""For each step of asking: to connect, to be answered, to have the answer whole."""


class KeysUnavailable(Exception):
    """A set of public keys cannot be had."""


def load_key_sets(sources: Iterable[str]) -> list[dict[str, Any]]:
    """Return the JWKS documents at these files or URLs.

    Raises:
        KeysUnavailable: one of them cannot be read, is too large, or is not JSON.
    """
    return [_parsed(source, _fetched(source) if _is_url(source) else _read(source)) for source in sources]


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read(source: str) -> bytes:
    try:
        with Path(source).open("rb") as file:
            return file.read(LONGEST_KEY_SET + 1)
    except OSError as error:
        raise KeysUnavailable(f"{source}: {error}") from error


def _fetched(url: str) -> bytes:
    # Most installations have their keys in files, and a command should not wait for an HTTP client.
    import httpx

    try:
        # No redirect is followed: whoever can send us elsewhere would choose the keys.
        with httpx.stream("GET", url, timeout=_STEP_WITHIN.total_seconds()) as response:
            response.raise_for_status()
            return _bounded(url, response.iter_bytes())
    except httpx.HTTPError as error:
        raise KeysUnavailable(f"{url}: {error!r}") from error


def _bounded(url: str, parts: Iterator[bytes]) -> bytes:
    deadline = time.monotonic() + _STEP_WITHIN.total_seconds()
    content = b""
    for part in parts:
        content += part
        if len(content) > LONGEST_KEY_SET:
            break
        if time.monotonic() > deadline:
            raise KeysUnavailable(f"{url}: the answer takes too long")
    return content


def _parsed(source: str, content: bytes) -> dict[str, Any]:
    if len(content) > LONGEST_KEY_SET:
        raise KeysUnavailable(f"{source}: longer than {LONGEST_KEY_SET} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise KeysUnavailable(f"{source}: {error}") from error
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{source}: not a JSON object")
    return document
