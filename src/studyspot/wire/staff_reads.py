"""Who works for a library, and who is invited to, as it is read."""

from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, Instant


class MemberView(CamelModel):
    """Somebody who works for the library; `name` is known of who has an account here."""

    user_id: str
    name: str | None
    since: Instant


class InvitedView(CamelModel):
    """An invitation that nobody has accepted yet: to a person, or to an address."""

    id: str
    user_id: str | None
    email: str | None
    invited_at: Instant
    until: Instant


class StaffFound(Reflected):
    """A library's staff, those longest there first; its owner also sees who is invited."""

    library_id: str
    rows: tuple[MemberView, ...]
    invitations: tuple[InvitedView, ...]


class InvitationView(CamelModel):
    """An invitation to work for a library, which may be accepted until `until`."""

    id: str
    library_id: str
    library_name: str
    city: str
    invited_at: Instant
    until: Instant


class InvitationsFound(Reflected):
    """The invitations that the caller may accept, the newest first."""

    rows: tuple[InvitationView, ...]
    server_now: Instant
