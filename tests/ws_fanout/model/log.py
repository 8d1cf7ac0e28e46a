"""The log as a plain list, and who sees what of it: from the contract, and not from the room rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studyspot.domain.events import AccountDisabled, AccountEnabled, Event, HoldPlaced, HoldReleased
from tests.ws_fanout import events as made

Kind = Literal[
    "booked",
    "cancelled",
    "checked-in",
    "moved",
    "paid",
    "held",
    "released",
    "service",
    "seat",
    "priced",
    "library-updated",
    "library-created",
    "notified",
    "announced",
    "hired",
    "let-go",
    "disabled",
    "enabled",
    "role-changed",
]
View = Literal["summary", "public", "library", "full", "staff"]
RICHNESS: Mapping[View, int] = {"summary": 1, "public": 2, "library": 2, "full": 3, "staff": 4}
"""Of several views of one event, a socket gets the greatest."""

_BOOKINGS: Mapping[Kind, tuple[str, str]] = {
    "booked": ("booking:created", "booked"),
    "cancelled": ("booking:cancelled", "free"),
    "checked-in": ("booking:checkin", "occupied"),
    "moved": ("booking:updated", "booked"),
}
_SEATS: Mapping[Kind, str] = {"held": "held", "released": "free", "service": "out-of-service"}
_LIBRARIES: Mapping[Kind, tuple[str, tuple[str, ...]]] = {
    "library-created": ("library:created", ("role:student", "role:library_owner")),
    "library-updated": ("library:updated", ("role:student", "role:library_owner")),
    "priced": ("pricing:updated", ("role:student",)),
    "seat": ("library:updated", ()),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """How one room sees an event."""

    name: str
    view: View

    @property
    def richness(self) -> int:
        return RICHNESS[self.view]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened: in a library, to a person; `name` is that of the booking, or of a seat."""

    kind: Kind
    library: str
    person: str
    name: str
    role: Any = None
    sights: Mapping[str, Sight] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sights", _sights(self))

    @property
    def state(self) -> str | None:
        """What its seat is in after it, where it is about one."""
        booking = _BOOKINGS.get(self.kind)
        return booking[1] if booking is not None else _SEATS.get(self.kind)

    @property
    def about(self) -> tuple[str, str] | None:
        """What its public seat frame is about: an occupation, or the seat itself; none where it has none."""
        if self.kind == "service":
            return (self.library, "the seat")
        return (self.library, self.name) if self.state is not None else None

    def event(self) -> Event:
        """Return it as the log holds it."""
        library, person, name = self.library, self.person, self.name
        match self.kind:
            case "booked":
                return made.booked(library, person, name)
            case "cancelled":
                return made.cancelled(library, person, name)
            case "checked-in":
                return made.checked_in(library, person, name)
            case "moved":
                return made.rescheduled(library, person, name)
            case "paid":
                return replace(made.paid(library), **made.facts(library, person, name))
            case "held":
                return HoldPlaced(**made.hold(library, person, name))
            case "released":
                return HoldReleased(**made.hold(library, person, name))
            case "service":
                return made.service_changed(library)
            case "seat":
                return made.seat_added(library, name)
            case "priced":
                return made.pricing_updated(library)
            case "library-updated":
                return made.library_updated(library)
            case "library-created":
                return made.library_created(library, person)
            case "notified":
                return made.notified(library, person)
            case "announced":
                return made.announced()
            case "hired":
                return made.staff_added(library, person)
            case "let-go":
                return made.staff_removed(library, person)
            case "disabled":
                return AccountDisabled(user_id=person)
            case "enabled":
                return AccountEnabled(user_id=person)
            case "role-changed":
                return made.role_changed(person, self.role, "student")


def judge_shown(happening: Happening, sight: Sight, shown: Mapping[str, Any]) -> None:
    """Find fault with what a frame shows of an event, if it is not what that view does."""
    data = shown["data"]
    match sight.view:
        case "summary":
            assert data.keys() == {"libraryId", "start", "end"}
        case "public":
            assert data.keys() <= {"seatId", "occupation", "state", "start", "end", "until"}
            assert data["state"] == happening.state
        case "full":
            assert "studentName" not in data
            assert data["userId"] == happening.person
        case "staff":
            assert "studentName" in data or happening.kind == "service"
            assert data["libraryId"] == happening.library
        case "library":
            assert data.get("libraryId", happening.library) == happening.library
    if happening.kind in _BOOKINGS and sight.view != "summary":
        assert data["occupation"] == f"occupation-of-{happening.name}"
    assert ("actor" in shown) == (sight.view in ("full", "staff"))


def _sights(happening: Happening) -> Mapping[str, Sight]:
    kind = happening.kind
    party, public = f"user:{happening.person}", f"library:{happening.library}"
    staff = f"{public}:staff"
    if kind in _BOOKINGS:
        name = _BOOKINGS[kind][0]
        sights = {
            party: Sight(name, "full"),
            staff: Sight(name, "staff"),
            public: Sight("seat:availability", "public"),
        }
        return sights | ({"role:library_owner": Sight(name, "summary")} if kind == "booked" else {})
    if kind in _SEATS:
        return {public: Sight("seat:availability", "public"), staff: Sight("seat:availability", "staff")}
    if kind in _LIBRARIES:
        name, others = _LIBRARIES[kind]
        return dict.fromkeys((*others, public, staff), Sight(name, "library"))
    match kind:
        case "paid":
            return {party: Sight("booking:updated", "full"), staff: Sight("booking:updated", "staff")}
        case "notified":
            return {party: Sight("notification", "full")}
        case "announced":
            return {"everyone": Sight("global:notification", "library")}
        case _:
            return {}
