"""Amounts and durations as plain numbers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.currencies import minor_digits
from studyspot.ws_fanout.socket_io.amounts import hours, major_units


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [
        (10000, "INR", 100),
        (10050, "INR", 100.5),
        (1, "INR", 0.01),
        (0, "INR", 0),
        (-250, "EUR", -2.5),
        (1500, "JPY", 1500),
        (1500, "KWD", 1.5),
        (1234, "KWD", 1.234),
    ],
)
def test_an_amount_is_in_major_units_of_its_currency(minor: int, currency: str, major: float) -> None:
    assert major_units(minor, currency) == major


@given(st.integers(-(2**50), 2**50), st.sampled_from(["INR", "JPY", "KWD"]))
def test_no_amount_is_off_by_a_minor_unit(minor: int, currency: str) -> None:
    assert round(major_units(minor, currency) * 10 ** minor_digits(currency)) == minor


@given(st.integers(0, 2**50))
def test_a_whole_amount_has_no_fraction(rupees: int) -> None:
    assert isinstance(major_units(rupees * 100, "INR"), int)


@pytest.mark.parametrize(
    ("duration", "number"),
    [
        (timedelta(hours=4), 4),
        (timedelta(minutes=90), 1.5),
        (timedelta(minutes=1), 1 / 60),
        (timedelta(days=31), 744),
    ],
)
def test_a_duration_is_in_hours(duration: timedelta, number: float) -> None:
    assert hours(duration) == number
    assert isinstance(hours(duration), type(number))
