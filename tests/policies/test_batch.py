"""Many changes at once leave the tables as the same changes one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from studyspot.policies.fold import Change, Cleared, Drop, Hit, Moved, Over, Plan, Stands
from studyspot.policies.tables import apply, begin_anew, connect, read_progress
from studyspot.policies.tasks import Task, TaskKind
from tests.policies.happenings import HOUR, NINE
from tests.policies.system import Log

SUBJECTS = ("hold:1", "booking:1", "booking:2")
KINDS: tuple[TaskKind, ...] = ("miss-booking", "send-notice")
GROUNDS = ("closure:L1:C1", "seat:S1")
_TASKS = (
    "SELECT key, position, kind, subject, due_at, try_at, ground, notice, failures FROM policies.tasks"
    " ORDER BY key"
)
_OCCUPATIONS = "SELECT * FROM policies.occupations ORDER BY subject"

subjects = st.sampled_from(SUBJECTS)
grounds = st.sampled_from(GROUNDS)
hours = st.integers(1, 6)


@st.composite
def stands(draw: st.DrawFn) -> Stands:
    start = NINE + draw(hours) * HOUR
    seat_id = draw(st.sampled_from(["S1", "S2"]))
    return Stands(
        subject=draw(subjects), library_id="L1", seat_id=seat_id, user_id="u", start=start, end=start + HOUR
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    subject, ground = draw(subjects), draw(st.none() | grounds)
    kind: TaskKind = draw(st.sampled_from(KINDS))
    # A key says of which kind, about what and because of what it is.
    key = f"{kind}:{subject}:{ground}"
    due_at = NINE + draw(hours) * HOUR
    return Plan(Task(key=key, position=0, kind=kind, subject=subject, due_at=due_at, ground=ground))


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    by_closure = draw(st.booleans())
    return Hit(
        ground=GROUNDS[0] if by_closure else GROUNDS[1],
        position=0,
        time=NINE - draw(hours) * HOUR,
        actor=None,
        library_id="L1",
        closure_id="C1" if by_closure else None,
        seat_id=None if by_closure else "S1",
        start=NINE if by_closure else None,
        end=NINE + draw(hours) * HOUR if by_closure else None,
        revoke_at=draw(st.none() | st.just(NINE + 3 * HOUR)),
    )


changes = st.one_of(
    stands(),
    plans(),
    hits(),
    st.builds(Over, subjects),
    st.builds(Moved, subjects),
    st.builds(Drop, plans().map(lambda plan: plan.task.key)),
    st.builds(Cleared, grounds),
)


def test_many_changes_at_once_leave_what_they_leave_one_by_one(log: Log) -> None:
    with asyncio.Runner() as runner:
        connection = runner.run(connect(log.database_url))

        @given(st.lists(changes, max_size=15))
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def leave_the_same(drawn: Sequence[Change]) -> None:
            numbered = [_at(position, change) for position, change in enumerate(drawn, 1)]
            one_by_one = runner.run(_left_by(connection, [[change] for change in numbered]))
            assert runner.run(_left_by(connection, [numbered])) == one_by_one

        leave_the_same()
        runner.run(connection.close())


async def _left_by(connection: AsyncConnection, pages: Sequence[Sequence[Change]]) -> Sequence[object]:
    progress = await begin_anew(connection, await read_progress(connection), "epoch")
    for number, page in enumerate(pages, 1):
        progress = await apply(connection, progress, number, page)
    return [await (await connection.execute(query)).fetchall() for query in (_TASKS, _OCCUPATIONS)]


def _at(position: int, change: Change) -> Change:
    match change:
        case Plan(task):
            return Plan(replace(task, position=position))
        case Hit():
            return replace(change, position=position)
        case _:
            return change
