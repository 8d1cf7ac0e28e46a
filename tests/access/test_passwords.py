"""Passwords: what may be one, what a hash tells, and who waits for whom."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from studyspot.access.passwords import (
    FEWEST_CHARACTERS,
    MOST_BYTES,
    Passwords,
    PasswordUnfit,
    TooManySignIns,
    normalised,
)

SECRET = "correct horse"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(at_once=1)
    yield made
    made.close()


async def test_a_password_is_known_again_and_no_other_is(passwords: Passwords) -> None:
    known = await passwords.hash(SECRET)
    assert (await passwords.verify(SECRET, known)).right
    assert not (await passwords.verify(SECRET.upper(), known)).right
    assert not (await passwords.verify("short", known)).right


async def test_the_same_password_has_another_hash_each_time_by_argon2id(passwords: Passwords) -> None:
    one, other = await passwords.hash(SECRET), await passwords.hash(SECRET)
    assert one != other
    assert SECRET not in one
    assert one.startswith("$argon2id$")
    assert extract_parameters(one).memory_cost >= 19 * 1024


async def test_a_password_is_the_same_however_a_keyboard_writes_it(passwords: Passwords) -> None:
    known = await passwords.hash("Ångström ﬁne ½")
    assert (await passwords.verify("A\u030angstro\u0308m fine 1\u20442", known)).right


async def test_without_an_account_no_password_is_right(passwords: Passwords) -> None:
    assert not (await passwords.verify(SECRET, None)).right
    assert not (await passwords.verify("", None)).right


async def test_a_hash_that_is_none_is_nobodys(passwords: Passwords) -> None:
    assert not (await passwords.verify(SECRET, "erased")).right


async def test_a_hash_of_weaker_parameters_is_replaced_when_the_password_is_known(
    passwords: Passwords,
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SECRET)
    assert not (await passwords.verify("wrong horse", weak)).right
    verified = await passwords.verify(SECRET, weak)
    assert verified.right
    assert verified.rehashed is not None
    again = await passwords.verify(SECRET, verified.rehashed)
    assert again.right
    assert again.rehashed is None


@pytest.mark.parametrize(
    "password",
    [
        "x" * (FEWEST_CHARACTERS - 1),
        "x" * (MOST_BYTES + 1),
        "ä" * (MOST_BYTES // 2 + 1),
        "correct\0horse",
        "correct \ud800 horse",
        "",
    ],
)
def test_what_is_too_short_too_long_or_no_text_is_no_password(password: str) -> None:
    with pytest.raises(PasswordUnfit):
        normalised(password)


def test_a_password_may_be_a_sentence_in_any_script() -> None:
    assert normalised("प\u095dाई की जगह") == normalised("प\u0922\u093cाई की जगह")


async def test_a_storm_waits_in_a_queue_with_an_end_while_the_loop_goes_on() -> None:
    passwords = Passwords(at_once=1, waiting=4)
    try:
        storm = [asyncio.create_task(passwords.hash(SECRET)) for _ in range(12)]
        turns = 0
        while not all(task.done() for task in storm):
            await asyncio.sleep(0)
            turns += 1
        ends = await asyncio.gather(*storm, return_exceptions=True)
        assert sum(isinstance(end, TooManySignIns) for end in ends) == 7
        assert sum(isinstance(end, str) for end in ends) == 5
        assert turns > 100, "the loop stood still"
        assert (await passwords.verify(SECRET, await passwords.hash(SECRET))).right, "places are free again"
    finally:
        passwords.close()


async def test_who_gives_up_keeps_no_place() -> None:
    passwords = Passwords(at_once=1, waiting=0)
    try:
        waiting = asyncio.create_task(passwords.hash(SECRET))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(30):
            while True:
                try:
                    await passwords.hash(SECRET)
                except TooManySignIns:
                    await asyncio.sleep(0.01)
                else:
                    return
    finally:
        passwords.close()
