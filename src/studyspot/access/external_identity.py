"""Whom a token of an identity provider (Supabase Auth, Keycloak, Auth0) speaks for, in our words."""

from collections.abc import Mapping
from typing import Any, get_args
from uuid import NAMESPACE_URL, uuid5

from studyspot.domain.people import Role

LONGEST_SUBJECT = 255
"""OpenID Connect allows no more."""
_ROLES: tuple[Role, ...] = get_args(Role)


def user_id_of(issuer: str, subject: str) -> str:
    """Return our id for the subject: a UUIDv5, always the same, never that of another issuer's subject."""
    return str(uuid5(uuid5(NAMESPACE_URL, issuer), subject))


def role_in(claims: Mapping[str, Any], path: str) -> Role | None:
    """Return the role that the claim at `path` names, and none where it names no single role of ours.

    `path` is dotted into nested claims (`app_metadata.role`); a claim whose own name has dots, as Auth0
    demands of custom ones, is found by that. Of a list, as Keycloak has it, exactly one member may be a role.
    """
    found = _at(claims, path)
    named = found if isinstance(found, list) else [found]
    roles = [role for role in _ROLES if role in named]
    return roles[0] if len(roles) == 1 else None


def _at(claims: Any, path: str) -> Any:
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    head, dot, rest = path.partition(".")
    return _at(claims.get(head), rest) if dot else None
