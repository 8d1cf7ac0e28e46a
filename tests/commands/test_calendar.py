"""The key of a calendar feed, from making it until it opens nothing."""

from contextlib import AsyncExitStack

import psycopg
from icalendar import Calendar

from studyspot.projections.models.registry import named
from tests.commands.hall import a_hall
from tests.projections.system import a_log, working

KEY = "/api/bookings/calendar"


async def test_a_key_opens_ones_feed_until_another_takes_its_place_or_it_is_revoked(
    database_url: str,
) -> None:
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(a_log(database_url))
        for projection in named(("libraries", "seats", "bookings", "people")):
            await stack.enter_async_context(working(log, projection))
        hall = await stack.enter_async_context(a_hall(database_url))
        anna, ben = hall.person("anna"), hall.person("ben")
        booking = await hall.books(anna)
        at_least = {"StudySpot-Min-Position": str(booking["position"])}

        made = await anna.does("POST", KEY)
        assert made["url"].endswith(f"/api/bookings.ics?key={made['key']}")
        assert len(made["key"]) == 43, "256 bits"
        feed = await hall.http.get(made["url"], headers=at_least)
        (event,) = Calendar.from_ical(feed.content).walk("VEVENT")
        assert str(event["UID"]) == f"{booking['id']}@studyspot"
        assert str(event["SUMMARY"]) == "Seat A0, Saraswati"

        another = await anna.does("POST", KEY)
        of_ben = await ben.does("POST", KEY)
        assert (await hall.http.get(made["url"])).status_code == 404
        assert (await hall.http.get(another["url"])).status_code == 200
        assert Calendar.from_ical((await hall.http.get(of_ben["url"])).content).walk("VEVENT") == []
        await anna.does("DELETE", KEY)
        await anna.does("DELETE", KEY)
        assert (await hall.http.get(another["url"])).status_code == 404
        assert (await hall.http.get(of_ben["url"])).status_code == 200


async def test_only_the_hash_of_a_key_is_kept(database_url: str) -> None:
    async with a_hall(database_url) as hall:
        anna = hall.person("anna")
        # A key that is stored with the answer would be there for who reads the tables.
        key = (await anna.does("POST", KEY, key="one"))["key"]
        with psycopg.connect(database_url) as connection:
            kept = connection.execute(
                "SELECT key_hash FROM accounts.calendar_keys WHERE user_id = %s", [anna.id]
            ).fetchone()
            assert kept is not None
            assert key.encode() not in bytes(kept[0])
            stored = connection.execute("SELECT body FROM store.answers").fetchall()
        assert not any(key.encode() in bytes(body) for (body,) in stored)
