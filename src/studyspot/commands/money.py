"""Amounts as people write them."""

_NO_MINOR_UNIT = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - reads as a list
)
_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def amount(minor: int, currency: str) -> str:
    """Return an amount in minor units of a currency (ISO 4217) as `INR 1,250.00`."""
    if currency in _NO_MINOR_UNIT:
        return f"{currency} {minor:,}"
    digits = 3 if currency in _THOUSANDTHS else 2
    major, rest = divmod(minor, 10**digits)
    return f"{currency} {major:,}.{rest:0{digits}}"
