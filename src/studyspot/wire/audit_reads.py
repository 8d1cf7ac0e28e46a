"""Who did what, as it is read."""

from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, Instant


class ActView(CamelModel):
    """What `actor` did, at a place in the log: the type of its event, and the ids of what it is about.

    Without an actor it followed from another act.
    """

    position: int
    type: str
    at: Instant
    actor: str | None
    library_id: str | None
    user_id: str | None
    ids: dict[str, str]


class ActsFound(Reflected):
    """A page of acts, newest first; `next` is the cursor of the page that follows."""

    rows: tuple[ActView, ...]
    next: str | None
    server_now: Instant
