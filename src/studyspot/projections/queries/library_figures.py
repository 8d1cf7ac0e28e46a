"""What a library's figures are made of: one statement, its parameters, and what its row says."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from studyspot.domain.local_time import local_day
from studyspot.domain.opening_hours import WEEKDAYS
from studyspot.projections.models import bookings, seats
from studyspot.projections.models.seats import SPANS_DAYS
from studyspot.projections.queries import query
from studyspot.projections.queries.clock_hours import ClockHour, clock_hours
from studyspot.projections.queries.occupancy import INSTANT, OCCUPATIONS, during
from studyspot.wire.stats_bodies import MoneyView, OccupancyView

OCCUPANCY_OVER = timedelta(days=28)
FIGURES_OVER = timedelta(days=30)

# The strongest of what takes a seat now counts.
_SEATS_NOW: LiteralString = """
    SELECT count(*) AS seats, count(*) FILTER (WHERE NOT in_service) AS out_of_service,
        count(*) FILTER (WHERE in_service AND strongest IS NULL) AS free,
        count(*) FILTER (WHERE in_service AND strongest = 1) AS occupied,
        count(*) FILTER (WHERE in_service AND strongest = 2) AS booked,
        count(*) FILTER (WHERE in_service AND strongest = 3) AS held
    FROM {seats} AS s LEFT JOIN (
        SELECT seat_id, min(array_position(ARRAY['occupied', 'booked', 'held'], state)) AS strongest
        FROM ({occupying}) AS o GROUP BY seat_id
    ) AS taken USING (seat_id)
    WHERE s.library_id = place.library_id
"""
_PEOPLE: LiteralString = """
    SELECT count(*) FILTER (WHERE status = 'no-show' AND ended_at >= %(today)s AND ended_at < %(tomorrow)s)
            AS no_shows_today,
        count(*) FILTER (WHERE status = 'no-show' AND ended_at >= %(since)s) AS missed,
        count(*) FILTER (WHERE checked_in_at >= %(since)s) AS came,
        count(DISTINCT user_id) FILTER (WHERE created_at >= %(since)s OR checked_in_at >= %(since)s)
            AS active_students
    FROM {bookings} AS b
    WHERE b.library_id = place.library_id AND b.starts_at > %(since)s - make_interval(days => %(longest)s)
"""
_MONEY: LiteralString = """
    SELECT coalesce(jsonb_agg(sums ORDER BY currency), '[]') AS money FROM (
        SELECT currency,
            sum(CASE kind WHEN 'charge' THEN amount_minor WHEN 'charge-difference' THEN amount_minor
                WHEN 'waiver' THEN -amount_minor ELSE 0 END) AS charged_minor,
            sum(CASE kind WHEN 'payment' THEN amount_minor ELSE 0 END) AS paid_minor,
            sum(CASE kind WHEN 'refund' THEN amount_minor ELSE 0 END) AS refunded_minor
        FROM {ledger} AS l WHERE l.library_id = place.library_id AND l.at >= %(since)s
        GROUP BY currency
    ) AS sums
"""
# One pass in order of time: at each step the number of seats that there are and of those in use changes, or
# another hour begins; between two steps neither does. So it costs the same for many hours as for few.
_HOURS: LiteralString = """
    SELECT coalesce(jsonb_agg(sums), '[]') AS hours FROM (
        SELECT number, sum(seconds * seats_there) AS there, sum(seconds * seats_used) AS used FROM (
            SELECT sum(begun) OVER passed AS number, sum(there) OVER passed AS seats_there,
                sum(used) OVER passed AS seats_used,
                extract(epoch FROM lead(at, 1, %(now)s) OVER (ORDER BY at) - at)::float8 AS seconds
            FROM (
                SELECT begins AS at, 1 AS begun, 0 AS there, 0 AS used
                FROM unnest(%(begins)s::timestamptz[]) AS begins
                UNION ALL
                SELECT greatest(here_since, %(window)s), 0, 1, 0 FROM {seats}
                WHERE library_id = place.library_id AND here_since < %(now)s
                UNION ALL
                SELECT unnest(ARRAY[came, went]), 0, 0, unnest(ARRAY[1, -1]) FROM (
                    SELECT greatest(b.starts_at, b.checked_in_at, s.here_since, %(window)s) AS came,
                        least(b.ends_at, b.ended_at, %(now)s) AS went
                    FROM {bookings} AS b JOIN {seats} AS s USING (seat_id)
                    WHERE b.library_id = place.library_id AND b.checked_in_at IS NOT NULL
                      AND b.starts_at > %(window)s - make_interval(days => %(longest)s)
                      AND b.starts_at < %(now)s AND b.ends_at > %(window)s
                ) AS stay WHERE came < went
            ) AS steps
            WINDOW passed AS (ORDER BY at)
        ) AS stretches GROUP BY number
    ) AS sums
