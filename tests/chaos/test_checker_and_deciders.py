"""The judge finds nothing in what the deciders allow, whatever people try; and holds their refusals true."""

from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.types import type_of
from studyspot.checker.judge import Evidence, judge
from studyspot.checker.log import Log
from studyspot.checker.records import Answer, Record
from studyspot.checker.refusals import judge_refusals
from studyspot.domain.events import Event
from studyspot.domain.rules import BookingRules
from studyspot.wire.problems import body_of, of_refusal
from tests.domain.given import OWNER
from tests.domain.meanings import take
from tests.domain.steps import PAUSES, RULES, Step, steps
from tests.domain.town import Outcome, Town

PATHS = {
    "PlaceHold": ("POST", "/api/holds"),
    "BookSeat": ("POST", "/api/bookings"),
    "JoinWaitlist": ("POST", "/api/waitlist"),
}
# Much happens before the clock goes on, so that students meet.
BUSY = st.lists(steps(pauses=(*[timedelta(0)] * 20, *PAUSES)), min_size=30, max_size=60)
ASKED = {"library_id": "libraryId", "seat_id": "seatId", "start": "start", "end": "end", "hold_id": "holdId"}


class Book:
    """The log as it is stored: each command one append, at the time of its decision."""

    def __init__(self, town: Town) -> None:
        self.records: list[Record] = []
        self.answers: list[Answer] = []
        self._town = town
        self.take_down("opening", OWNER.user_id)

    def take_down(self, command: str, actor: str | None) -> None:
        for event in self._town.log.events[len(self.records) :]:
            self.records.append(_record(len(self.records) + 1, event, self._town.at, command, actor))

    def refused(self, outcome: Outcome) -> None:
        assert outcome.refusal is not None
        named = type(outcome.command).__name__
        method, path = PATHS.get(
            named, ("PATCH", f"/api/bookings/{getattr(outcome.command, 'booking_id', '')}")
        )
        asked = {told: getattr(outcome.command, name, None) for name, told in ASKED.items()}
        problem, head = of_refusal(outcome.refusal), len(self.records)
        self.answers.append(
            Answer(
                outcome.command.actor.user_id,
                method,
                path,
                None,
                {name: _as_text(value) for name, value in asked.items()},
                problem.kind.status,
                body_of(problem, path),
                head,
                head,
            )
        )


def _record(position: int, event: Event, at: datetime, command: str, actor: str | None) -> Record:
    data = encode(event, Metadata(time=at, command_id=command, actor=actor))
    return Record(position, "k3", type_of(type(event)), orjson.loads(data))


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, BUSY)
def test_whatever_is_decided_is_clean_in_the_eyes_of_the_judge(
    rules: BookingRules, history: list[Step]
) -> None:
    town = Town(rules)
    book = Book(town)
    for number, step in enumerate(history):
        outcome = take(town, step)
        if outcome is not None and outcome.refusal is not None and hasattr(outcome.command, "actor"):
            book.refused(outcome)
        actor = getattr(outcome.command, "actor", None) if outcome is not None else None
        book.take_down(f"command-{number}", actor.user_id if actor is not None else None)
    town.sweep()
    book.take_down("deadlines", None)

    verdict = judge(Evidence(book.records))
    assert verdict.clean, str(verdict)
    # Only refusals are taken down as answers, so what was accepted is not looked for among them.
    untrue = [str(finding) for finding in judge_refusals(Log(book.records), book.answers)]
    assert untrue == []
