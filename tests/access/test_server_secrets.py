"""Secrets derive from the key; quotes and desk codes from those."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.access.desk_codes import STILL_ACCEPTED_FOR, TURNS_EVERY, DeskCodes
from studyspot.access.keys import SigningKey
from studyspot.access.quotes import Quotes, Subject
from studyspot.access.server_secrets import ServerSecrets
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.pricing import Price
from studyspot.domain.quotes import VALID_FOR, plan_mark
from studyspot.domain.refusals import QuoteMismatch

KEY = SigningKey.generate()
SECRETS = ServerSecrets(KEY)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SUBJECT = Subject("L1", "S1", "asha", NOON, NOON + timedelta(hours=1))


def test_a_secret_is_the_same_for_the_same_key_and_purpose_alone(tmp_path: Path) -> None:
    KEY.save(tmp_path / "key.pem")
    again = ServerSecrets(SigningKey.load(tmp_path / "key.pem"))
    assert again.secret_for("quotes") == SECRETS.secret_for("quotes")
    others = {
        SECRETS.secret_for("desk-codes"),
        ServerSecrets(SigningKey.generate()).secret_for("quotes"),
    }
    assert SECRETS.secret_for("quotes") not in others


@given(
    amount=st.integers(0, 2**63),
    version=st.none() | st.integers(1, 2**31),
    plan=st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_quote_is_read_as_it_was_made(
    amount: int, version: int | None, plan: str | None, at: datetime
) -> None:
    signed = Quotes(SECRETS).quote(SUBJECT, Price(amount, "INR", plan, version), at)
    assert is_identifier(signed.quote_id)
    quote = Quotes(SECRETS).verify(signed.quote_id, SUBJECT)
    assert (quote.amount_minor, quote.price_version, quote.plan_mark) == (amount, version, plan_mark(plan))
    assert quote.valid_until == signed.valid_until
    assert timedelta() <= at + VALID_FOR - quote.valid_until < timedelta(seconds=1)


@given(place=st.integers(0, 53), letter=st.sampled_from("ABCxyz019-_"))
def test_a_quote_of_which_a_letter_is_changed_is_none_of_ours(place: int, letter: str) -> None:
    quote_id = Quotes(SECRETS).quote(SUBJECT, Price(5000, "INR", "hourly", 3), NOON).quote_id
    changed = quote_id[:place] + letter + quote_id[place + 1 :]
    if changed[:-1] == quote_id[:-1]:
        return  # The last letter carries bits that mean nothing.
    with pytest.raises(QuoteMismatch):
        Quotes(SECRETS).verify(changed, SUBJECT)


@pytest.mark.parametrize("written", ["", "A", "ä" * 54, "=" * 20, "A" * 54])
def test_what_is_no_quote_is_refused(written: str) -> None:
    with pytest.raises(QuoteMismatch):
        Quotes(SECRETS).verify(written, SUBJECT)


def test_a_desk_code_turns_and_the_one_before_is_accepted_for_a_moment() -> None:
    codes = DeskCodes(SECRETS)
    now = codes.current("L1", NOON)
    assert now.valid_until == NOON + TURNS_EVERY
    assert codes.current("L1", NOON + TURNS_EVERY - timedelta(microseconds=1)) == now
    assert codes.current("L1", NOON + TURNS_EVERY).code != now.code
    last = NOON + TURNS_EVERY + STILL_ACCEPTED_FOR
    assert codes.is_right("L1", now.code, last - timedelta(microseconds=1))
    assert not codes.is_right("L1", now.code, last)
    assert not codes.is_right("L1", codes.current("L1", NOON + TURNS_EVERY).code, NOON)
    assert not codes.is_right("L2", now.code, NOON)
    assert not codes.is_right("L1", "ß", NOON)
