"""How many decimals a currency's minor unit is."""

import pytest

from studyspot.domain.currencies import minor_digits


@pytest.mark.parametrize(
    ("currency", "digits"), [("INR", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3)]
)
def test_a_minor_unit_has_the_decimals_that_iso_4217_says(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
