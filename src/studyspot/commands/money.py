"""Amounts as people write them."""

from studyspot.domain.currencies import minor_digits


def amount(minor: int, currency: str) -> str:
    """Return an amount in minor units of a currency (ISO 4217) as `INR 1,250.00`."""
    digits = minor_digits(currency)
    if digits == 0:
        return f"{currency} {minor:,}"
    major, rest = divmod(minor, 10**digits)
    return f"{currency} {major:,}.{rest:0{digits}}"
