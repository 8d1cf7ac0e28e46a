"""Array parameters arrive as they were sent."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.event_store.arrays import BigintArray, SmallintArray, text_array_literal
from studyspot.event_store.connections import TimeLimitedConnection, connect_writer

each_time = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from('",{}\\ '))


@pytest.fixture(scope="module")
def connection(database_url: str) -> Iterator[TimeLimitedConnection]:
    with connect_writer(database_url) as connection:
        yield connection


@each_time
@given(st.lists(TEXT, max_size=5))
def test_a_text_array_literal_holds_any_text(connection: TimeLimitedConnection, items: list[str]) -> None:
    [(back,)] = connection.execute("SELECT %b::text[]", [text_array_literal(items)]).fetchall()
    assert back == items


@each_time
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5), st.lists(st.integers(-(2**15), 2**15 - 1)))
def test_integer_arrays_hold_any_integer_of_their_size(
    connection: TimeLimitedConnection, large: list[int], small: list[int]
) -> None:
    statement = "SELECT %b, %b, pg_typeof(%b)::text, pg_typeof(%b)::text"
    arrays = [BigintArray(large), SmallintArray(small)]
    [row] = connection.execute(statement, [*arrays, *arrays]).fetchall()
    assert row == (large, small, "bigint[]", "smallint[]")
