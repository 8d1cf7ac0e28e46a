"""Money: no more is paid than is charged, no more given back than was paid, and what is not kept is."""

from collections.abc import Iterator, Mapping
from typing import Any

from studyspot.checker.history import History
from studyspot.checker.records import Record, instant
from studyspot.checker.verdict import Finding, Kind


def judge_payment(history: History, record: Record) -> Iterator[Finding]:
    """Find what does not add up in a payment, a refund, or what a cancellation keeps."""
    facts = record.facts
    booking = history.bookings.get(facts.get("bookingId", ""))
    match record.type:
        case "payment.recorded" | "payment.refunded" if booking is None:
            yield _finding(record, f"money for booking {facts['bookingId']}, which is unknown")
        case "payment.recorded" if booking is not None:
            yield from _judge_amount(record, facts["paymentMinor"])
            yield from _judge_balance(record, booking["paidMinor"] + facts["paymentMinor"])
            if facts["paidMinor"] > charged_minor(booking):
                yield _finding(record, f"{facts['paidMinor']} is paid of {charged_minor(booking)}")
        case "payment.refunded" if booking is not None:
            yield from _judge_amount(record, facts["refundMinor"])
            yield from _judge_balance(record, booking["paidMinor"] - facts["refundMinor"])
            if facts["refundMinor"] > booking["paidMinor"]:
                yield _finding(record, f"{facts['refundMinor']} is given back of {booking['paidMinor']}")
        case "booking.cancelled" if booking is not None:
            kept = _kept_minor(booking, record)
            if facts["keptMinor"] != kept:
                yield _finding(record, f"{facts['keptMinor']} is kept, and by its terms {kept}")
        case _:
            pass


def judge_balance(history: History, booking_id: str, position: int) -> Iterator[Finding]:
    """Find that more is had for a booking than is kept of it: the same append should have given it back."""
    booking = history.bookings.get(booking_id)
    if booking is not None and booking["paidMinor"] > charged_minor(booking):
        sentence = f"{booking['paidMinor']} stays paid for {booking_id}, and {charged_minor(booking)} is kept"
        yield Finding(Kind.LEDGER, "log", position, sentence)


def charged_minor(booking: Mapping[str, Any]) -> int:
    """Return what the library may have for a booking as it stands."""
    match booking["status"]:
        case "revoked":
            return 0
        case "cancelled":
            return int(booking["keptMinor"])
        case _:
            return int(booking["amountMinor"])


def _kept_minor(booking: Mapping[str, Any], record: Record) -> int:
    if booking["planShare"]:
        return int(booking["amountMinor"])
    if instant(record.stored["time"]) <= instant(booking["freeCancelUntil"]):
        return 0
    return int(booking["amountMinor"] * (100 - booking["lateRefundPercent"]) // 100)


def _judge_amount(record: Record, amount_minor: int) -> Iterator[Finding]:
    if amount_minor <= 0:
        yield _finding(record, f"{amount_minor} is no amount")


def _judge_balance(record: Record, expected: int) -> Iterator[Finding]:
    if record.facts["paidMinor"] != expected:
        yield _finding(record, f"{record.facts['paidMinor']} is said to be had, and {expected} is")


def _finding(record: Record, sentence: str) -> Finding:
    return Finding(Kind.LEDGER, "log", record.position, sentence)
