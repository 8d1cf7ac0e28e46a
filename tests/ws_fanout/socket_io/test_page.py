"""A page as portals are, in a real browser, beside a real installation."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.domain.people import Role
from tests.freezing import freeze, thaw
from tests.ws_fanout.socket_io.javascript import HERE, JavaScript
from tests.ws_fanout.socket_io.stays import INDIA

LIMIT_MS = 60_000
DAY = (datetime.now(INDIA) + timedelta(days=2)).date()


# A whole installation and a browser.
@pytest.mark.timeout(240, func_only=True)
async def test_a_page_is_told_of_bookings_made_over_http_and_misses_none_while_the_fanout_is_away(
    javascript: JavaScript, chromium: str | None, tmp_path: Path
) -> None:
    shutil.copy(javascript.cdn_build, tmp_path)
    shutil.copy(HERE / "portal.html", tmp_path)
    with served(tmp_path) as origin:
        async with (
            temporary_system({"STUDYSPOT_ALLOWED_ORIGINS": origin}) as system,
            browser(chromium) as one,
        ):
            library, seat = await a_seat(system)
            student = await portal(one, origin, system, "s1", "student")
            owner = await portal(one, origin, system, "o1", "library_owner")

            await books(system, library, seat, hour=3)
            for page in (student, owner):
                await shows(page, "09:00 - 11:00")

            # Whoever supervises it stands still, so that the booking is made while there is no fan-out.
            freeze(system.process.pid)
            try:
                killed = system.kill("fanout")
                await expect(student.locator("#status")).to_have_text("away", timeout=LIMIT_MS)
                await books(system, library, seat, hour=6)
            finally:
                thaw(system.process.pid)
            async with asyncio.timeout(LIMIT_MS / 1000):
                await system.is_back("fanout", killed)
            await books(system, library, seat, hour=9)

            for page in (student, owner):
                await shows(page, "09:00 - 11:00", "12:00 - 14:00", "15:00 - 17:00")
                await expect(page.locator("#status")).to_have_text("recovered", timeout=LIMIT_MS)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and return the origin of its pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@asynccontextmanager
async def browser(executable: str | None) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable)
        try:
            yield browser
        finally:
            await browser.close()


async def portal(browser: Browser, origin: str, system: TemporarySystem, user: str, role: Role) -> Page:
    """Open the page of somebody, which has connected."""
    page = await (await browser.new_context()).new_page()
    told = {"fanout": system.fanout_url.replace("ws:", "http:"), "token": system.token(user, role)}
    await page.goto(f"{origin}/portal.html#{urlencode(told)}")
    await expect(page.locator("#status")).to_have_text("connected", timeout=LIMIT_MS)
    return page


async def shows(page: Page, *times: str) -> None:
    """Wait until the page shows these bookings, in this order, and no other."""
    lines = [f"Saraswati, s1, {DAY}, {time}, 2 h, 0" for time in times]
    await expect(page.locator("#bookings li")).to_have_text(lines, timeout=LIMIT_MS)


async def a_seat(system: TemporarySystem) -> tuple[str, str]:
    body = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
    library = (await asks(system, "o1", "library_owner", "POST", "/api/libraries", body))["id"]
    path = f"/api/libraries/{library}"
    seats = await asks(system, "o1", "library_owner", "POST", f"{path}/seats", {"seats": [{"label": "A1"}]})
    return library, seats["seats"][0]["id"]


async def books(system: TemporarySystem, library: str, seat: str, *, hour: int) -> None:
    """Book two hours from half past that hour, which in India is nine, noon or three o'clock."""
    start, end = (f"{DAY}T{at:02}:30:00Z" for at in (hour, hour + 2))
    body = {"libraryId": library, "seatId": seat, "start": start, "end": end}
    await asks(system, "s1", "student", "POST", "/api/bookings", body)


async def asks(
    system: TemporarySystem, user: str, role: Role, method: str, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {system.token(user, role)}"}
    async with httpx.AsyncClient(base_url=system.api_url, headers=headers, timeout=30) as http:
        response = await http.request(method, path, json=body)
    assert response.is_success, response.text
    told: dict[str, Any] = response.json()
    return told
