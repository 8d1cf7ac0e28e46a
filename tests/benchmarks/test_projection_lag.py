"""The benchmark of lag: what it measures, and that it sees what is wrong."""

from datetime import timedelta

import psycopg
from benchmarks.frame import percentile
from benchmarks.lag_load import Load
from benchmarks.lag_observer import LOG, times_of
from benchmarks.projection_lag import NAMES, Lags, measure, rises, rows_wrong

from studyspot.console.temporary_system import temporary_system
from studyspot.event_store.store import EventStore


def test_a_position_is_reached_by_the_first_that_is_at_it_or_beyond() -> None:
    heard = [(2, 0.1), (5, 0.2), (6, 0.3)]
    assert times_of(range(1, 8), heard) == {1: 0.1, 2: 0.1, 3: 0.2, 4: 0.2, 5: 0.2, 6: 0.3}
    assert times_of([], heard) == {}


def test_a_step_back_and_a_repetition_are_seen() -> None:
    assert rises([(1, 0.1), (2, 0.2), (9, 0.3)])
    assert not rises([(1, 0.1), (1, 0.2)])
    assert not rises([(2, 0.1), (1, 0.2)])


def test_the_worst_projection_counts() -> None:
    assert percentile([float(number) for number in range(100)], 0.99) == 99
    assert Lags({"seats": [1.0] * 100, "bookings": [2.0] * 99 + [50.0]}).worst(0.99) == 50
    assert Lags({"seats": [1.0] * 100, "bookings": [2.0] * 100}).worst(0.5) == 2


async def test_a_short_run_measures_every_read_model_and_finds_nothing_wrong() -> None:
    patient = timedelta(seconds=20)
    async with temporary_system() as system:
        report = await measure(system, rate=100, rounds=1, turn=timedelta(seconds=1), target=patient)
        assert report.failures == ()
        assert report.name == "projection-lag"
        assert 0 < report.ours < patient.total_seconds() * 1000
        assert set(report.more["projections"]) == set(NAMES)
        assert report.more["events"] == 100
        assert LOG not in report.more["projections"]

        # A row that is not there, as if a booking had been skipped.
        with EventStore(str(system.settings["database_url"])) as store:
            with psycopg.connect(store.database_url, autocommit=True) as connection:
                rows = connection.execute("SELECT booking_id, status FROM read.bookings_4_1").fetchall()
                assert len(rows) > 100
                load = Load(store, statuses=dict(rows))
                assert rows_wrong(store, load) == ()
                connection.execute("DELETE FROM read.bookings_4_1 WHERE booking_id = %s", [rows[0][0]])
            assert rows_wrong(store, load) == ("each booking is read as it was booked, and no other",)
