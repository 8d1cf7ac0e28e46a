"""No operation is served to a role that never may use it, and none that the policy does not name."""

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from studyspot.access.policy import POLICY, sentence_for
from studyspot.wire.bearer import identity_of
from studyspot.wire.problems import ROLE_NOT_ALLOWED, Problem


class OperationWithoutPolicy(Exception):
    """Operations are served of which nobody has said who may use them."""

    def __init__(self, operations: list[tuple[str, str]]) -> None:
        named = ", ".join(f"{method} {path}" for method, path in operations)
        super().__init__(f"Say in access/policy.py who may use: {named}")


async def authorise(request: Request) -> None:
    """Let the request pass where its caller's role may ask for this at all.

    Raises:
        Problem: 401, as `identity_of`; 403, the role never may.
    """
    access = POLICY[request.method, request.scope["route"].path]
    if not access.roles:
        return
    identity = await identity_of(request)
    if identity.role not in access.roles:
        raise Problem(
            ROLE_NOT_ALLOWED,
            sentence_for(access),
            extras={"role": identity.role, "allowedRoles": list(access.roles)},
        )


def operations_of(app: FastAPI) -> set[tuple[str, str]]:
    """Return the method and path template of everything that the app serves."""
    return {
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if context.path is not None and method != "HEAD"
    }


def require_policy(app: FastAPI) -> None:
    """Make sure that the policy names all that the app serves.

    Raises:
        OperationWithoutPolicy: it does not.
    """
    unnamed = sorted(operations_of(app) - POLICY.keys())
    if unnamed:
        raise OperationWithoutPolicy(unnamed)
