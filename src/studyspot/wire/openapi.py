"""The OpenAPI document: what FastAPI knows of each operation, and every problem that it may end in."""

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI

from studyspot.access.policy import POLICY, Access
from studyspot.wire import problems
from studyspot.wire.problems import MEDIA_TYPE, Kind

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_CHALLENGE: Json = {"WWW-Authenticate": {"description": "The scheme that is asked for.", "schema": _TEXT}}
_HEADERS = {401: _CHALLENGE, 429: _RETRY_AFTER, 503: _RETRY_AFTER}
_WITHOUT_LIMIT = ("/api/health", "/api/ready")
_SIGN_IN = "/api/auth/"
_OF_TOKENS = {
    *(problems.UNAUTHENTICATED.slug, problems.TOKEN_EXPIRED.slug, problems.TOKEN_REFUSED.slug),
    problems.ACCOUNT_BARRED.slug,
}
_OF_SIGNING_IN = {
    kind.slug for kind in (problems.CREDENTIALS_WRONG, problems.SESSION_OVER, problems.ACCOUNT_BARRED)
}


def describe(app: FastAPI) -> None:
    """Let the app's document tell every operation's statuses and problems."""
    plain: Callable[[], Json] = app.openapi
    known: list[Json] = []

    def openapi() -> Json:
        if not known:
            known.append(_described(plain()))
        return known[0]

    # How FastAPI has its document extended.
    app.openapi = openapi  # type: ignore[method-assign]


def _described(document: Json) -> Json:
    components = document["components"]
    for generated in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(generated, None)
    components["schemas"]["Problem"] = _PROBLEM
    _exemplify(document, orjson.loads(files("studyspot.wire").joinpath("examples.json").read_bytes()))
    components["responses"] = {}
    # Routes stand in the order in which they are tried, which is nothing to a reader.
    document["paths"] = dict(sorted(document["paths"].items()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            access = POLICY[method.upper(), path]
            _say_in_a_line(operation)
            if access.more is not None:
                operation["security"] = [{}, *({scheme: []} for scheme in components["securitySchemes"])]
            for kinds in _problems_of(method.upper(), path, operation, access):
                status, name = kinds[0].status, _name_of(kinds)
                components["responses"][name] = _response(kinds)
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
            operation["responses"].pop("default", None)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    components["responses"] = dict(sorted(components["responses"].items()))
    return document


def _exemplify(document: Json, examples: Json) -> None:
    """Put an example beside every body, by the name of its model; beside an answer without, by its operation.

    They are answers of a real run: `examples.json` has no other source.
    """
    for name, schema in document["components"]["schemas"].items():
        if name in examples:
            schema.setdefault("examples", [examples[name]])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            example = examples.get(f"{method.upper()} {path}")
            for content in operation["responses"].get("200", {}).get("content", {}).values():
                if example is not None:
                    content["example"] = example


def _say_in_a_line(operation: Json) -> None:
    """Make the first sentence of an operation's description its summary."""
    summary, separator, rest = operation["description"].partition("\n\n")
    operation["summary"] = " ".join(summary.split()).rstrip(".")
    if separator:
        operation["description"] = rest
    else:
        del operation["description"]


def _problems_of(method: str, path: str, operation: Json, access: Access) -> Iterable[list[Kind]]:
    """Yield, for every status of a refusal, the problems that this operation may end in."""
    parameters = operation.get("parameters", ())
    by_id = any(parameter["in"] == "path" for parameter in parameters)
    conditional = any(parameter["name"].lower() == "if-match" for parameter in parameters)
    signs_in = path.startswith(_SIGN_IN)
    changes = method != "GET"
    with_body = "requestBody" in operation
    private = bool(access.roles)
    about_libraries = access.relation in ("party", "runs-library", "owns-library", "owner-or-self")
    limited = path not in _WITHOUT_LIMIT
    statuses = {
        400: with_body,
        401: private or signs_in or access.more is not None,
        403: about_libraries or access.more == "runs-library" or len(access.roles) in (1, 2, 3) or signs_in,
        404: by_id or about_libraries or path.endswith(".ics"),
        409: (private and (changes or by_id)) or path == f"{_SIGN_IN}register",
        412: conditional,
        413: with_body,
        422: bool(parameters) or with_body or changes,
        429: limited,
        500: True,
        503: path != "/api/health",
    }
    for status, may_be in statuses.items():
        kinds = _kinds(status, access, signs_in=signs_in)
        if may_be and kinds:
            yield kinds


def _kinds(status: int, access: Access, *, signs_in: bool) -> list[Kind]:
    kinds = [kind for kind in (*problems.OTHERS, *problems.REFUSALS.values()) if kind.status == status]
    if status == 401:
        told = _OF_SIGNING_IN if signs_in and not access.roles else _OF_TOKENS
        return [kind for kind in kinds if kind.slug in told]
    if status == 403 and signs_in:
        return [problems.ORIGIN_REFUSED]
    if status == 403:
        return [kind for kind in kinds if kind != problems.ORIGIN_REFUSED]
    if access.relation == "public" and status == 404:
        return [kind for kind in kinds if kind.slug in ("not-found", "library-unknown")]
    return kinds


def _name_of(kinds: list[Kind]) -> str:
    """Return one name for the same problems, wherever they are told."""
    whole = [
        kind for kind in (*problems.OTHERS, *problems.REFUSALS.values()) if kind.status == kinds[0].status
    ]
    return f"Problem{kinds[0].status}" + ("" if kinds == whole else f"-{kinds[0].slug}")


def _response(kinds: list[Kind]) -> Json:
    status = kinds[0].status
    told: Json = {
        "description": " · ".join(dict.fromkeys(f"{kind.title} (`{kind.type}`)" for kind in kinds)),
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [{"$ref": "#/components/schemas/Problem"}],
                    "properties": {
                        "type": {"enum": list(dict.fromkeys(kind.type for kind in kinds))},
                        "status": {"const": status},
                    },
                },
                "examples": {kind.slug: {"summary": kind.title, "value": _example(kind)} for kind in kinds},
            }
        },
    }
    return told | ({"headers": _HEADERS[status]} if status in _HEADERS else {})


@cache
def _sentences() -> dict[str, str | None]:
    """The sentence of each refusal, by the slug of its problem."""
    return {known.slug: inspect.getdoc(refusal) for refusal, known in problems.REFUSALS.items()}


def _example(kind: Kind) -> Json:
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _sentences().get(kind.slug) or f"{kind.title}.",
        "instance": "/api/bookings",
    }


_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Programs go by `type`, which is stable; `detail` is for people; more follows.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
