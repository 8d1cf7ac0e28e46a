"""Tokens that somebody has tampered with are refused, by the verifier and over HTTP."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import TokenExpired, TokenRefused, Verifier
from studyspot.decisions.barred import Barred
from studyspot.decisions.clock import system_clock
from studyspot.event_store.store import EventStore
from studyspot.wire.bearer import Caller
from studyspot.wire.errors import answer_with_problems
from tests.http_server import served

KEY = SigningKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
NOW = datetime.now(UTC)
VERIFIER = Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot")
PUBLIC = KEY.private.public_key()
PUBLIC_FORMS = {
    "raw": PUBLIC.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    "pem": PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    "jwk": KEY.jwks()["keys"][0]["x"].encode(),
}

CLAIMS: dict[str, Any] = {
    "sub": "s1",
    "role": "admin",
    "iss": "studyspot",
    "aud": "studyspot",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3600,
}
HEADER: dict[str, Any] = {"alg": "EdDSA", "kid": KEY.key_id, "typ": "JWT"}


def part(content: bytes | dict[str, Any]) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(
    claims: bytes | dict[str, Any] = CLAIMS,
    header: bytes | dict[str, Any] = HEADER,
    sign: Callable[[bytes], bytes] = KEY.private.sign,
) -> str:
    """Return a token of exactly these bytes; no library stands between an attacker and what is sent."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(sign(signed.encode()))}"


def with_claims(**changes: Any) -> str:
    return written(CLAIMS | changes)


def without(name: str) -> str:
    return written({key: value for key, value in CLAIMS.items() if key != name})


def with_header(**changes: Any) -> str:
    return written(header=HEADER | changes)


def by_secret(secret: bytes, algorithm: str = "HS256") -> str:
    return written(
        header=HEADER | {"alg": algorithm}, sign=lambda signed: hmac.digest(secret, signed, hashlib.sha256)
    )


def by_an_own_key(**header: Any) -> str:
    """Return a token signed with the attacker's key, which its header brings along or points to."""
    return written(header=HEADER | header, sign=ATTACKER.private.sign)


ATTACKER = SigningKey.generate()
THEIR_KEY = ATTACKER.jwks()["keys"][0]
GOOD = written()
LATER = int(NOW.timestamp()) + 7200
DEEP = b'{"sub":' + b"[" * 2500 + b"]" * 2500 + b"}"

ATTACKS = {
    "no algorithm": written(header=HEADER | {"alg": "none"}, sign=lambda _: b""),
    "no algorithm, and no third part": f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}.",
    "no algorithm, oddly spelled": written(header=HEADER | {"alg": "nOnE"}, sign=lambda _: b""),
    "no algorithm, a good signature": with_header(alg="none"),
    "no algorithm at all": written(header={"kid": KEY.key_id}),
    "an algorithm that is a list": with_header(alg=["EdDSA"]),
    **{f"our public key as a secret, {name}": by_secret(form) for name, form in PUBLIC_FORMS.items()},
    "an empty secret": by_secret(b""),
    "RS256 with a key of theirs": jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": KEY.key_id}),
    "another key under its own id": written(
        header=HEADER | {"kid": ATTACKER.key_id}, sign=ATTACKER.private.sign
    ),
    "another key under our id": by_an_own_key(),
    "no signature": f"{part(HEADER)}.{part(CLAIMS)}.",
    "two parts": f"{part(HEADER)}.{part(CLAIMS)}",
    "four parts": f"{GOOD}.{part(b'x')}",
    "five parts, as encrypted": f"{GOOD}.{part(b'x')}.{part(b'x')}",
    "the claims of another token": ".".join((part(HEADER), part(CLAIMS | {"sub": "s2"}), GOOD.split(".")[2])),
    "another audience": with_claims(aud="elsewhere"),
    "a list of audiences": with_claims(aud=["elsewhere", "studyspot"]),
    "a list of our audience": with_claims(aud=["studyspot"]),
    "no audience": without("aud"),
    "an audience that begins like ours": with_claims(aud="studyspot.evil"),
    "another issuer": with_claims(iss="https://evil.example"),
    "a list of issuers": with_claims(iss=["studyspot"]),
    "an issuer that is no text": with_claims(iss={"studyspot": 1}),
    "no issuer": without("iss"),
    "not yet valid": with_claims(nbf=LATER),
    "issued in the future": with_claims(iat=LATER, exp=LATER + 60),
    "no expiry": without("exp"),
    "an expiry of null": with_claims(exp=None),
    "an expiry of true": with_claims(exp=True),
    "an expiry in quotes": with_claims(exp=str(CLAIMS["exp"])),
    "an endless expiry": written(json.dumps(CLAIMS | {"exp": float("inf")}).encode()),
    "an expiry that is no number": written(json.dumps(CLAIMS | {"exp": float("nan")}).encode()),
    "an expiry of many digits": written(json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "9" * 5000).encode()),
    "no moment of issue": without("iat"),
    "a not-before that is text": with_claims(nbf="now"),
    "no subject": without("sub"),
    "a subject that is a number": with_claims(sub=1),
    "a subject that is a list": with_claims(sub=["s1"]),
    "a subject that is an object": with_claims(sub={"$ne": None}),
    "an empty subject": with_claims(sub=""),
    "a subject with a line break": with_claims(sub="s1\n"),
    "a subject with a dot": with_claims(sub="s1.admin"),
    "a subject of a wildcard": with_claims(sub=">"),
    "no role": without("role"),
    "an unknown role": with_claims(role="root"),
    "a role in capitals": with_claims(role="ADMIN"),
    "a role that is a list": with_claims(role=["admin"]),
    "a role that is an object": with_claims(role={"admin": True}),
    "a role with a space": with_claims(role="admin "),
    "a key id that is a path": with_header(kid="../../../../dev/null"),
    "a key id that is SQL": with_header(kid="' UNION SELECT 'key' --"),
    "a key id that is a URL": with_header(kid="https://evil.example/jwks.json"),
    "a key id that is a list": with_header(kid=[KEY.key_id]),
    "a key id that is null": with_header(kid=None),
    "no key id": written(header={"alg": "EdDSA"}),
    "a key in the header": by_an_own_key(jwk=THEIR_KEY),
    "a key in the header under its id": by_an_own_key(jwk=THEIR_KEY, kid=ATTACKER.key_id),
    "a URL of keys in the header": by_an_own_key(jku="http://127.0.0.1:9/jwks.json", kid=ATTACKER.key_id),
    "certificates in the header": by_an_own_key(x5u="http://127.0.0.1:9/c.pem", x5c=["MIIB"]),
    "what we must understand and do not": with_header(crit=["evil"], evil=True),
    "nothing that we must understand": with_header(crit=[]),
    "a payload that is not encoded": with_header(crit=["b64"], b64=False),
    "a header that is a list": written(header=b'["EdDSA"]'),
    "a header that is no JSON": written(header=b"EdDSA"),
    "claims that are a list": written(b'["s1"]'),
    "claims that are no JSON": written(b"s1"),
    "claims that are nested deeply": written(DEEP),
    "a header that is nested deeply": written(header=DEEP.replace(b"sub", b"alg")),
    "claims that are not UTF-8": written(b'{"sub": "\xff"}'),
    "two algorithms, none the last": written(
        header=json.dumps(HEADER).encode()[:-1] + b', "alg": "none"}', sign=lambda _: b"x"
    ),
    "two roles, an unknown one the last": written(json.dumps(CLAIMS).encode()[:-1] + b', "role": "root"}'),
    "huge": with_claims(name="x" * 10_000),
    "a broken signature": GOOD[:-6] + ("AAAAAA" if GOOD[-6:] != "AAAAAA" else "BBBBBB"),
    "padded": f"{GOOD}==",
    "characters that decoders skip": GOOD.replace(".", "!.", 1),
}

