"""Guessing passwords over HTTP: who guesses waits, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from studyspot.access.sign_in_limits import FREE_FAILURES
from tests.commands.hall import Hall, a_hall
from tests.commands.visitors import Visitor, a_visitor, assert_problem

HOME, ELSEWHERE = "127.0.0.2", "127.0.0.3"


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def guess(thief: Visitor, email: str, times: int = FREE_FAILURES) -> httpx.Response:
    """Guess until one has to wait; the answer that says so."""
    for number in range(times):
        assert_problem(await thief.tries(f"a wrong guess {number}", email), 401, "credentials-wrong")
    return await thief.tries("a wrong guess", email)


async def test_who_guesses_waits_and_is_told_how_long(hall: Hall) -> None:
    async with a_visitor(hall.http.base_url) as owner, a_visitor(hall.http.base_url, ELSEWHERE) as thief:
        await owner.registers()
        for email in (owner.email, "nobody@example.org"):
            refused = await guess(thief, email)
            assert_problem(refused, 429, "too-many-attempts")
            assert refused.headers["Retry-After"] == "30"
        assert_problem(await thief.tries(email=owner.email), 429, "too-many-attempts")


async def test_the_owner_signs_in_while_a_thief_guesses_elsewhere(hall: Hall) -> None:
    async with (
        a_visitor(hall.http.base_url, HOME) as owner,
        a_visitor(hall.http.base_url, ELSEWHERE) as thief,
    ):
        await owner.registers()
        await guess(thief, owner.email)
        owner.http.cookies.clear()
        await owner.signs_in()


async def test_the_owners_browser_signs_in_while_a_neighbour_guesses_at_the_same_address(hall: Hall) -> None:
    async with a_visitor(hall.http.base_url, HOME) as owner, a_visitor(hall.http.base_url, HOME) as thief:
        await owner.registers()
        await guess(thief, owner.email)
        await owner.signs_in()
        # A browser's mark is of one account: with it a thief is no nearer to another.
        await thief.registers()
        assert_problem(await thief.tries(email=owner.email), 429, "too-many-attempts")


async def test_many_guesses_at_once_are_no_way_round(hall: Hall) -> None:
    async with a_visitor(hall.http.base_url) as owner, a_visitor(hall.http.base_url, ELSEWHERE) as thief:
        await owner.registers()
        answers = await asyncio.gather(*(thief.tries(f"guess number {n}", owner.email) for n in range(20)))
        assert sorted(answer.status_code for answer in answers) == [401] * FREE_FAILURES + [429] * 15


async def test_bookings_go_on_during_a_storm_of_sign_ins(hall: Hall) -> None:
    async with a_visitor(hall.http.base_url) as visitor:
        storm = [
            asyncio.create_task(visitor.tries(email=f"student-{number}@example.org")) for number in range(60)
        ]
        student = hall.person()
        for number in range(5):
            await hall.books(student, 0, 2 + number, 3 + number)
        assert not all(task.done() for task in storm), "the storm was over before the bookings"
        answers = await asyncio.gather(*storm)
        assert {answer.status_code for answer in answers} <= {401, 503}
