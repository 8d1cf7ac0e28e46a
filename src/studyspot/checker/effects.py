"""What an accepted command has done: the event that must stand in the log, or the state that must hold."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studyspot.checker.log import Log
from studyspot.checker.records import Answer, Record, same

_OF_BOOKING = {
    "cancel": "booking.cancelled",
    "check-in": "booking.checked-in",
    "check-out": "booking.checked-out",
    "revoke": "booking.revoked",
}
_PATH = re.compile(
    r"/api/(?P<root>libraries|holds|bookings|waitlist|invitations|notifications|announcements)(?:/(?P<id>[^/]+))?(?:/(?P<part>[^/]+))?(?:/(?P<of>[^/]+))?$"
)
_PAYMENTS = {"payment": ("payment.recorded", "paymentMinor"), "refund": ("payment.refunded", "refundMinor")}
_NOT_FACTS = frozenset({"id", "position", "seats"})
_RULES_AT_FIRST: Mapping[str, Any] = {
    "holdMinutes": 5,
    "checkInOpensMinutes": -15,
    "checkInClosesMinutes": 30,
    "freeCancelMinutes": 60,
    "lateRefundPercent": 0,
    "bufferMinutes": 0,
    "shortestMinutes": 1,
    "longestMinutes": None,
    "advanceDays": None,
    "advanceStrict": False,
    "releaseTime": None,
    "liveBookings": None,
    **dict.fromkeys(("dayBookings", "dayMinutes", "weekBookings", "weekMinutes")),
    "strikes": 3,
    "strikeDays": 30,
    "blockDays": 7,
}
"""Of a library that has set none: who sets just these changes nothing, so that no event says so."""
_OF_SERIES = ("libraryId", "seatId", "userId", "currency")
_NOT_OF_PAYMENT = _NOT_FACTS | {"amountMinor"}


@dataclass(frozen=True, slots=True)
class Effect:
    """An event of this type with these facts; `told` are more of them, as the answer tells them.

    It stands in the append that ends at the answer's position; with `or_before`, it may be older: who asks
    for what is so already is told that it is.
    """

    type: str
    facts: Mapping[str, Any]
    told: Mapping[str, Any]
    or_before: bool = False

    def record(self, log: Log, answer: Answer) -> Record | None:
        """Return the event in the log, done by who was answered; none where it is not there."""
        position = answer.position or 0
        if self.or_before:
            records = tuple(record for record in log.of_types(self.type) if record.position <= position)
        else:
            records = log.append_of(position)
        found = (record for record in records if record.actor == answer.who and self._is(record))
        return next(found, None)

    def _is(self, record: Record) -> bool:
        return record.type == self.type and all(
            same(record.facts.get(name), value) for name, value in self.facts.items()
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Since the answer's position, the newest events about `of` say `wanted`; it may have been so before.

    `at_first`: what is so before any event says otherwise.
    """

    types: tuple[str, ...]
    of: tuple[str, str]
    wanted: Mapping[str, Any]
    at_first: Mapping[str, Any] = field(default_factory=dict)

    def differences(self, log: Log, position: int) -> Iterator[str]:
        newest = {**self.at_first}
        for record in log.of_types(*self.types):
            if record.position <= position and record.facts.get(self.of[0]) == self.of[1]:
                newest |= record.facts
        for name, value in self.wanted.items():
            if not same(newest.get(name), value):
                yield f"made {name} {value!r}, and the log says {newest.get(name)!r}"


