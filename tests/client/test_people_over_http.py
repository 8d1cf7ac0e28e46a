"""The client's commands and reads about people, against the API: signed in, hired, told and let go."""

from collections.abc import AsyncIterator

import pytest

from studyspot.client.client import Client
from studyspot.client.errors import ProblemError
from studyspot.client.signing_in import SignedIn
from studyspot.projections.models import notifications
from tests.commands.hall import Hall, a_hall
from tests.projections.system import Log, a_log, working

PASSWORD = "correct horse"


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    async with a_log(database_url) as log:
        yield log


@pytest.fixture
async def hall(database_url: str, log: Log) -> AsyncIterator[Hall]:
    async with working(log, notifications.PROJECTION), a_hall(database_url) as hall:
        yield hall


async def test_somebody_registers_is_hired_in_another_role_and_let_go(hall: Hall) -> None:
    url = str(hall.http.base_url)
    owner, worker = SignedIn(url), SignedIn(url)
    await owner.register("owner@example.org", PASSWORD, "Vaidehi", role="library_owner")
    hired = (await worker.register("worker@example.org", PASSWORD, "Tenzing")).account
    async with (
        Client(url, "ws://127.0.0.1:1", owner, read_own_writes=True) as owners,
        Client(url, "ws://127.0.0.1:1", worker) as workers,
    ):
        library = await owners.create_library("Saraswati", "Pune", "Asia/Kolkata")
        invited = await owners.invite_staff(library.id, email="worker@example.org")
        assert (await workers.accept_invitation(invited.id, code=invited.code)).role == "staff"
        await worker.refresh()
        assert worker.account is not None
        assert worker.account.role == "staff"
        assert (await owners.remove_staff(library.id, hired.id)).user_id == hired.id
        with pytest.raises(ProblemError) as refused:
            await workers.remove_staff(library.id, hired.id)
        assert refused.value.status == 404
    for session in (owner, worker):
        await session.close()


async def test_what_everyone_is_told_and_what_one_mutes(hall: Hall) -> None:
    url = str(hall.http.base_url)
    student = SignedIn(url)
    await student.register("student@example.org", PASSWORD, "Ishaan")
    admin = hall.person("admin", "admin")
    async with (
        Client(url, "ws://127.0.0.1:1", admin.headers["Authorization"].removeprefix("Bearer ")) as admins,
        Client(url, "ws://127.0.0.1:1", student) as students,
    ):
        made = await admins.announce("New rooms", "Two libraries have opened.")
        found = await students.announcements(min_position=made.position)
        assert [row.title for row in found.rows] == ["New rooms"]
        assert (await students.mute("staff-invited")).kinds == ("staff-invited",)
        assert (await students.muted()).kinds == ("staff-invited",)
        assert student.account is not None
        changed = await admins.change_person(student.account.id, status="disabled")
        assert changed.status == "disabled"
        with pytest.raises(ProblemError):
            await student.refresh()
    await student.close()
