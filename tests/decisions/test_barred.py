"""Who is disabled or erased is refused at once by every process, and so is a token of an earlier role."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from studyspot.decisions.barred import Barred
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.accounts import (
    CHANGE_ROLE,
    DISABLE_ACCOUNT,
    ENABLE_ACCOUNT,
    ERASE_ACCOUNT,
    REGISTER_ACCOUNT,
    ChangeRole,
    DisableAccount,
    EnableAccount,
    EraseAccount,
    RegisterAccount,
)
from studyspot.domain.decider import Decider
from studyspot.domain.people import Actor
from studyspot.event_store.store import EventStore
from tests.commands.hall import NOW, Person, a_hall

ADMIN = Actor("root", "admin")
LIMIT_SECONDS = 60.0
MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def a_store(database_url: str) -> AsyncIterator[EventStore]:
    with EventStore(database_url, read_connections=2) as store:
        yield store


async def decided(store: EventStore, decider: Decider[Any, Any], command: Any, at: datetime = NOW) -> int:
    circumstances = Circumstances(actor=ADMIN.user_id, at=at, command_id=new_id(at))
    accepted = await Decisions(store).run(decider, command, circumstances, lambda *_: {})
    return accepted.position


async def until_answered(person: Person, status: int, slug: str | None = None) -> None:
    """Ask until the answer is that."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            answer = await person.asks("POST", "/api/libraries", {})
            if answer.status_code == status and slug in (None, answer.json()["type"].rpartition("/")[2]):
                return
            await asyncio.sleep(0.02)


async def test_the_disabled_are_refused_over_http_until_they_are_enabled(database_url: str) -> None:
    async with a_hall(database_url) as hall, a_store(database_url) as store:
        anna, ben = hall.person("anna", "library_owner"), hall.person("ben", "library_owner")
        await until_answered(anna, httpx.codes.UNPROCESSABLE_ENTITY)
        await decided(store, DISABLE_ACCOUNT, DisableAccount(anna.id, ADMIN))
        await until_answered(anna, httpx.codes.UNAUTHORIZED, "account-barred")
        await until_answered(ben, httpx.codes.UNPROCESSABLE_ENTITY)
        await decided(store, ENABLE_ACCOUNT, EnableAccount(anna.id, ADMIN))
        await until_answered(anna, httpx.codes.UNPROCESSABLE_ENTITY)
        await decided(store, ERASE_ACCOUNT, EraseAccount(anna.id, ADMIN))
        await until_answered(anna, httpx.codes.UNAUTHORIZED, "account-barred")


async def test_a_token_of_an_earlier_role_asks_for_a_fresh_one_over_http(database_url: str) -> None:
    async with a_hall(database_url) as hall, a_store(database_url) as store:
        anna = hall.person("anna", "library_owner")
        await decided(store, REGISTER_ACCOUNT, RegisterAccount(anna.id, "library_owner"))
        await until_answered(anna, httpx.codes.UNPROCESSABLE_ENTITY)
        await decided(store, CHANGE_ROLE, ChangeRole(anna.id, "student", ADMIN), NOW + MINUTE)
        await until_answered(anna, httpx.codes.UNAUTHORIZED, "token-expired")


async def test_only_an_older_token_of_another_role_is_outdated(database_url: str) -> None:
    async with a_store(database_url) as store:
        await decided(store, REGISTER_ACCOUNT, RegisterAccount("cleo", "student"))
        await decided(store, CHANGE_ROLE, ChangeRole("cleo", "staff", ADMIN))
        barred = Barred(store)
        await barred.catch_up()
        assert barred.is_outdated("cleo", "student", NOW - MINUTE)
        assert not barred.is_outdated("cleo", "staff", NOW - MINUTE)
        assert barred.is_outdated("cleo", "student", NOW + MINUTE / 4), "asked for while it was being said"
        assert not barred.is_outdated("cleo", "student", NOW + MINUTE), "issued since, as the console may"
        assert not barred.is_outdated("dora", "student", NOW - MINUTE)


async def test_before_the_log_was_read_nobody_is_let_in_and_the_wait_has_an_end(database_url: str) -> None:
    async with a_store(database_url) as store:
        barred = Barred(store)
        assert not await barred.is_known(timedelta(milliseconds=10))
        await barred.catch_up()
        assert await barred.is_known(timedelta())


async def test_of_a_long_log_every_page_is_read(database_url: str) -> None:
    people = [f"many-{number}" for number in range(7)]
    async with a_store(database_url) as store:
        for person in people:
            await decided(store, DISABLE_ACCOUNT, DisableAccount(person, ADMIN))
        barred = Barred(store, page=2)
        await barred.catch_up()
        assert all(barred.is_shut_out(person) for person in people)


async def test_another_history_is_read_from_its_beginning(database_url: str) -> None:
    async with a_store(database_url) as store:
        await decided(store, DISABLE_ACCOUNT, DisableAccount("elif", ADMIN))
        barred = Barred(store)
        await barred.catch_up()
        assert barred.is_shut_out("elif")
        await asyncio.to_thread(store.new_epoch)
        await decided(store, ENABLE_ACCOUNT, EnableAccount("elif", ADMIN))
        await barred.catch_up()
        assert not barred.is_shut_out("elif")
