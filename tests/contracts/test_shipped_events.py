"""Events that were shipped stay what they were: for logs that hold them, and for whoever reads the stream."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from studyspot.catalogue.cloudevents import from_message
from studyspot.catalogue.compatibility import Rule, breaches
from studyspot.catalogue.schemas import schemas
from studyspot.catalogue.types import EVENT_CLASSES
from studyspot.console.released_schemas import KEPT, read_released
from tests.contracts.project import ROOT

RELEASED = read_released(ROOT)
TODAY = schemas()
# Until the first release, today's events are as good as shipped ones to see that a change would be found.
SHIPPED = RELEASED.schemas or TODAY
GOLDEN = ROOT / "tests/catalogue/golden"


def fields() -> Iterator[tuple[str, str]]:
    for name, schema in SHIPPED.items():
        for field in schema["properties"]["data"]["properties"]:
            yield name, field


def without(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    changed = deepcopy(schema)
    del changed["properties"]["data"]["properties"][field]
    return changed


def test_todays_events_are_what_the_last_release_shipped() -> None:
    assert RELEASED.schemas or RELEASED.release is None, f"{KEPT} holds nothing of {RELEASED.release}"
    assert [str(breach) for breach in breaches(SHIPPED, TODAY)] == []


@pytest.mark.parametrize(("name", "field"), [*fields()])
def test_no_shipped_field_could_go_unnoticed(name: str, field: str) -> None:
    (breach,) = breaches(SHIPPED, TODAY | {name: without(field, SHIPPED[name])})
    assert (breach.version, breach.field, breach.rule) == (name, f"data.{field}", Rule.FIELD_REMOVED)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_message_is_what_its_schema_said_and_is_still_read(name: str) -> None:
    body = (GOLDEN / f"{name}.json").read_bytes()
    Draft202012Validator(SHIPPED[name]).validate(json.loads(body))
    assert type(from_message(body).event) in EVENT_CLASSES
