"""Calendar files and their addresses: one activity, one's own sign-ups; nothing is kept, nobody is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta

import icalendar
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.desk import calendars
from bot.domain.calendars import Feed
from bot.pages import calendar as page
from bot.pages.site import Site
from bot.papers import calendar as paper
from bot.talk.wording import Wording
from storage.database import Database
from tests.conversations.kit import BEIJING, MONDAY, SECRECY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)


@pytest.fixture
def founded(database_url: str) -> Town:
    return Town(Database(database_url, SECRECY))


@pytest.fixture
async def town(founded: Town) -> AsyncIterator[Town]:
    async with founded.database.write() as unit:
        from storage.tables import metadata

        await unit.connection.run_sync(metadata.create_all)
    yield founded
    await founded.database.close()


@pytest.fixture
async def get(town: Town) -> AsyncIterator[Callable[..., object]]:
    """Ask for an address, as a calendar does."""

    def drawn(found: Feed | None) -> bytes | None:
        return paper.write(found, Wording(found.language or "en", BEIJING)) if found else None

    async def feed(number: str, key: str) -> bytes | None:
        return drawn(await calendars.feed(town.database, town.city, number, key, town.at))

    async def activity(number: int, key: str) -> bytes | None:
        return drawn(await calendars.activity_entry(town.database, town.city, number, key))

    application = web.Application()
    application.add_routes(page.routes(feed, activity))
    site = Site(BEIJING, "en")
    site.attach(application)
    async with TestClient(TestServer(application)) as client:
        yield client.get


def address_of(chat: Chat) -> str:
    """The path that the chat was told."""
    return next(line for line in chat.text.splitlines() if "/calendar/" in line).removeprefix("http://city.test")


async def events(get: Callable[..., object], path: str) -> dict[str, icalendar.Event]:
    answer = await get(path)  # type: ignore[misc]
    assert answer.status == 200, path
    book = icalendar.Calendar.from_ical(await answer.read())
    return {str(one["summary"]): one for one in book.walk("VEVENT")}


async def test_a_feed_says_what_i_signed_up_for_and_follows_what_happens_to_it(
    town: Town, get: Callable[..., object]
) -> None:
    olga, ann, bob = (Chat(town, "web", name) for name in ("Olga", "Ann", "Bob"))
    lake = await town.publishes(olga, "Clean the lake; bring friends, gloves", SATURDAY, seats=1)
    park = await town.publishes(olga, "Plant trees", SATURDAY + timedelta(days=1), seats=1)
    await town.publishes(olga, "Not mine", SATURDAY + timedelta(days=2))
    await bob.joins(park)
    await ann.joins(lake)
    await ann.joins(park)
    await ann.says("日历")
    path = address_of(ann)
    before = await events(get, path)
    assert list(before) == ["Clean the lake; bring friends, gloves", "Plant trees"]
    cleaning, planting = before.values()
    assert cleaning["dtstart"].dt == SATURDAY
    assert cleaning["dtstart"].params["TZID"] == "Asia/Shanghai"
    assert cleaning["dtend"].dt == SATURDAY + timedelta(hours=2)
    assert (int(cleaning["sequence"]), str(cleaning["status"])) == (0, "CONFIRMED")
    assert str(planting["status"]) == "TENTATIVE"  # in the queue
    await olga.opens("move", lake)
    await olga.says("Fri 14:00-15:30")
    await olga.says("yes")
    await olga.opens("calloff", park)
    await olga.says("yes")
    cleaning, planting = (await events(get, path)).values()
    assert cleaning["uid"] == before["Clean the lake; bring friends, gloves"]["uid"]
    assert cleaning["dtstart"].dt.astimezone(UTC) == (SATURDAY - timedelta(hours=20)).astimezone(UTC)
    assert (int(cleaning["sequence"]), str(cleaning["status"])) == (1, "CONFIRMED")
    assert (int(planting["sequence"]), str(planting["status"])) == (1, "CANCELLED")


async def test_nobody_is_named_and_nothing_is_kept_on_the_way(town: Town, get: Callable[..., object]) -> None:
    olga, ann = Chat(town, "web", "Olga"), Chat(town, "web", "Ann")
    await ann.joins(await town.publishes(olga, "Clean the lake", SATURDAY))
    await ann.says("calendar")
    answer = await get(address_of(ann))  # type: ignore[misc]
    body = (await answer.read()).decode()
    assert "Ann Lee" not in body
    assert "13800138000" not in body
    assert "ATTENDEE" not in body
    assert "ORGANIZER" not in body
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "text/calendar"
    assert "BEGIN:VTIMEZONE" in body
    assert "TZID:Asia/Shanghai" in body
    assert all(len(line.encode()) <= 75 for line in body.split("\r\n"))


async def test_an_address_that_was_taken_back_answers_nobody(town: Town, get: Callable[..., object]) -> None:
    olga, ann = Chat(town, "web", "Olga"), Chat(town, "web", "Ann")
    await ann.joins(await town.publishes(olga, "Clean the lake", SATURDAY))
    await ann.says("calendar")
    old = address_of(ann)
    await ann.says("calendar")
    assert address_of(ann) == old  # asking again takes nothing back
    assert list(await events(get, old)) == ["Clean the lake"]
    await ann.picks("A new address")
    await ann.says("yes")
    new = address_of(ann)
    assert new != old
    assert (await get(old)).status == 404  # type: ignore[misc]
    assert list(await events(get, new)) == ["Clean the lake"]


async def test_guessed_addresses_are_worthless(town: Town, get: Callable[..., object]) -> None:
    ann, bob = Chat(town, "web", "Ann"), Chat(town, "web", "Bob")
    await ann.says("calendar")
    await bob.says("calendar")
    mine, theirs = address_of(ann), address_of(bob)
    crossed = "/".join([*mine.split("/")[:3], theirs.split("/")[3]])
    for path in (crossed, mine.replace(".ics", "x.ics"), "/calendar/V000000000/" + "0" * 20 + ".ics"):
        assert (await get(path)).status == 404  # type: ignore[misc]
    assert (await get(mine)).status == 200  # type: ignore[misc]


async def test_whoever_asked_to_be_erased_has_no_feed(town: Town, get: Callable[..., object]) -> None:
    ann = Chat(town, "web", "Ann")
    await ann.says("calendar")
    path = address_of(ann)
    await ann.opens("erase")
    while "?" in ann.text and (await get(path)).status == 200:  # type: ignore[misc]
        await ann.says("yes")
    assert (await get(path)).status == 404  # type: ignore[misc]


async def test_one_activity_by_its_link_and_no_draft(town: Town, get: Callable[..., object]) -> None:
    olga, eve = Chat(town, "web", "Olga"), Chat(town, "web", "Eve")
    lake = await town.publishes(olga, "Clean the lake", SATURDAY)
    await eve.opens("activity", lake)
    button = next(one for one in eve.buttons if "calendar" in one.label)
    path = button.url.removeprefix("http://city.test")
    (entry,) = (await events(get, path)).values()
    assert entry["dtstart"].dt == SATURDAY
    assert [float(part) for part in str(entry["geo"].to_ical()).strip("b'").split(";")] == [39.9998, 116.2755]
    assert (await get(f"/activity/{lake}.ics")).status == 404  # type: ignore[misc]
    async with town.database.write() as unit:
        from sqlalchemy import update

        from storage.tables.activities import activity

        await unit.run(update(activity).values(state="draft"))
    assert (await get(path)).status == 404  # type: ignore[misc]


