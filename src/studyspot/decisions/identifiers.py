"""New identifiers."""

import secrets
import uuid
from datetime import UTC, datetime


def new_id(now: datetime) -> str:
    """Return a UUIDv7 (RFC 9562): its first 48 bits are the milliseconds of `now`, so ids sort by time."""
    milliseconds = int(now.astimezone(UTC).timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def new_occupation() -> str:
    """Return a random id that tells nothing of whom or when: the public sees it."""
    return secrets.token_urlsafe(12)
