"""What a shipped version may become: every kind of change is found, and is told from a change of words.

Each change comes with a witness that one of the two schemas takes and the other does not: so the rules are
judged by a validator, and not by themselves.
"""

from typing import Any

import pytest
from jsonschema import Draft202012Validator as Validator

from studyspot.catalogue.compatibility import HARM, Breach, Rule, breaches
from tests.catalogue.schema_changes import (
    BREACHES,
    FIELDS,
    GONE,
    HARMLESS,
    MESSAGE,
    NAME,
    SHIPPED,
    TEXT,
    Edit,
    edited,
)


def accepts(schema: dict[str, Any], message: dict[str, Any]) -> bool:
    return Validator(schema, format_checker=Validator.FORMAT_CHECKER).is_valid(message)


def found(*edits: Edit) -> tuple[Breach, ...]:
    return breaches({NAME: SHIPPED}, {NAME: edited(SHIPPED, *edits)})


@pytest.mark.parametrize("kind", BREACHES)
def test_a_change_of_what_a_version_says_is_found(kind: str) -> None:
    change = BREACHES[kind]
    assert (change.field, change.rule) in {(breach.field, breach.rule) for breach in found(*change.edits)}


@pytest.mark.parametrize("kind", BREACHES)
def test_such_a_change_fails_a_stored_event_or_a_consumer(kind: str) -> None:
    change = BREACHES[kind]
    today, witness = edited(SHIPPED, *change.edits), edited(MESSAGE, *change.of_witness)
    assert accepts(SHIPPED, witness) is (change.witness == "stored")
    assert accepts(today, witness) is (change.witness == "new")


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_change_of_words_order_or_spelling_is_none(kind: str) -> None:
    assert found(*HARMLESS[kind]) == ()
    assert accepts(edited(SHIPPED, *HARMLESS[kind]), MESSAGE)


def test_another_default_is_found_though_every_message_stays_valid() -> None:
    edits = (f"{FIELDS}/status/default", GONE), ("$defs/Coat/properties/dry/default", True)
    assert [(breach.field, breach.rule) for breach in found(*edits)][:2] == [
        ("data.status", Rule.DEFAULT_CHANGED),
        ("data.coats[].dry", Rule.DEFAULT_CHANGED),
    ]


def test_every_rule_has_a_change_that_it_finds() -> None:
    shown = {change.rule for change in BREACHES.values()}
    assert shown | {Rule.DEFAULT_CHANGED, Rule.VERSION_REMOVED} == set(Rule) == set(HARM)


def test_a_version_that_is_gone_is_found_and_a_new_one_is_none() -> None:
    assert [str(breach) for breach in breaches({NAME: SHIPPED}, {"studyspot.seat.painted.v2": SHIPPED})] == [
        f"{NAME} is gone (version-removed): logs and streams still hold such events."
        " Leave v1 as it was shipped, and make the change in v2."
    ]
    assert breaches({}, {NAME: SHIPPED}) == ()


def test_the_sentence_names_version_field_rule_and_mend() -> None:
    (breach,) = found((f"{FIELDS}/zone/enum", ["general"]))
    assert str(breach) == (
        f'{NAME}: data.zone may no longer be "quiet" (value-removed): events were stored with it.'
        " Leave v1 as it was shipped, and make the change in v2."
    )


def test_each_of_several_changes_is_told() -> None:
    changed = found((f"{FIELDS}/note", GONE), (f"{FIELDS}/litres/type", "string"), ("properties/id", TEXT))
    assert {breach.field for breach in changed} == {"data.note", "data.litres", "id"}
