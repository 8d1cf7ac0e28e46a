"""The end of a campaign: nothing more happens, and everybody who is there has heard of the last event."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from studyspot.console.temporary_system import TemporarySystem
from tests.chaos.crowd.followers import Follower
from tests.chaos.crowd.town import Town
from tests.chaos.crowd.visitor import Visitor
from tests.freezing import freeze, thaw

_WITHIN = timedelta(seconds=120)
_LOOK_EVERY = timedelta(milliseconds=50)
_LAST_WORDS = 2
"""Who was still being brought a room when they heard the first has all of it by the second."""


@contextmanager
def without_policies(system: TemporarySystem) -> Iterator[None]:
    """Let nothing happen by itself inside: no deadline, no notice."""
    pid = system.pid_of("policies")
    freeze(pid)
    try:
        yield
    finally:
        thaw(pid)


async def agree_on_people(town: Town) -> None:
    """Make the log say what we believe of each: of two commands at once, either may have been the last."""
    admin = town.admins[0]
    for speaker in town.dispensable:
        if speaker.who.was_barred and speaker.who.standing != "erased":
            await admin.change_person(speaker.who.user_id, status=speaker.who.standing)
    for speaker in town.accounts:
        await admin.change_person(speaker.who.user_id, role=speaker.who.role)


async def maps_differ(
    town: Town, followers: Sequence[Follower], interval: tuple[datetime, datetime]
) -> list[str]:
    """Return how the maps that are followed differ from those that are read, after one more change of each.

    Raises:
        TimeoutError: a map did not come up to date.
    """
    last = {}
    for library_id in sorted({follower.library_id for follower in followers}):
        library = town.library(library_id)
        for in_service in (False, True):
            changed = await library.owner.change_seat(library_id, library.seats[0], in_service=in_service)
        last[library_id] = changed.position
    found = [await follower.difference(interval, last[follower.library_id]) for follower in followers]
    return [difference for difference in found if difference is not None]


async def all_have_heard(town: Town, visitors: Sequence[Visitor], followers: Sequence[Follower]) -> int:
    """Tell everyone a last word, and wait until they have heard; return its position.

    Raises:
        TimeoutError: somebody has not; a note says who.
    """
    position = 0
    for number in range(_LAST_WORDS):
        position = (await town.admins[0].announce("The end", f"Part {number}")).position
        await _until(partial(_waited_for, visitors, followers, position))
    return position


def _waited_for(visitors: Sequence[Visitor], followers: Sequence[Follower], position: int) -> list[str]:
    """Return who has not been told yet, or is there and should not be."""
    waited_for = [follower.who for follower in followers if not follower.has_heard(position)]
    for visitor in visitors:
        is_active = visitor.person.standing == "active"
        if visitor.is_connected is not is_active or (is_active and not visitor.is_settled(position)):
            waited_for.append(str(visitor))
    return waited_for


async def _until(waited_for: Callable[[], list[str]]) -> None:
    try:
        async with asyncio.timeout(_WITHIN.total_seconds()):
            while waited_for():  # noqa: ASYNC110  Each of many clients hears by itself.
                await asyncio.sleep(_LOOK_EVERY.total_seconds())
    except TimeoutError as error:
        error.add_note(f"waited for {', '.join(waited_for()[:20])}")
        raise
