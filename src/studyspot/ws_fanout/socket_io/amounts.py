"""Amounts and durations as the portals read them: plain JSON numbers."""

from datetime import timedelta

from studyspot.domain.currencies import minor_digits

_HOUR = timedelta(hours=1)


def major_units(amount_minor: int, currency: str) -> int | float:
    """Return an amount in minor units of a currency (ISO 4217) as a number of its major ones."""
    return _plain(amount_minor, 10 ** minor_digits(currency))


def hours(duration: timedelta) -> int | float:
    """Return how many hours of elapsed time that is."""
    return _plain(duration // timedelta.resolution, _HOUR // timedelta.resolution)


def _plain(count: int, of: int) -> int | float:
    """Return the quotient without a fraction where it has none: some readers tell `100` and `100.0` apart."""
    return count // of if count % of == 0 else count / of
