"""The whole city in a real browser: server, turns, database, clock and sender; two people who want the same seat."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, expect
from playwright.async_api import Page as Tab

from bot.app import App
from bot.desk.desk import Desk
from bot.domain.activities import Plan, Published
from bot.domain.people import Person
from bot.domain.roles import Role
from bot.settings import Settings
from bot.talk import Address, Incoming, Intent
from storage import people
from storage.tables.activities import organisation
from tests.browser.chromium import DESKTOP
from tests.browser.conftest import OpenPage
from tests.conversations.kit import MONDAY

SATURDAY = MONDAY + timedelta(days=5)


@dataclass
class City:
    """A city that serves, with a clock that the test moves."""

    app: App
    address: str
    now: datetime
    serial: int = 0

    async def hears(self, intent: str) -> None:
        """The organiser, at a terminal, follows a link."""
        self.serial += 1
        olga = Address("terminal", "olga")
        await self.app.turns.take(Incoming(olga, str(self.serial), self.now, language="en", intent=Intent(intent)))

    async def opens(self, title: str, *, seats: int) -> str:
        """An activity on Saturday; returns the path of its wall."""
        await self.hears("menu")
        app = self.app
        async with app.database.write() as unit:
            who = await people.at_address(unit, "terminal", "olga")
            assert who is not None
            made = organisation.insert().values(
                name="海淀绿芽志愿服务队", english="Haidian Green Shoots", type="association", level="district",
                place=110108, created=self.now,
            )  # fmt: skip
            number = (await unit.run(made.returning(organisation.c.id))).scalar_one()
            await people.appoint(unit, who, Role.ORGANISER, number, None, self.now)
        async with app.database.write() as unit:
            desk = Desk(unit, Person(who, "", "en"), self.now, app.city)
            end = SATURDAY + timedelta(hours=2)
            plan = Plan(
                title,
                "environment",
                SATURDAY,
                end,
                110108,
                "颐和园东门",
                seats,
                "Bring gloves.",
                None,
                39.9998,
                116.2755,
            )
            published = await desk.organising.publish(number, plan)
            assert isinstance(published, Published), published
            path = await desk.organising.wall(published.activity)
            assert isinstance(path, str)
            return path

    async def until(self, moment: datetime) -> None:
        """The clock moves on, and what is due happens."""
        self.now = moment.astimezone(UTC)
        await self.app.catch_up()


@pytest.fixture
def made(tmp_path: Path) -> City:
    """Wired outside the event loop, as a process that starts: files are read then."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'city.db'}",
        secret_key="a key that only the browser's city uses",
        listen=f"127.0.0.1:{port}",
        locale="en",
        chat=True,
    )
    city = City(App(settings, clock=lambda: city.now), f"http://127.0.0.1:{port}", MONDAY.astimezone(UTC))
    return city


@pytest_asyncio.fixture(loop_scope="session")
async def city(made: City) -> AsyncIterator[City]:
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(made.app.serve(stop, told=lambda _address: ready.set()))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert not serving.done(), serving.exception()
    yield made
    stop.set()
    await serving


def theirs(tab: Tab) -> Locator:
    return tab.locator(".them:not(#typing) .text")


def mine(tab: Tab) -> Locator:
    return tab.locator(".me .text")


async def arrives(open_page: OpenPage, city: City, path: str = "/chat") -> Tab:
    """Somebody opens the chat for the first time and is greeted."""
    tab = await open_page(city.address + path, locale="en-GB")
    await expect(theirs(tab).first).to_contain_text("I am Menkou")
    await expect(tab.locator("#state")).to_have_text("Online")
    return tab


async def press(tab: Tab, label: str, answer: str) -> None:
    await tab.locator(".options:not(.past)").get_by_role("button", name=label).click()
    await expect(theirs(tab).last).to_contain_text(answer)


async def write(tab: Tab, words: str, answer: str) -> None:
    await tab.get_by_label("Write a message").fill(words)
    await tab.keyboard.press("Enter")
    await expect(theirs(tab).last).to_contain_text(answer)


async def joins(tab: Tab, name: str, phone: str, outcome: str, asked: str = "Join Planting trees") -> None:
    """From the activity's card to the outcome."""
    await press(tab, "I agree", "What is your name?")
    await write(tab, name, "Which phone number")
    await write(tab, phone, asked)
    await write(tab, "yes", outcome)


