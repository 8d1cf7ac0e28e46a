"""Where public keys come from: files and URLs."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

LONGEST_KEY_SET = 256 * 1024
"""Bytes of a JWKS document; who answers with more is not asked for keys."""
_READ_WITHIN = timedelta(seconds=5)


class KeysUnavailable(Exception):
    """A set of public keys cannot be had."""


def load_key_sets(sources: Iterable[str]) -> list[dict[str, Any]]:
    """Return the JWKS documents at these files or URLs.

    Raises:
        KeysUnavailable: one of them cannot be read, is too large, or is not JSON.
    """
    return [_parsed(source, _fetched(source) if is_url(source) else _read(source)) for source in sources]


async def read_key_sets(sources: Sequence[str]) -> list[dict[str, Any]]:
    """Return what `load_key_sets` returns, without blocking the event loop.

    The caller sets the limit: a server may send its answer as slowly as it likes.

    Raises:
        KeysUnavailable: one of them cannot be read, is too large, or is not JSON.
    """
    documents = []
    for source in sources:
        # A file is a few hundred bytes, and read more quickly than a thread is asked to.
        text = await _fetched_async(source) if is_url(source) else _read(source)
        documents.append(_parsed(source, text))
    return documents


def is_url(source: str) -> bool:
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
        with httpx.stream("GET", url, timeout=_READ_WITHIN.total_seconds()) as response:
            response.raise_for_status()
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > LONGEST_KEY_SET:
                    break
            return content
    except httpx.HTTPError as error:
        raise KeysUnavailable(f"{url}: {error!r}") from error


async def _fetched_async(url: str) -> bytes:
    import httpx

    try:
        async with (
            httpx.AsyncClient(timeout=_READ_WITHIN.total_seconds()) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            content = b""
            async for part in response.aiter_bytes():
                content += part
                if len(content) > LONGEST_KEY_SET:
                    break
            return content
    except httpx.HTTPError as error:
        raise KeysUnavailable(f"{url}: {error!r}") from error


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
