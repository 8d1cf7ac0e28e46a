"""Who may be in which room."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from studyspot.access.tokens import Identity
from studyspot.domain.people import Role
from studyspot.ws_fanout.room_names import EVERYONE, role_room, user_room

_ROLES = "|".join(get_args(Role))
_ROOM = re.compile(
    rf"everyone|role:({_ROLES})|user:[A-Za-z0-9_-]{{1,64}}|library:[A-Za-z0-9_-]{{1,64}}(?P<staff>:staff)?"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why someone may not be in a room: a code for programs, a reason for people."""

    code: str
    reason: str


NO_SUCH_ROOM = Refused("room-unknown", "There is no such room.")
TOO_MANY_ROOMS = Refused("too-many-rooms", "This socket is in as many rooms as it may be. Leave one first.")


def own_rooms(identity: Identity, staff_rooms: Collection[str]) -> tuple[str, ...]:
    """Return the rooms that a person is in without asking."""
    return (EVERYONE, user_room(identity.user_id), role_room(identity.role), *staff_rooms)


def refused(room: str, identity: Identity, staff_rooms: Collection[str]) -> Refused | None:
    """Return why this person may not be in the room; nothing where they may.

    `staff_rooms` are those of the libraries that they own or work for.
    """
    known = _ROOM.fullmatch(room)
    if known is None:
        return NO_SUCH_ROOM
    if identity.role == "admin" or room in own_rooms(identity, staff_rooms):
        return None
    if room.startswith("user:"):
        return Refused("room-forbidden", "This room is another person's.")
    if room.startswith("role:"):
        return Refused("room-forbidden", f"Your role is {identity.role}.")
    if known["staff"]:
        return Refused("room-forbidden", "Only the owner and the staff of this library may be in this room.")
    return None
