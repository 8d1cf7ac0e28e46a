"""People of an identity provider: its keys from its own endpoint, its subjects as our ids, its role claim."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from studyspot.access.external_identity import role_in, user_id_of
from studyspot.access.issuers import ExternalIssuer
from studyspot.access.key_ring import Pace
from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Identity, KeysUnsettled, TokenExpired, TokenRefused, Verifier
from tests.access.issuer_server import IssuerKey, IssuerServer, issuer_server

OURS = SigningKey.generate()
LIMIT = timedelta(seconds=30)
BRISK = Pace(rest=timedelta(milliseconds=20), every=timedelta(milliseconds=40))
"""Keys are read so often that a test need not wait for what is minutes away in service."""
PATIENT = Pace(rest=timedelta(milliseconds=20), every=timedelta(hours=1))
"""Keys are read again when an unknown one is shown, and not by themselves."""
FORGETFUL = Pace(rest=timedelta(milliseconds=500), every=timedelta(hours=1))
"""After a reading there is time to look at what it left."""
ONCE = Pace(rest=timedelta(hours=1), every=timedelta(hours=2))


def verifier_of(
    server: IssuerServer, pace: Pace = PATIENT, role_claim: str = "app_metadata.role"
) -> Verifier:
    return Verifier.of(
        [OURS.jwks()],
        issuer="studyspot",
        audience="studyspot",
        external=ExternalIssuer(
            issuer=server.issuer,
            audience="authenticated",
            key_sets=(server.jwks_url,),
            role_claim="app_metadata.role",
        ),
        pace=pace,
    )


@asynccontextmanager
async def followed(verifier: Verifier) -> AsyncIterator[Verifier]:
    """Follow the keys, which have been read once."""
    task = asyncio.create_task(verifier.follow())
    try:
        await verifier.settled(LIMIT)
        yield verifier
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def verify(verifier: Verifier, token: str) -> Identity:
    return verifier.verify(token, datetime.now(UTC))


async def verified_later(verifier: Verifier, token: str) -> Identity:
    """Show the token until it is taken."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while True:
            with contextlib.suppress(TokenRefused):
                return verify(verifier, token)
            await asyncio.sleep(0.01)


async def refused_later(verifier: Verifier, token: str) -> None:
    """Show the token until it is refused for good."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while True:
            try:
                verify(verifier, token)
            except KeysUnsettled:
                pass
            except TokenRefused:
                return
            await asyncio.sleep(0.01)


async def unsettled_later(verifier: Verifier, token: str) -> None:
    """Show the token until nobody can say whether it is good: a reading has failed."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while True:
            try:
                verify(verifier, token)
            except KeysUnsettled:
                return
            except TokenRefused:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_the_provider_speaks_for_one_of_our_people(algorithm: str) -> None:
    async with issuer_server(algorithm) as server, followed(verifier_of(server)) as verifier:
        identity = verify(verifier, server.token(name="Asha Rao"))
    assert identity.user_id == user_id_of(server.issuer, "6f0a6a52-0000-4000-8000-0123456789ab")
    assert (identity.role, identity.name) == ("student", "Asha Rao")


def test_a_subject_is_always_the_same_uuid_of_version_5_and_nobody_elses() -> None:
    mine = user_id_of("https://a.example", "7")
    assert UUID(mine).version == 5
    assert mine == user_id_of("https://a.example", "7")
    others = {user_id_of("https://a.example", "8"), user_id_of("https://b.example", "7")}
    assert mine not in others
    assert len(others) == 2


async def test_a_subject_that_looks_like_one_of_our_ids_is_mapped_all_the_same() -> None:
    async with issuer_server("ES256") as server, followed(verifier_of(server)) as verifier:
        assert verify(verifier, server.token(sub="owner-1")).user_id == user_id_of(server.issuer, "owner-1")
        strange = verify(verifier, server.token(sub="auth0|6f0a≠"))
        assert UUID(strange.user_id).version == 5


