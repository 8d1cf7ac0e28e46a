"""The benchmarks' frame: turns, medians, the line of JSON, and what exits 1."""

import json
import subprocess
import sys
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from benchmarks.append import Callers, measure, wrongs
from benchmarks.chart import chart
from benchmarks.frame import Figures, Report, alternate, missed

from studyspot.event_store.store import EventStore
from tests.engines import PostgresServer

KEYS = ["name", "ours", "peers", "ratio", "unit", "rounds", "machine", "more"]


def report(*failures: str) -> Report:
    return Report(
        "append", 800.0, {"eventsourcing": 100.0}, {"eventsourcing": 8.0}, "appends/s", 3, {}, failures
    )


def test_contestants_take_turns_and_none_is_always_first() -> None:
    turns: list[str] = []

    def take_turn(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    figures = alternate(3, {"ours": lambda: take_turn("ours"), "peer": lambda: take_turn("peer")})
    assert turns == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert figures == {"ours": Figures((1.0, 4.0, 5.0)), "peer": Figures((2.0, 3.0, 6.0))}


def test_a_ratio_is_the_middle_of_the_rounds_ratios() -> None:
    # A slow second round slowed both: the ratio of the medians would be 5.
    ours, peer = Figures((100.0, 20.0, 90.0)), Figures((10.0, 2.0, 18.0))
    assert ours.ratio_to(peer) == 10
    assert ours.spread() == {"lowest": 20, "median": 90, "highest": 100}


def test_the_line_of_json_has_the_agreed_keys() -> None:
    line = report("a must").to_json()
    assert b"\n" not in line
    told = json.loads(line)
    assert list(told) == KEYS
    assert told["ratio"] == {"eventsourcing": 8.0}
    assert told["more"]["failures"] == ["a must"]


def test_a_must_that_does_not_hold_is_named() -> None:
    assert missed([(True, "contiguous"), (False, "at least 8 ×")]) == ("at least 8 ×",)
    assert "  FAILED: at least 8 ×" in report("at least 8 ×").lines()


def test_the_chart_is_well_formed_and_has_a_bar_for_each_peer() -> None:
    root = ElementTree.fromstring(chart([report(), report()]))
    assert len(root.findall("{*}rect")) == 1 + 2


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [(["list"], 0, "append"), (["--help"], 0, "exit 1 when"), (["nothing"], 2, "none of")],
)
def test_the_command_explains_itself(arguments: list[str], status: int, said: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == status
    assert said in run.stdout + run.stderr


def test_append_measures_and_finds_the_log_as_acknowledged(postgres_server: PostgresServer) -> None:
    with postgres_server.empty_database() as ours, postgres_server.empty_database() as peer:
        told = measure(ours, peer, rounds=1, turn=timedelta(milliseconds=300))
    assert told.ours > 0
    assert set(told.more) >= {"1 callers", "64 callers", "256 callers", "ratioAt1"}
    # The figure of so short a run means nothing, but its checks must hold.
    assert [failure for failure in told.failures if "×" not in failure] == []


def test_an_acknowledged_append_that_the_log_lacks_is_found(database_url: str) -> None:
    with EventStore(database_url) as store:
        assert wrongs(Callers(store)) == ()
        assert len(wrongs(Callers(store, acknowledged={1: "booking:lost"}))) == 2
