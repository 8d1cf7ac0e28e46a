"""Sessions: a refresh token is good once, and who shows a used one ends the session."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from psycopg_pool import AsyncConnectionPool

from studyspot.access.accounts import Accounts, EmailTaken, StoredAccount
from studyspot.access.erasure import Erasure
from studyspot.access.keys import SigningKey
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.sessions import (
    GRACE,
    LASTS,
    MOST_SESSIONS,
    MOST_SIBLINGS,
    SessionOver,
    Sessions,
    TokenReused,
)

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)
HOME = "198.51.100.7"
SECRETS = ServerSecrets(SigningKey.generate())

_numbers = count()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[AsyncConnectionPool]:
    async with AsyncConnectionPool(
        database_url, min_size=1, max_size=8, open=False, kwargs={"autocommit": True}
    ) as pool:
        yield pool


@pytest.fixture
def sessions(pool: AsyncConnectionPool) -> Sessions:
    return Sessions(pool, SECRETS)


@pytest.fixture
async def person(pool: AsyncConnectionPool) -> str:
    """Somebody with an account."""
    user_id = f"person-{next(_numbers)}"
    await Accounts(pool).add(StoredAccount(user_id, f"{user_id}@example.org", "Asha", "hash", "student"))
    return user_id


async def begun(sessions: Sessions, person: str, now: datetime = NOW) -> str:
    """Begin a session; its refresh token."""
    return (await sessions.begin(f"session-{next(_numbers)}", person, HOME, now)).token


async def test_a_token_is_replaced_at_each_use(sessions: Sessions, person: str) -> None:
    token = await begun(sessions, person)
    given = {token}
    for turn in range(1, 6):
        renewal = await sessions.renew(token, NOW + turn * QUARTER)
        assert (renewal.user_id, renewal.expires_at) == (person, NOW + LASTS)
        token = renewal.token
        given.add(token)
    assert len(given) == 6


async def test_no_table_holds_a_token(sessions: Sessions, pool: AsyncConnectionPool, person: str) -> None:
    token = await begun(sessions, person)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT t::text FROM accounts.refresh_tokens AS t")
        rows = [row for (row,) in await cursor.fetchall()]
    assert rows
    assert not any(token in row or token.encode().hex() in row for row in rows)


async def test_a_used_token_ends_its_session_whoever_has_the_new_one(sessions: Sessions, person: str) -> None:
    stolen = await begun(sessions, person)
    other = await begun(sessions, person)
    kept = (await sessions.renew(stolen, NOW)).token
    with pytest.raises(TokenReused):
        await sessions.renew(stolen, NOW + GRACE + SECOND)
    with pytest.raises(SessionOver):
        await sessions.renew(kept, NOW + GRACE + 2 * SECOND)
    await sessions.renew(other, NOW + GRACE + 2 * SECOND)


async def test_a_lost_answer_is_forgiven_for_a_few_seconds(sessions: Sessions, person: str) -> None:
    token = await begun(sessions, person)
    lost = (await sessions.renew(token, NOW)).token
    again = (await sessions.renew(token, NOW + GRACE)).token
    assert again != lost, "what was given out is not given to a second one"
    await sessions.renew(again, NOW + QUARTER)


async def test_a_thief_within_the_grace_is_noticed_when_both_go_on(sessions: Sessions, person: str) -> None:
    token = await begun(sessions, person)
    own = (await sessions.renew(token, NOW)).token
    thiefs = (await sessions.renew(token, NOW + SECOND)).token
    own = (await sessions.renew(own, NOW + QUARTER)).token
    with pytest.raises(TokenReused):
        await sessions.renew(thiefs, NOW + QUARTER + GRACE + SECOND)
    with pytest.raises(SessionOver):
        await sessions.renew(own, NOW + 2 * QUARTER)


async def test_two_tabs_at_once_both_go_on(sessions: Sessions, person: str) -> None:
    token = await begun(sessions, person)
    renewals = await asyncio.gather(*(sessions.renew(token, NOW) for _ in range(MOST_SIBLINGS)))
    assert len({renewal.token for renewal in renewals}) == MOST_SIBLINGS
    # A browser keeps the last cookie that it was given.
    await sessions.renew(renewals[-1].token, NOW + QUARTER)


async def test_the_grace_gives_out_no_more_than_a_few(sessions: Sessions, person: str) -> None:
    token = await begun(sessions, person)
    for _ in range(MOST_SIBLINGS):
        await sessions.renew(token, NOW)
    with pytest.raises(TokenReused):
        await sessions.renew(token, NOW)


async def test_a_session_ends_after_thirty_days_however_often_it_was_renewed(
    sessions: Sessions, person: str
) -> None:
    token = await begun(sessions, person)
    token = (await sessions.renew(token, NOW + LASTS - SECOND)).token
    with pytest.raises(SessionOver):
        await sessions.renew(token, NOW + LASTS)


async def test_signing_out_ends_the_session_with_any_of_its_tokens(sessions: Sessions, person: str) -> None:
    used = await begun(sessions, person)
    current = (await sessions.renew(used, NOW)).token
    await sessions.end(used, NOW)
    for token in (used, current):
        with pytest.raises(SessionOver):
            await sessions.renew(token, NOW)


async def test_a_token_that_is_none_of_ours_is_of_no_session(sessions: Sessions) -> None:
    for ask in (sessions.renew("nothing", NOW), sessions.whose("nothing")):
        with pytest.raises(SessionOver):
            await ask
    await sessions.end("nothing", NOW)


async def test_all_sessions_of_one_person_end_together(sessions: Sessions, person: str) -> None:
    tokens = [await begun(sessions, person) for _ in range(3)]
    await sessions.end_all(person, NOW)
    for token in tokens:
        with pytest.raises(SessionOver):
            await sessions.renew(token, NOW)


async def test_nobody_has_more_than_so_many_sessions(sessions: Sessions, person: str) -> None:
    tokens = [await begun(sessions, person, NOW + number * SECOND) for number in range(MOST_SESSIONS + 1)]
    with pytest.raises(SessionOver):
        await sessions.renew(tokens[0], NOW + QUARTER)
    await sessions.renew(tokens[1], NOW + QUARTER)


async def test_sessions_whose_time_is_over_are_deleted(
    sessions: Sessions, pool: AsyncConnectionPool, person: str
) -> None:
    await begun(sessions, person, NOW)
    await begun(sessions, person, NOW + LASTS)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT FROM accounts.sessions WHERE user_id = %s", (person,))
        assert len(await cursor.fetchall()) == 1


async def test_an_address_is_known_after_a_session_began_there_and_stored_nowhere(
    sessions: Sessions, pool: AsyncConnectionPool, person: str
) -> None:
    assert not await sessions.has_come_from(person, HOME)
    await begun(sessions, person)
    assert await sessions.has_come_from(person, HOME)
    assert not await sessions.has_come_from(person, "203.0.113.9")
    assert not await sessions.has_come_from("somebody-else", HOME)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT s::text FROM accounts.sessions AS s")
        assert not any(HOME in row for (row,) in await cursor.fetchall())


async def test_who_is_being_erased_gets_no_session(
    sessions: Sessions, pool: AsyncConnectionPool, person: str
) -> None:
    token = await begun(sessions, person)
    await Erasure(pool).erase(person)
    for ask in (sessions.renew(token, NOW), begun(sessions, person)):
        with pytest.raises(SessionOver):
            await ask


async def test_an_address_has_one_account_in_whatever_case(pool: AsyncConnectionPool, person: str) -> None:
    accounts = Accounts(pool)
    known = await accounts.by_email(f"{person.upper()}@EXAMPLE.org")
    assert known == await accounts.by_id(person)
    with pytest.raises(EmailTaken):
        await accounts.add(StoredAccount("other", f"{person}@example.org", "Ravi", "hash", "student"))
