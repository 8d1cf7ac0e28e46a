"""What bodies have in common: camelCase, closed, and text that every part of the system can carry."""

import re
from datetime import UTC, datetime, time
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from studyspot.domain.identifiers import PATTERN

_WALL_TIME = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?"
_OFFSET = r"([Zz]|[+-]\d{2}:\d{2})"
_RFC_3339 = re.compile(_WALL_TIME + _OFFSET)
_MOMENT = re.compile(f"{_WALL_TIME}{_OFFSET}?")
_CLOCK_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?")
_YEARS = range(1970, 9999)


class CamelModel(BaseModel):
    """What we answer: camelCase outside, our names inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ClosedModel(CamelModel):
    """What we are told: anything unknown is an error, so that no misspelt field is silently left out."""

    model_config = ConfigDict(extra="forbid")


def _printable(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _rfc_3339(value: object) -> object:
    """Let through what is written as a time: a number would be guessed to be seconds, or milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("a time is written as 2026-12-01T09:00:00Z, with Z or an offset")


def _moment(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise ValueError(
        "a time is written as 2026-12-01T09:00:00Z, with Z or an offset, "
        "or without, and is then by the library's clock"
    )


def _clock_time(value: object) -> object:
    if isinstance(value, time) or (isinstance(value, str) and _CLOCK_TIME.fullmatch(value)):
        return value
    raise ValueError("a time of day is written as 09:00")


def _in_utc_or_wall_time(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        return _in_utc(moment)
    if moment.year not in _YEARS:
        raise ValueError("the time is out of range")
    return moment


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None


Identifier = Annotated[str, StringConstraints(pattern=PATTERN)]
ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_printable),
]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    AfterValidator(_printable),
]
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_in_utc)]
Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_utc_or_wall_time)]
"""An instant, in UTC; or, without an offset, what the library's clock shows then."""
ClockTime = Annotated[time, BeforeValidator(_clock_time)]
"""A time of day by the library's clock."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
AmountMinor = Annotated[int, Field(strict=True, ge=0, le=10**12)]
