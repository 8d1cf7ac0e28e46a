"""What the log says of people: their accounts, whose the libraries are, and who works there."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studyspot.checker.records import Record


@dataclass(slots=True)
class Account:
    """`role` is none for who has no account here."""

    role: str | None = None
    disabled: bool = False
    erased: bool = False


@dataclass(slots=True)
class People:
    """The state that the records so far add up to; `told` is whom each notice or offer was for."""

    accounts: defaultdict[str, Account] = field(default_factory=lambda: defaultdict(Account))
    owners: dict[str, str] = field(default_factory=dict)
    staff: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    invitations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    students: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def owns(self, user: str | None, library: str) -> bool:
        return user is not None and self.owners.get(library) == user

    def is_active(self, user: str) -> bool:
        """Say whether this person is neither disabled nor erased."""
        account = self.accounts.get(user)
        return account is None or not (account.disabled or account.erased)

    def runs(self, user: str | None, library: str) -> bool:
        """Say whether this person owns the library or works for it."""
        return self.owns(user, library) or user in self.staff[library]

    def apply(self, record: Record) -> None:
        facts = record.facts
        match record.type:
            case "library.created":
                self.owners[facts["libraryId"]] = facts["ownerId"]
            case "staff.invited":
                self.invitations[facts["invitationId"]] = facts
            case "staff.added":
                self.staff[facts["libraryId"]].add(facts["userId"])
                self.accepted.add(facts["invitationId"])
            case "staff.removed":
                self.staff[facts["libraryId"]].discard(facts["userId"])
            case "account.registered" | "account.role-changed":
                self.accounts[facts["userId"]].role = facts["role"]
            case "account.disabled" | "account.enabled":
                self.accounts[facts["userId"]].disabled = record.type == "account.disabled"
            case "account.erased":
                self.accounts[facts["userId"]].erased = True
            case "booking.created":
                self.students[facts["libraryId"]].add(facts["userId"])
            case "notification.sent":
                self.told[facts["notificationId"]] = facts["userId"]
            case "waitlist.offered":
                self.told[facts["holdId"]] = facts["userId"]
            case "notification.read":
                self.read.add(facts["notificationId"])
            case _:
                pass