MALFORMED = {
    "a line break at the end": f"{GOOD}\n",
    "a space at the end": f"{GOOD} ",
    "a space in front": f" {GOOD}",
    "a zero at the end": f"{GOOD}\0",
    "a character that is not ASCII": f"{GOOD}é",
}
"""What HTTP itself takes away or refuses."""


def test_the_token_that_attacks_begin_with_is_good() -> None:
    assert VERIFIER.verify(GOOD, NOW).role == "admin"


@pytest.mark.parametrize("token", (ATTACKS | MALFORMED).values(), ids=(ATTACKS | MALFORMED).keys())
def test_the_verifier_refuses(token: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        VERIFIER.verify(token, NOW)
    assert not isinstance(refused.value, TokenExpired), "no fresh one of the kind would be taken"
    assert len(refused.value.reason) < 100, "nothing of the token is repeated"


def test_an_expired_token_is_refused_however_often_it_was_good() -> None:
    VERIFIER.verify(GOOD, NOW)
    with pytest.raises(TokenExpired):
        VERIFIER.verify(GOOD, NOW + timedelta(hours=1))


@asynccontextmanager
async def guarded(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve one operation that needs a token."""
    app = FastAPI()
    answer_with_problems(app)

    @app.get("/me")
    async def me(caller: Caller) -> dict[str, str]:
        return {"id": caller.user_id}

    with EventStore(database_url, read_connections=1) as store:
        barred = Barred(store)
        await barred.catch_up()
        app.state.verifier, app.state.clock, app.state.barred = VERIFIER, system_clock, barred
        async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
            yield client


def bearer(token: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token}")]


async def test_every_attack_is_a_401_over_http(database_url: str) -> None:
    async with guarded(database_url) as client:
        assert (await client.get("/me", headers=bearer(GOOD))).json() == {"id": "s1"}
        for name, token in ATTACKS.items():
            answer = await client.get("/me", headers=bearer(token))
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/token-refused"), name
            assert answer.headers["WWW-Authenticate"].startswith("Bearer "), name
            assert token not in answer.text, name
        expired = await client.get("/me", headers=bearer(with_claims(exp=int(NOW.timestamp()) - 1)))
        assert expired.json()["type"] == "/problems/token-expired"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param(bearer(GOOD) + bearer(GOOD), id="two of the same"),
        pytest.param(bearer(GOOD) + bearer(ATTACKS["another key under our id"]), id="a good one first"),
        pytest.param(bearer(ATTACKS["another key under our id"]) + bearer(GOOD), id="a good one last"),
        pytest.param([("Authorization", GOOD)], id="no scheme"),
        pytest.param([("Authorization", f"Basic {GOOD}")], id="another scheme"),
        pytest.param([("Authorization", "Bearer")], id="no token"),
        pytest.param([("Cookie", f"Authorization=Bearer {GOOD}")], id="a cookie"),
    ],
)
async def test_a_token_travels_once_and_as_a_bearer(
    headers: list[tuple[str, str]], database_url: str
) -> None:
    async with guarded(database_url) as client:
        answer = await client.get("/me", headers=headers, params={"access_token": GOOD})
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
