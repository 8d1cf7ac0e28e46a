"""Tokens prove who is calling, or nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from studyspot.access.key_sets import KeysUnavailable, load_key_sets
from studyspot.access.keys import SigningKey
from studyspot.access.tokens import TokenExpired, TokenRefused, Verifier

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
KEY = SigningKey.generate()
IMPOSTOR = SigningKey(SigningKey.generate().private, KEY.key_id)
VERIFIER = Verifier.of([KEY.jwks()], issuer="studyspot", audience="portals")


def sign(key: SigningKey = KEY, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "user_id": "s1",
        "role": "student",
        "issuer": "studyspot",
        "audience": "portals",
        "now": NOW,
        "lifetime": timedelta(minutes=15),
    }
    return key.sign(**(arguments | changes))


def forged(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


CLAIMS = {
    "sub": "s1",
    "role": "admin",
    "iss": "studyspot",
    "aud": "portals",
    "iat": NOW.timestamp(),
    "exp": NOW.timestamp() + 900,
}


def test_a_good_token_tells_who_it_is() -> None:
    identity = VERIFIER.verify(sign(name="Asha Rao"), NOW)
    assert (identity.user_id, identity.role, identity.name) == ("s1", "student", "Asha Rao")
    assert identity.expires_at == NOW + timedelta(minutes=15)


def test_a_token_ends_at_its_time() -> None:
    token = sign()
    VERIFIER.verify(token, NOW + timedelta(minutes=15) - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        VERIFIER.verify(token, NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(sign(issuer="elsewhere"), id="another issuer"),
        pytest.param(sign(audience="another"), id="another audience"),
        pytest.param(sign(role="owner"), id="an unknown role"),
        pytest.param(sign(user_id="a b"), id="a subject that is no identifier"),
        pytest.param(sign(user_id="*"), id="a subject that is a wildcard"),
        pytest.param(sign(now=NOW + timedelta(hours=1)), id="not yet valid"),
        pytest.param(sign(extra={"nbf": NOW.timestamp() + 3600}), id="not before later"),
        pytest.param(sign(extra={"exp": "soon"}), id="an expiry that is no time"),
        pytest.param(sign(extra={"exp": 1e300}), id="an expiry beyond all times"),
        pytest.param(sign(SigningKey.generate()), id="another key"),
        pytest.param(
            sign(SigningKey(SigningKey.generate().private, KEY.key_id)), id="another key, our key id"
        ),
        pytest.param(forged(CLAIMS, {"alg": "none", "kid": KEY.key_id}), id="no signature"),
        pytest.param(forged(CLAIMS, {"alg": "EdDSA"}), id="no key id"),
        pytest.param(forged(CLAIMS, {"alg": "EdDSA", "kid": ["x"]}), id="a key id that is a list"),
        pytest.param(
            forged(CLAIMS, {"alg": "EdDSA", "kid": "../../etc/passwd"}), id="a key id that is a path"
        ),
        pytest.param(sign()[:-4] + "AAAA", id="a broken signature"),
        pytest.param("x" * 9000, id="huge"),
        pytest.param("", id="empty"),
        pytest.param("a.b", id="no token"),
        pytest.param("é.é.é", id="not ASCII"),
    ],
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        VERIFIER.verify(token, NOW)


def test_a_public_key_used_as_a_shared_secret_is_refused() -> None:
    public = KEY.jwks()["keys"][0]["x"]
    token = jwt.encode(CLAIMS, public, algorithm="HS256", headers={"kid": KEY.key_id})
    with pytest.raises(TokenRefused):
        VERIFIER.verify(token, NOW)


@pytest.mark.parametrize("missing", ["sub", "role", "iss", "aud", "iat", "exp"])
def test_a_token_without_a_claim_is_refused(missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    token = jwt.encode(claims, KEY.private, algorithm="EdDSA", headers={"kid": KEY.key_id})
    with pytest.raises(TokenRefused):
        VERIFIER.verify(token, NOW)


@given(st.text(max_size=200))
def test_no_text_breaks_the_verifier(token: str) -> None:
    with pytest.raises(TokenRefused):
        VERIFIER.verify(token, NOW)


def test_only_ed25519_keys_are_taken_from_a_key_set() -> None:
    other = jwt.algorithms.RSAAlgorithm.to_jwk(
        rsa.generate_private_key(65537, 2048).public_key(), as_dict=True
    )
    with pytest.raises(ValueError, match="no key for EdDSA"):
        Verifier.of([{"keys": [other | {"kid": "r"}]}], issuer="i", audience="a")
    with pytest.raises(ValueError, match="no key for EdDSA"):
        Verifier.of([{"keys": []}], issuer="i", audience="a")
    malformed_sets: list[dict[str, Any]] = [{}, {"keys": {}}, {"keys": ["k"]}]
    for malformed in malformed_sets:
        with pytest.raises(ValueError, match="not a set of keys"):
            Verifier.of([malformed], issuer="i", audience="a")


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two keys"):
        Verifier.of([KEY.jwks(), IMPOSTOR.jwks()], issuer="i", audience="a")
    assert Verifier.of([KEY.jwks(), KEY.jwks()], issuer="i", audience="a").jwks() == KEY.jwks()


def test_only_public_members_are_published() -> None:
    private = {"keys": [KEY.jwks()["keys"][0] | {"d": "secret"}]}
    assert Verifier.of([private], issuer="i", audience="a").jwks() == KEY.jwks()


@pytest.mark.parametrize("name", ["a\ud800", "a\x00b", "line\nbreak", "   ", "x" * 121, 7])
def test_a_name_that_cannot_be_shown_is_none(name: Any) -> None:
    assert VERIFIER.verify(sign(extra={"name": name}), NOW).name is None


def test_a_key_file_belongs_to_its_owner_and_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    KEY.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).key_id == KEY.key_id
    with pytest.raises(FileExistsError):
        SigningKey.generate().save(path)


def test_key_sets_come_from_files_and_say_when_they_do_not(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KEY.jwks()))
    assert load_key_sets([str(path)]) == [KEY.jwks()]
    for content in ("[]", "{"):
        path.write_text(content)
        with pytest.raises(KeysUnavailable):
            load_key_sets([str(path)])
    with pytest.raises(KeysUnavailable):
        load_key_sets([str(tmp_path / "none.json")])
    with pytest.raises(KeysUnavailable):
        load_key_sets(["http://127.0.0.1:9/jwks.json"])
