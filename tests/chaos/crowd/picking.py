"""Whom and what a command is about, by chance."""

import random
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tests.chaos.crowd.people import Speaker, Standing
from tests.chaos.crowd.town import Library, Town

Thing = TypeVar("Thing")

_HOURS_AHEAD = 60


class Pick:
    """What there is in the town, one of it at a time."""

    def __init__(self, town: Town, chance: random.Random) -> None:
        self.town = town
        self.chance = chance

    def a_wish(self, *, begins: bool = False) -> tuple[Speaker, Library, str, datetime, datetime]:
        library = self.a_library()
        start = datetime.now(UTC).replace(second=0, microsecond=0)
        if not begins:
            ahead = timedelta(hours=self.chance.randrange(1, _HOURS_AHEAD))
            start = start.replace(minute=0) + ahead
        end = start + timedelta(hours=self.chance.randint(1, 2))
        student = self.chance.choice(self.those(self.town.students, "active"))
        return student, library, self.chance.choice(library.seats), start, end

    def a_library(self) -> Library:
        return self.chance.choice(self.town.libraries)

    def an_admin(self) -> Speaker:
        return self.chance.choice(self.town.admins)

    def who_runs(self, library: Library) -> Speaker:
        staff = [self.speaker(user_id) for user_id in sorted(library.staff)]
        return self.chance.choice([library.owner, *self.those(staff, "active")])

    def speaker(self, user_id: str) -> Speaker:
        return next(speaker for speaker in self.town.hireable if speaker.who.user_id == user_id)

    def those(self, speakers: list[Speaker], standing: Standing) -> list[Speaker]:
        return [speaker for speaker in speakers if speaker.who.standing == standing]

    def take(self, things: list[Thing]) -> Thing:
        return things.pop(self.chance.randrange(len(things)))
