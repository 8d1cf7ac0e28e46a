"""Who acts."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["student", "library_owner", "staff", "admin"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who gives a command, as their token proves."""

    user_id: str
    role: Role
