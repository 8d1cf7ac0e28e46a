"""The bodies of commands about notices and announcements, and what they are answered with."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClosedModel, Identifier, LongText, ShortText

Mutable = Literal["booking-made-for-you", "check-in-closing", "staff-invited"]
"""What nobody misses the loss of anything for; a test keeps it the same as the domain's."""


def _none_twice(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("the same value stands twice")
    return values


class PersonalNoticeBody(ClosedModel):
    """A few lines to students, each of whom has or had a booking in the library."""

    library_id: Identifier
    user_ids: Annotated[
        tuple[Identifier, ...], Field(min_length=1, max_length=100), AfterValidator(_none_twice)
    ]
    text: LongText


class SentNotice(CamelModel):
    id: str
    user_id: str


class PersonalNoticeAnswer(Positioned):
    """Who was written to; `not_sent` are those who are disabled or erased."""

    sent: tuple[SentNotice, ...]
    not_sent: tuple[str, ...]


class NoticeReadAnswer(Positioned):
    id: str


class MutedBody(ClosedModel):
    """Everything that is muted from now on."""

    kinds: Annotated[tuple[Mutable, ...], Field(max_length=3), AfterValidator(_none_twice)]


class MutedAnswer(CamelModel):
    """What is muted, and what may be."""

    kinds: tuple[Mutable, ...]
    mutable: tuple[Mutable, ...]


class AnnouncementBody(ClosedModel):
    title: ShortText
    text: LongText


class AnnouncementAnswer(Positioned):
    id: str
    title: str
    text: str
