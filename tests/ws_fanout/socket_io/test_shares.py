"""What one account takes of the bucket it takes from itself."""

from studyspot.ws_fanout.socket_io.shares import Shares

VALUE = 400
"""Bytes; with what the bucket takes beside it, 500."""


def test_who_takes_more_than_their_share_gives_up_their_oldest() -> None:
    shares = Shares(share_bytes=1500)
    assert [shares.take("s1", f"p-{number}", VALUE) for number in range(4)] == [[], [], [], ["p-0"]]
    assert shares.take("s1", "p-4", 2 * VALUE) == ["p-1", "p-2"]


def test_others_have_shares_of_their_own() -> None:
    shares = Shares(share_bytes=500)
    assert shares.take("s1", "p-1", VALUE) == []
    assert shares.take("s2", "p-2", VALUE) == []
    assert shares.take("s1", "p-3", VALUE) == ["p-1"]


def test_a_connection_that_is_remembered_again_counts_once_and_as_the_newest() -> None:
    shares = Shares(share_bytes=1000)
    for pid in ("p-1", "p-2", "p-1", "p-2", "p-1"):
        assert shares.take("s1", pid, VALUE) == []
    assert shares.take("s1", "p-3", VALUE) == ["p-2"]


def test_one_that_is_larger_than_the_share_is_kept_alone() -> None:
    shares = Shares(share_bytes=500)
    assert shares.take("s1", "p-1", VALUE) == []
    assert shares.take("s1", "p-2", 10 * VALUE) == ["p-1"]
    assert shares.take("s1", "p-3", VALUE) == ["p-2"]


def test_of_too_many_accounts_those_are_forgotten_that_took_something_longest_ago() -> None:
    shares = Shares(share_bytes=1000, most_connections=3)
    for user, pid in (("s1", "p-1"), ("s2", "p-2"), ("s1", "p-3"), ("s3", "p-4")):
        assert shares.take(user, pid, VALUE) == []
    assert shares.take("s2", "p-5", VALUE) == [], "of s2 it was forgotten what it had"
    assert shares.take("s2", "p-6", VALUE) == []
    assert shares.take("s2", "p-7", VALUE) == ["p-5"]