@pytest.mark.parametrize("subject", ["", "x" * 256, "line\nbreak"], ids=repr)
async def test_what_is_no_subject_is_refused(subject: str) -> None:
    async with issuer_server("ES256") as server, followed(verifier_of(server)) as verifier:
        with pytest.raises(TokenRefused, match="subject"):
            verify(verifier, server.token(sub=subject))


@pytest.mark.parametrize(
    ("claims", "path", "role"),
    [
        ({"app_metadata": {"role": "library_owner"}}, "app_metadata.role", "library_owner"),
        ({"https://studyspot.example/role": "admin"}, "https://studyspot.example/role", "admin"),
        ({"realm_access": {"roles": ["offline_access", "staff"]}}, "realm_access.roles", "staff"),
        ({"a": {"b.c": "student"}}, "a.b.c", "student"),
        ({"realm_access": {"roles": ["student", "admin"]}}, "realm_access.roles", None),
        ({"role": "authenticated"}, "role", None),
        ({"app_metadata": "student"}, "app_metadata.role", None),
        ({"app_metadata": {"role": {"student": True}}}, "app_metadata.role", None),
        ({"app_metadata": {"role": [["student"]]}}, "app_metadata.role", None),
        ({}, "app_metadata.role", None),
    ],
)
def test_the_role_is_in_the_configured_claim_or_nowhere(
    claims: dict[str, Any], path: str, role: str | None
) -> None:
    assert role_in(claims, path) == role


async def test_a_token_without_a_role_of_ours_is_refused_and_names_the_claim() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server)) as verifier:
        without: tuple[dict[str, Any], ...] = (
            {"app_metadata": {}},
            {"app_metadata": {"role": "teacher"}, "role": "admin"},
        )
        for changes in without:
            with pytest.raises(TokenRefused, match=r"app_metadata\.role names no role"):
                verify(verifier, server.token(**changes))


async def test_no_issuers_key_signs_for_another() -> None:
    async with issuer_server("EdDSA") as server, followed(verifier_of(server)) as verifier:
        [theirs] = server.keys
        now = datetime.now(UTC)
        as_us = {"iss": "studyspot", "aud": "studyspot", "role": "admin"}
        with pytest.raises(TokenRefused):
            verify(verifier, theirs.sign(server.claims(now, **as_us)))
        as_them = OURS.sign(
            user_id="s1",
            role="admin",
            issuer=server.issuer,
            audience="authenticated",
            now=now,
            lifetime=LIMIT,
            extra={"app_metadata": {"role": "admin"}},
        )
        await refused_later(verifier, as_them)
        assert [key["kid"] for key in verifier.jwks()["keys"]] == [OURS.key_id], "theirs are not published"


async def test_a_key_that_both_have_under_one_id_is_each_issuers_own() -> None:
    async with issuer_server() as server:
        server.keys = [IssuerKey("EdDSA", OURS.key_id)]
        async with followed(verifier_of(server)) as verifier:
            assert verify(verifier, server.token()).role == "student"
            with pytest.raises(TokenRefused):
                verify(verifier, server.token(iss="studyspot", aud="studyspot", role="admin"))


async def test_among_several_audiences_ours_must_be() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server)) as verifier:
        verify(verifier, server.token(aud=["account", "authenticated"]))
        for wrong in (["account"], "account", []):
            with pytest.raises(TokenRefused):
                verify(verifier, server.token(aud=wrong))


async def test_an_expired_token_of_the_provider_asks_for_a_fresh_one() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server)) as verifier:
        with pytest.raises(TokenExpired):
            verify(verifier, server.token(now=datetime.now(UTC) - timedelta(hours=2)))


async def test_keys_that_are_too_weak_or_for_something_else_sign_nothing() -> None:
    async with issuer_server("ES256") as server:
        encrypts, other = IssuerKey("RS256", "encrypts"), IssuerKey("PS256", "other")
        encrypts.published["use"] = "enc"
        server.keys += [encrypts, other]
        async with followed(verifier_of(server)) as verifier:
            verify(verifier, server.token())
            for key in (encrypts, other):
                await refused_later(verifier, server.token(key))


