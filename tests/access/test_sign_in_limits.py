"""Who guesses waits longer and longer, and nobody else waits for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from studyspot.access.sign_in_limits import (
    FORGOTTEN_AFTER,
    FREE_FAILURES,
    LONGEST_WAIT,
    Allowance,
    Attempt,
    SignInLimits,
    TooManyAttempts,
    network_of,
)

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
OWNER = Attempt("owner@example.org", HOME, known=True)
THIEF = Attempt("owner@example.org", ELSEWHERE)


def fail(limits: SignInLimits, attempt: Attempt, times: int, now: datetime = NOW) -> None:
    for _ in range(times):
        limits.begin(attempt, now)


def wait_of(limits: SignInLimits, attempt: Attempt, now: datetime = NOW) -> timedelta:
    with pytest.raises(TooManyAttempts) as refused:
        limits.begin(attempt, now)
    return refused.value.retry_after


def test_after_five_failures_one_waits_and_each_further_failure_doubles_the_wait() -> None:
    limits, now = SignInLimits(), NOW
    fail(limits, THIEF, FREE_FAILURES)
    waits = []
    for _ in range(8):
        waits.append(wait_of(limits, THIEF, now))
        now += waits[-1]
        limits.begin(THIEF, now)
    assert [wait.total_seconds() for wait in waits[:5]] == [30, 60, 120, 240, 480]
    assert set(waits[5:]) == {LONGEST_WAIT}


def test_a_wait_grows_shorter_while_one_waits() -> None:
    limits = SignInLimits()
    fail(limits, THIEF, FREE_FAILURES)
    assert wait_of(limits, THIEF, NOW + 10 * SECOND) == 20 * SECOND


def test_a_thief_elsewhere_never_keeps_the_owner_out() -> None:
    limits = SignInLimits()
    fail(limits, THIEF, FREE_FAILURES)
    assert wait_of(limits, THIEF)
    for _ in range(20):
        limits.begin(OWNER, NOW)
        limits.succeeded(OWNER, NOW)
    newcomer = Attempt("owner@example.org", "192.0.2.1")
    limits.begin(newcomer, NOW)


def test_neighbours_behind_one_address_are_not_kept_out_by_who_guesses_there() -> None:
    limits = SignInLimits(failures=Allowance(10, SECOND))
    for number in range(10):
        limits.begin(Attempt(f"student-{number}@example.org", HOME), NOW)
    stranger = Attempt("newcomer@example.org", HOME)
    assert wait_of(limits, stranger) == SECOND
    limits.begin(OWNER, NOW)
    limits.begin(stranger, NOW + SECOND)


def test_who_guesses_the_neighbours_password_does_not_keep_their_browser_out() -> None:
    limits = SignInLimits()
    fail(limits, Attempt("owner@example.org", HOME, known=True), FREE_FAILURES)
    assert wait_of(limits, OWNER)
    own_browser = Attempt("owner@example.org", HOME, device="a-mark", known=True)
    fail(limits, own_browser, FREE_FAILURES)
    assert wait_of(limits, own_browser)


def test_success_forgets_what_failed_before() -> None:
    limits = SignInLimits()
    for _ in range(10):
        fail(limits, THIEF, FREE_FAILURES - 1)
        limits.succeeded(THIEF, NOW)


def test_success_is_no_failure_of_its_address() -> None:
    limits = SignInLimits(failures=Allowance(2, timedelta(hours=1)))
    for _ in range(10):
        limits.begin(THIEF, NOW)
        limits.succeeded(THIEF, NOW)


def test_who_signs_in_all_the_time_waits_wherever_they_are_and_nobody_else_does() -> None:
    limits = SignInLimits(successes=Allowance(3, 10 * SECOND))
    places = [replace(OWNER, address=HOME), replace(OWNER, device="a-mark"), replace(OWNER, known=False)]
    for attempt in places:
        limits.begin(attempt, NOW)
    for attempt in places:
        limits.succeeded(attempt, NOW)
    assert wait_of(limits, OWNER) == wait_of(limits, THIEF) == 10 * SECOND
    limits.begin(Attempt("neighbour@example.org", HOME), NOW)
    limits.begin(OWNER, NOW + 10 * SECOND)


def test_who_guesses_spends_none_of_what_the_owner_may_sign_in() -> None:
    limits = SignInLimits(successes=Allowance(1, 10 * SECOND))
    fail(limits, THIEF, FREE_FAILURES)
    limits.begin(OWNER, NOW)


def test_what_could_not_be_decided_is_no_failure() -> None:
    limits = SignInLimits(failures=Allowance(2, timedelta(hours=1)))
    for _ in range(3 * FREE_FAILURES):
        limits.begin(THIEF, NOW)
        limits.undecided(THIEF, NOW)


def test_an_address_is_the_same_in_whatever_case() -> None:
    limits = SignInLimits()
    fail(limits, THIEF, FREE_FAILURES)
    assert wait_of(limits, Attempt("Owner@Example.ORG", ELSEWHERE))


def test_failures_are_forgotten_in_time() -> None:
    limits = SignInLimits()
    fail(limits, THIEF, FREE_FAILURES)
    fail(limits, THIEF, FREE_FAILURES, NOW + FORGOTTEN_AFTER + SECOND)


def test_registrations_of_an_address_have_an_end_and_come_back() -> None:
    limits = SignInLimits(registrations=Allowance(3, 10 * SECOND))
    for _ in range(3):
        limits.registration(HOME, NOW)
    with pytest.raises(TooManyAttempts) as refused:
        limits.registration(HOME, NOW + 4 * SECOND)
    assert refused.value.retry_after == 6 * SECOND
    limits.registration(ELSEWHERE, NOW)
    limits.registration(HOME, NOW + 10 * SECOND)


def test_a_household_has_one_address_however_many_it_has() -> None:
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    )
    assert network_of("::ffff:198.51.100.7") == network_of("198.51.100.7")
    assert network_of("198.51.100.7") != network_of("198.51.100.8")


def test_memory_has_a_bound() -> None:
    limits = SignInLimits(remembered=100)
    for number in range(1000):
        limits.begin(Attempt(f"student-{number}@example.org", f"192.0.{number // 250}.{number % 250}"), NOW)
        limits.registration(f"192.0.{number // 250}.{number % 250}", NOW)
    assert len(limits) == 300