"""
STATS = query.Query(
    """
    SELECT counted.*, people.*, money.*, hours.*
    FROM (SELECT %(library_id)s::text AS library_id) AS place
    CROSS JOIN LATERAL ({seats_now}) AS counted
    CROSS JOIN LATERAL ({people}) AS people
    CROSS JOIN LATERAL ({money}) AS money
    CROSS JOIN LATERAL ({hours}) AS hours
    """,
    order="1",
    # An event whose library cannot be read may be of any.
    parked=(
        "{parked} AND p.library_id = %(library_id)s ORDER BY p.user_id",
        "{parked} AND p.library_id IS NULL ORDER BY p.library_id",
    ),
    sources=(seats.PROJECTION, bookings.PROJECTION),
    parts=(
        ("occupying", OCCUPATIONS),
        ("seats_now", _SEATS_NOW),
        ("people", _PEOPLE),
        ("money", _MONEY),
        ("hours", _HOURS),
    ),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When figures are asked for, on the library's clock."""

    now: datetime
    since: datetime
    today: datetime
    tomorrow: datetime
    window: datetime
    hours: tuple[ClockHour, ...]

    @classmethod
    def at(cls, now: datetime, zone: ZoneInfo) -> "Moment":
        window = now - OCCUPANCY_OVER
        return cls(now, now - FIGURES_OVER, *local_day(now, zone), window, clock_hours(window, now, zone))

    def parameters(self, library_id: str) -> dict[str, Any]:
        """Return the parameters of `STATS`."""
        return {
            "library_id": library_id,
            "now": self.now,
            "since": self.since,
            "today": self.today,
            "tomorrow": self.tomorrow,
            "window": self.window,
            "longest": SPANS_DAYS[-1],
            "begins": [hour.begins for hour in self.hours],
            **during(self.now, self.now + INSTANT),
        }


def figures_of(row: dict[str, Any], hours: Sequence[ClockHour]) -> dict[str, Any]:
    """Return what the row of `STATS` says of a library, by the fields of `LibraryStats`."""
    same = ("seats", "free", "held", "booked", "occupied", "out_of_service")
    due_to_come = row["missed"] + row["came"]
    return {
        **{column: row[column] for column in (*same, "no_shows_today", "active_students")},
        "no_show_rate": row["missed"] / due_to_come if due_to_come else None,
        "occupancy": _occupancy(hours, row["hours"]),
        "money": tuple(
            MoneyView(**sums, revenue_minor=sums["paid_minor"] - sums["refunded_minor"])
            for sums in row["money"]
        ),
    }


def _occupancy(hours: Sequence[ClockHour], sums: Sequence[dict[str, Any]]) -> tuple[OccupancyView, ...]:
    """Return each weekday's hours in turn; `sums` are seat-seconds by the number of the hour, from 1."""
    there: dict[tuple[int, int], float] = defaultdict(float)
    used: dict[tuple[int, int], float] = defaultdict(float)
    for of_hour in sums:
        hour = hours[int(of_hour["number"]) - 1]
        there[hour.weekday, hour.hour] += of_hour["there"]
        used[hour.weekday, hour.hour] += of_hour["used"]
    return tuple(
        OccupancyView(
            weekday=name,
            hour=hour,
            share=used[weekday, hour] / there[weekday, hour] if there[weekday, hour] else 0.0,
        )
        for weekday, name in enumerate(WEEKDAYS)
        for hour in range(24)
    )
