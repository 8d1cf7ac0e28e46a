"""What bodies have in common: camelCase, closed, and text that every part of the system can carry."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from studyspot.domain.identifiers import PATTERN


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
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
AmountMinor = Annotated[int, Field(strict=True, ge=0, le=10**12)]