async def test_a_rotated_key_is_taken_when_it_is_first_shown_and_the_withdrawn_one_no_more() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server)) as verifier:
        [old], new = server.keys, IssuerKey("ES256", "new")
        before = server.token()
        verify(verifier, before)
        server.keys = [old, new]
        assert (await verified_later(verifier, server.token(new))).role == "student"
        verify(verifier, before)
        server.keys = [new]
        await refused_later(verifier, server.token(IssuerKey("ES256", "another")))
        await refused_later(verifier, before)


async def test_a_withdrawn_key_is_forgotten_though_nobody_shows_another() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server, BRISK)) as verifier:
        before = server.token()
        verify(verifier, before)
        server.keys = [IssuerKey("RS256", "new")]
        await refused_later(verifier, before)


async def test_whoever_shows_a_new_key_first_is_asked_to_come_back_and_not_sent_away() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server)) as verifier:
        server.keys.append(IssuerKey("ES256", "new"))
        server.waits = asyncio.Event()
        token = server.token(server.keys[1])
        await asked_to_come_back(verifier, token)
        verify(verifier, server.token())  # Nobody else waits meanwhile.
        server.waits.set()
        await verifier.settled(LIMIT)
        verify(verifier, token)


async def asked_to_come_back(verifier: Verifier, token: str) -> None:
    """Wait until an unknown key begins another reading: just after one, it is refused at once."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while True:
            try:
                verify(verifier, token)
            except KeysUnsettled:
                return
            except TokenRefused:
                await asyncio.sleep(0.01)


async def test_a_storm_of_unknown_keys_asks_the_provider_no_more_than_once_in_a_rest() -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server, ONCE)) as verifier:
        stranger = IssuerKey("ES256", "unknown")
        asked = server.requests
        for number in range(200):
            with pytest.raises(TokenRefused) as refused:
                verify(verifier, stranger.sign(server.claims(datetime.now(UTC)), kid=f"random-{number}"))
            assert not isinstance(refused.value, KeysUnsettled), "they are refused at once"
            await asyncio.sleep(0)
        assert server.requests == asked
        verify(verifier, server.token())


async def test_a_provider_that_is_away_at_the_start_is_heard_when_it_comes() -> None:
    async with issuer_server("RS256") as server:
        await server.stop()
        async with followed(verifier_of(server)) as verifier:
            with pytest.raises(KeysUnsettled):
                verify(verifier, server.token())
            ours = OURS.sign(
                user_id="s1",
                role="admin",
                issuer="studyspot",
                audience="studyspot",
                now=datetime.now(UTC),
                lifetime=LIMIT,
            )
            assert verify(verifier, ours).user_id == "s1", "our own people are not kept waiting"
            await server.start()
            await verified_later(verifier, server.token())


BAD_ANSWERS = {
    "away": None,
    "a list": b"[]",
    "broken": b"{",
    "no key": b'{"keys": []}',
    "huge": b" " * 300_000,
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_provider_that_fails_later_leaves_the_last_keys(answer: bytes | None) -> None:
    async with issuer_server("RS256") as server, followed(verifier_of(server, FORGETFUL)) as verifier:
        verify(verifier, server.token())
        server.answer = answer
        if answer is None:
            await server.stop()
        stranger = server.token(IssuerKey("ES256", "unknown"))
        await unsettled_later(verifier, stranger)
        await verifier.settled(LIMIT)
        with pytest.raises(KeysUnsettled):
            verify(verifier, stranger)
        verify(verifier, server.token())


def test_a_provider_cannot_have_our_name() -> None:
    with pytest.raises(ValueError, match="issuer of our own"):
        Verifier.of(
            [OURS.jwks()],
            issuer="studyspot",
            audience="a",
            external=ExternalIssuer(issuer="studyspot", audience="a", key_sets=("x",), role_claim="role"),
        )