async def test_from_a_sentence_to_the_hours_with_a_reload_in_the_middle(open_page: OpenPage, city: City) -> None:
    wall = await city.opens("Planting trees at the lake", seats=10)
    tab = await arrives(open_page, city)
    await write(tab, "trees in Haidian on Saturday", "1 activity for Haidian")
    await press(tab, "Planting trees at the lake", "10 seats left")
    await press(tab, "Sign up", "Do you agree?")
    await press(tab, "I agree", "What is your name?")
    before = await theirs(tab).all_inner_texts()

    await tab.reload()
    await expect(theirs(tab)).to_have_text(before)
    await write(tab, "Ann Lee", "Which phone number")
    await write(tab, "138 0013 8000", "Join Planting trees at the lake, Sat 28 Nov 10:00–12:00?")
    await press(tab, "Yes", "You are in: Planting trees at the lake. I will remind you Fri 27 Nov 10:00.")

    await city.app.catch_up()
    assert (await theirs(tab).last.inner_text()).startswith("You are in"), "a day too early nothing is said"
    await city.until(SATURDAY - timedelta(days=1))
    await expect(theirs(tab).last).to_contain_text("Tomorrow: Planting trees at the lake")
    await press(tab, "Yes, I am coming", "Good, see you Sat 28 Nov 10:00")

    await city.until(SATURDAY - timedelta(minutes=10))
    await expect(theirs(tab).last).to_contain_text("Soon: Planting trees")
    projector = await open_page(city.address + wall, viewport=DESKTOP)
    await expect(projector.locator("#arrived")).to_have_text("0")
    code = await projector.locator("#code").inner_text()
    await write(tab, code, "Checked in at 09:50: Planting trees at the lake")
    await expect(projector.locator("#arrived")).to_have_text("1")

    await city.until(SATURDAY + timedelta(hours=2))
    await projector.reload()
    await write(tab, "check out", "Send the 8 digits on the screen")
    await write(tab, await projector.locator("#code").inner_text(), "2 hours were counted.")
    await write(tab, "hours", "2 hours over 1 activity.")
    found = (await Axe().run(tab)).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


async def test_the_seat_that_one_gives_up_is_pushed_to_who_waits(open_page: OpenPage, city: City) -> None:
    await city.opens("Planting trees at the lake", seats=1)
    ann = await arrives(open_page, city, "/chat?go=activity-1")
    bob = await arrives(open_page, city, "/chat?go=activity-1")
    await press(ann, "Sign up", "Do you agree?")
    await press(bob, "Sign up", "Do you agree?")
    await joins(ann, "Ann Lee", "13800138000", "You are in")
    await joins(bob, "Bob Chen", "13900139000", "you are number 1 in the queue", "is full. Join the queue?")
    heard = await theirs(bob).count()

    await write(ann, "undo", "Give up Planting trees")
    await press(ann, "Yes, give it up", "Your seat goes to the next in the queue")
    await expect(theirs(bob)).to_have_count(heard + 1)
    await expect(theirs(bob).last).to_contain_text("A seat came free: Planting trees at the lake")
    await press(bob, "Yes, I take it", "The seat is yours: Planting trees at the lake")
    await press(bob, "My sign-ups", "Your sign-ups:")
    await press(bob, "Planting trees at the lake", "you have a seat")


async def test_what_is_pushed_while_the_page_is_closed_is_there_when_it_opens(open_page: OpenPage, city: City) -> None:
    await city.opens("Planting trees at the lake", seats=10)
    ann = await arrives(open_page, city, "/chat?go=activity-1")
    await press(ann, "Sign up", "Do you agree?")
    await joins(ann, "Ann Lee", "13800138000", "You are in")
    said = await mine(ann).all_inner_texts()
    context = ann.context
    await ann.close()
    await city.until(SATURDAY - timedelta(days=1))
    again = await context.new_page()
    await again.goto(city.address + "/chat")
    await expect(theirs(again).last).to_contain_text("Tomorrow: Planting trees at the lake")
    await expect(mine(again)).to_have_text(said)
