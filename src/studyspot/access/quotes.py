"""Quotes that need no storing: the id says what was quoted, and proves that it was us.

An id is base64url of 40 bytes: what is quoted, and the first 16 bytes of an HMAC-SHA-256 over that and over
what it was quoted for.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from studyspot.access.server_secrets import ServerSecrets
from studyspot.domain.pricing import Price
from studyspot.domain.quotes import VALID_FOR, Quote, plan_mark
from studyspot.domain.refusals import QuoteMismatch

_FORM = 1
_QUOTED = struct.Struct(">BIQ4sI3s")
"""Form, price version (0 for none), amount, mark of the plan, valid until (seconds since 1970), currency."""
_PROOF_BYTES = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """What is quoted: [start, end) in UTC on a seat, for a student."""

    library_id: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SignedQuote:
    """`quote_id` is all that a client needs to bring back."""

    quote_id: str
    price: Price
    valid_until: datetime


class Quotes:
    """Makes quotes, and knows its own again."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secret = secrets.secret_for("quotes")

    def quote(self, subject: Subject, price: Price, at: datetime) -> SignedQuote:
        """Quote a price, to be honoured until `VALID_FOR` from now, to the second."""
        valid_until = (at + VALID_FOR).astimezone(UTC).replace(microsecond=0)
        quoted = _QUOTED.pack(
            _FORM,
            price.price_version or 0,
            price.amount_minor,
            plan_mark(price.plan_id),
            int(valid_until.timestamp()),
            price.currency.encode("ascii"),
        )
        quote_id = urlsafe_b64encode(quoted + self._proof(quoted, subject)).rstrip(b"=").decode()
        return SignedQuote(quote_id, price, valid_until)

    def verify(self, quote_id: str, subject: Subject) -> Quote:
        """Return what was quoted for exactly this; whether it is still valid, whoever decides asks the clock.

        Raises:
            QuoteMismatch: it was for something else, or is none of ours.
        """
        try:
            content = urlsafe_b64decode(quote_id + "=" * (-len(quote_id) % 4))
        except ValueError:
            raise QuoteMismatch from None
        quoted, proof = content[: _QUOTED.size], content[_QUOTED.size :]
        if not hmac.compare_digest(proof, self._proof(quoted, subject)):
            raise QuoteMismatch
        _, version, amount_minor, mark, valid_until, _ = _QUOTED.unpack(quoted)
        return Quote(amount_minor, version or None, mark, datetime.fromtimestamp(valid_until, UTC))

    def _proof(self, quoted: bytes, subject: Subject) -> bytes:
        # No id contains a separator, so that no two subjects read alike.
        about = "\n".join(
            (
                subject.library_id,
                subject.seat_id,
                subject.user_id,
                subject.start.astimezone(UTC).isoformat(),
                subject.end.astimezone(UTC).isoformat(),
            )
        )
        return hmac.digest(self._secret, quoted + about.encode(), "sha256")[:_PROOF_BYTES]