def effect_of(answer: Answer) -> Effect | None:
    """Return the event of an accepted command; none where nothing need have happened."""
    match = _PATH.match(answer.path.partition("?")[0])
    if match is None or not isinstance(answer.body, Mapping):
        return None
    body, own, part = answer.body, match["id"], match["part"]
    told = {name: value for name, value in body.items() if name not in _NOT_FACTS}
    match answer.method, match["root"], part:
        case "POST", "libraries", None:
            return Effect("library.created", {"libraryId": body["id"]}, told)
        case "POST", "libraries", "seats":
            return Effect("seat.added", {"libraryId": own, "seatId": body["seats"][-1]["id"]}, told)
        case "PUT", "libraries", "pricing":
            return Effect("pricing.updated", {"libraryId": own, "priceVersion": body["priceVersion"]}, told)
        case "DELETE", "libraries", None:
            return Effect("library.deleted", {"libraryId": own}, {})
        case "DELETE", "libraries", "seats":
            return Effect("seat.removed", {"libraryId": own, "seatId": match["of"]}, {})
        case "POST", "holds", None:
            return Effect("hold.placed", {"holdId": body["id"]}, told, or_before=True)
        case "DELETE", "holds", None:
            return Effect("hold.released", {"holdId": own}, told)
        case "POST", "bookings", None if own == "series":
            return _series(body)
        case "POST", "bookings", None:
            return Effect("booking.created", {"bookingId": body["id"]}, told)
        case "PATCH", "bookings", None:
            return Effect("booking.rescheduled", {"bookingId": own}, told)
        case "POST", "bookings", "payments":
            return _payment(answer, {"bookingId": own})
        case "POST", "bookings", str() if part in _OF_BOOKING:
            return Effect(_OF_BOOKING[part], {"bookingId": own}, told)
        case _:
            return _effect_on_people(answer, match["root"], own, part, match["of"])


def change_of(answer: Answer) -> Change | None:
    """Return what an accepted setting made so; none where the command is no setting."""
    match = _PATH.match(answer.path.partition("?")[0])
    if match is None or not isinstance(answer.body, Mapping):
        return None
    body, library = answer.body, ("libraryId", match["id"])
    match answer.method, match["root"], match["part"]:
        case "PATCH", "libraries", "seats":
            wanted = _among(body, "label", "zone", "attributes", "inService")
            types = ("seat.added", "seat.updated", "seat.availability-changed")
            return Change(types, ("seatId", match["of"]), wanted, {"inService": True})
        case "PATCH", "libraries", None:
            return Change(
                ("library.created", "library.updated"), library, _among(body, *answer.request or ())
            )
        case "PUT", "libraries", "hours" if "hours" in body:
            return Change(("library.hours-set",), library, {"hours": body["hours"]})
        case "PUT", "libraries", "rules":
            rules = {name: value for name, value in body.items() if name != "position"}
            return Change(
                ("library.rules-set",), library, {"rules": rules}, at_first={"rules": _RULES_AT_FIRST}
            )
        case _:
            return None


def _effect_on_people(
    answer: Answer, root: str, own: str | None, part: str | None, of: str | None
) -> Effect | None:
    body, who = answer.body, answer.who
    match answer.method, root, part:
        case "POST", "waitlist", None:
            # Who waits for that already is answered with their place.
            told = _among(body, "libraryId", "userId", "start", "end", "zone", "attributes")
            return Effect("waitlist.joined", {"entryId": body["id"]}, told, or_before=True)
        case "DELETE", "waitlist", None:
            return Effect("waitlist.left", {"entryId": own, "reason": "asked"}, {})
        case "POST", "libraries", "invitations":
            return Effect("staff.invited", {"libraryId": own, "invitationId": body["id"]}, {})
        case "POST", "invitations", "accept":
            return Effect("staff.added", {"invitationId": own, "userId": who}, {}, or_before=True)
        case "DELETE", "libraries", "staff":
            return Effect("staff.removed", {"libraryId": own, "userId": of}, {})
        case "POST", "notifications", "read":
            return Effect("notification.read", {"notificationId": own, "userId": who}, {}, or_before=True)
        case "POST", "notifications", None if body.get("sent"):
            last = body["sent"][-1]
            return Effect("notification.sent", {"notificationId": last["id"], "userId": last["userId"]}, {})
        case "POST", "announcements", None:
            return Effect("announcement.made", {"announcementId": body["id"]}, _among(body, "title", "text"))
        case _:
            return None


def _series(body: Mapping[str, Any]) -> Effect | None:
    """The last of bookings that were made together."""
    if not body["bookings"]:
        return None
    facts = {"bookingId": body["bookings"][-1]["id"], "seriesId": body["seriesId"]}
    return Effect("booking.created", facts, _among(body, *_OF_SERIES))


def _payment(answer: Answer, facts: Mapping[str, Any]) -> Effect:
    event_type, amount = _PAYMENTS[answer.body["kind"]]
    told = {name: value for name, value in answer.body.items() if name not in _NOT_OF_PAYMENT}
    return Effect(event_type, {**facts, amount: answer.request["amountMinor"]}, told)


def _among(body: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return {name: body[name] for name in names if name in body}
