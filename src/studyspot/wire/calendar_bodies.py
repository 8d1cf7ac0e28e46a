"""Keys of calendar feeds, as they are answered."""

from studyspot.wire.shape import CamelModel


class CalendarKeyAnswer(CamelModel):
    """A new key, and the address of the feed with it: told this once, and never again."""

    key: str
    url: str
    position: int


class CalendarRevokedAnswer(CamelModel):
    """No key opens the feed any more."""

    position: int
