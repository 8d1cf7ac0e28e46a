"""Identifiers: 1 to 64 of `A-Z a-z 0-9 _ -`, so that each fits a subject, a tag, a room and a path."""

import re

PATTERN = r"^[A-Za-z0-9_-]{1,64}$"

_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_identifier(value: object) -> bool:
    return isinstance(value, str) and _FORM.fullmatch(value) is not None
