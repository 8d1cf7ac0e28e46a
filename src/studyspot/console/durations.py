"""Durations as people write them: a number and a unit."""

import re
from datetime import timedelta

from studyspot.console.faults import Fault

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration_of(text: str) -> timedelta:
    """Return the duration that `30s`, `15m`, `1h` or `7d` names.

    Raises:
        Fault: the text names none.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if match is None:
        raise Fault(f"{text!r} is no duration.", "Use a number and a unit: 30s, 15m, 1h, 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
