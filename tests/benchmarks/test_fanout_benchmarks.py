"""The benchmarks of the fan-out, each in a short run: they measure, and find nothing wrong."""

from benchmarks.frame import Report
from benchmarks.sockets.python_server import BROADCAST, LOOP

from benchmarks import connections, fanout_burst, reconnect_storm


def wrong(report: Report) -> list[str]:
    """What failed, but the musts about speed: the figures of so short a run mean nothing."""
    return [failure for failure in report.failures if "×" not in failure and "within" not in failure]


def test_a_burst_reaches_every_socket_of_ours_and_of_peers() -> None:
    report = fanout_burst.measure(sockets=20, events=40, rounds=1, only=(BROADCAST, LOOP))
    assert wrong(report) == []
    assert set(report.ratio) == {BROADCAST, LOOP}
    assert report.ours > 0


def test_sockets_are_counted_and_weighed() -> None:
    report = connections.measure(sockets=40, rounds=1, only=(connections.WEBSOCKETS,))
    assert wrong(report) == []
    assert set(report.ratio) == {connections.WEBSOCKETS}
    assert report.more["connectsPerSecond"]["ours"]["lowest"] > 0


def test_all_come_back_from_a_storm_with_nothing_lost_and_no_read_of_the_broker() -> None:
    report = reconnect_storm.measure(sockets=60, libraries=5, rounds=1)
    assert wrong(report) == []
    assert report.more["brokerReads"] == [0]
