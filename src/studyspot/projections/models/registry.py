"""Every projection there is."""

from collections.abc import Sequence

from studyspot.projections.models import audit, bookings, libraries, notifications, people, seats, waitlist
from studyspot.projections.projection import Projection

PROJECTIONS: tuple[Projection, ...] = (
    libraries.PROJECTION,
    seats.PROJECTION,
    bookings.PROJECTION,
    notifications.PROJECTION,
    people.PROJECTION,
    waitlist.PROJECTION,
    audit.PROJECTION,
)


class UnknownProjection(ValueError):
    """No projection has this name."""

    def __init__(self, name: str) -> None:
        known = ", ".join(projection.name for projection in PROJECTIONS)
        super().__init__(f"there is no projection {name!r}; there are: {known}")


def named(names: Sequence[str]) -> tuple[Projection, ...]:
    """Return the projections of these names; all of them for none.

    Raises:
        UnknownProjection: a name is not among them.
    """
    by_name = {projection.name: projection for projection in PROJECTIONS}
    for name in names:
        if name not in by_name:
            raise UnknownProjection(name)
    return tuple(by_name[name] for name in names) or PROJECTIONS
