"""The OpenAPI document tells everything that its readers need: examples, problems, who may."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from studyspot.access.policy import POLICY
from studyspot.console.documents import documents
from studyspot.wire.problems import MEDIA_TYPE, OTHERS, REFUSALS

Json = dict[str, Any]


@cache
def document() -> Json:
    told: Json = orjson.loads(documents()["deploy/openapi.json"])
    return told


def operations() -> Iterator[tuple[str, str, Json]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def bodies() -> Iterator[tuple[str, str, Json]]:
    """Yield every body that is sent or answered: whose, its media type, and what is said of it."""
    for method, path, operation in operations():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{method} {path}", kind, content
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                for kind, content in response.get("content", {}).items():
                    yield f"{method} {path} {status}", kind, content


def examples_of(content: Json) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    schema = content["schema"]
    named = [schema, *schema.get("anyOf", ())]
    references = [part["$ref"].rpartition("/")[2] for part in named if "$ref" in part]
    return [
        example
        for name in references
        for example in document()["components"]["schemas"][name].get("examples", ())
    ]


def test_every_body_has_examples() -> None:
    without = [whose for whose, _, content in bodies() if not examples_of(content)]
    assert without == []


def test_every_example_is_what_its_schema_says() -> None:
    wrong = []
    for whose, _, content in bodies():
        judge = Draft202012Validator({**content["schema"], "components": document()["components"]})
        for example in examples_of(content):
            wrong += [
                f"{whose}: {fault.json_path} {fault.message[:200]}" for fault in judge.iter_errors(example)
            ]
    assert wrong == []


def test_every_problem_is_told_and_has_a_sentence() -> None:
    told: dict[str, str] = {}
    for response in document()["components"]["responses"].values():
        for example in response["content"][MEDIA_TYPE]["examples"].values():
            told[example["value"]["type"]] = example["value"]["detail"]
    # What has no operation is told by none.
    nowhere = {"/problems/method-not-allowed"}
    assert told.keys() == {kind.type for kind in (*OTHERS, *REFUSALS.values())} - nowhere
    assert all(sentence.endswith(".") for sentence in told.values())


def test_every_operation_says_what_it_is_who_may_and_how_it_is_refused() -> None:
    for method, path, operation in operations():
        named = f"{method} {path}"
        assert operation["summary"], named
        assert operation["tags"], named
        private = bool(POLICY[method, path].roles)
        assert bool(operation.get("security")) == (private or POLICY[method, path].more is not None), named
        assert ("401" in operation["responses"]) >= private, named
        assert "default" not in operation["responses"], named
        for status, response in operation["responses"].items():
            assert (status < "400") != ("$ref" in response), f"{named} {status}"


def test_all_but_health_is_limited() -> None:
    unlimited = {path for _, path, operation in operations() if "429" not in operation["responses"]}
    assert unlimited == {"/api/health", "/api/ready"}
