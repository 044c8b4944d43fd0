"""Conversations as people have them: a town with one database, and chats through the numbers of any door."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.channels.telegram.numbers import TELEGRAM
from bot.channels.terminal import TERMINAL
from bot.channels.web import WEB
from bot.channels.wechat import WECHAT
from bot.clock import Ticks
from bot.delivery.decisions import City as Speaking
from bot.delivery.pace import Times
from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from bot.desk import campaign_rounds, covers, digests, offers, parties, skills, squads
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.activities import Plan, Published
from bot.domain.agreements import uninsured
from bot.domain.attendance import Code, code_at
from bot.domain.forecast import Means
from bot.domain.people import ABROAD, Person, as_shown, phone_as_shown
from bot.domain.roles import Role
from bot.talk import Address, Incoming, Intent, Photo, Place
from bot.talk.capabilities import Capabilities
from bot.talk.door import Delivered, Outcome
from bot.talk.incoming import Window
from bot.talk.router import Router
from bot.talk.view import Button, Page
from bot.turn import Turns
from handlers.notices import word
from handlers.scripts import SCRIPTS
from storage import activities, people
from storage.database import Database
from storage.tables.activities import organisation
from storage.tables.enrolment import enrolment
from storage.tables.people import person
from tests.keys import SECRECY

DOORS: dict[str, Capabilities] = {"telegram": TELEGRAM, "wechat": WECHAT, "web": WEB, "terminal": TERMINAL}


def cover(kind: str) -> tuple[str, str]:
    """Insurance and risks, where a kind of service needs them."""
    return ("PICC 2026 001", "Wet ground: wear firm shoes.") if uninsured(kind, "", "") else ("", "")


BEIJING = ZoneInfo("Asia/Shanghai")

READS = timedelta(seconds=1)

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=BEIJING)
"""When the tests' stories begin, unless they say otherwise."""


@dataclass
class Mailbox:
    """The far end of a door: keeps what we said first, by address."""

    name: str
    capabilities: Capabilities
    sent: list[tuple[str, Page]] = field(default_factory=list)

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        self.sent.append((to, page))
        return Delivered(key)


class Town:
    """A city for one test: database, turns, clock, and mailboxes instead of platforms."""

    def __init__(self, database: Database, language: str = "en") -> None:
        self.database = database
        self.at = MONDAY.astimezone(UTC)
        means = Means(dict.fromkeys(DOORS, 28.0))
        self.city = City(BEIJING, SECRECY, "http://city.test", language, means=means)
        self.mailboxes = {name: Mailbox(name, capabilities) for name, capabilities in DOORS.items()}
        self.turns = Turns(database, Router(SCRIPTS), self.city, DOORS, self.now)
        self.steady = 0.0
        times = Times(self.now, lambda: self.steady, lambda: self.steady, self.pauses)
        speaking = Speaking(BEIJING, language, public_url="http://city.test")
        self.planner = Planner(database, times, doors=tuple(DOORS))
        self.senders = [
            Sender(database, mailbox, word, times, speaking, doors=tuple(DOORS)) for mailbox in self.mailboxes.values()
        ]
        self.ticks = Ticks(self.planner, self.senders)
        self.serial = 0
        self.organisation = 0
        self.replies_abroad: list[Page] = []

    def now(self) -> datetime:
        return self.at

    async def told_abroad(self) -> list[str]:
        """What went to a door whose servers stand in another country and holds a whole name or telephone number of
        somebody: nothing ever should."""
        pages = [*self.replies_abroad, *(page for door in ABROAD for _to, page in self.mailboxes[door].sent)]
        if not pages:
            return []
        async with self.database.read() as unit:
            everybody = list((await unit.run(select(person.c.id))).scalars())
            known = await people.personal(unit, self.city.secrecy, everybody)
        secret = {said for pair in known.values() for said in pair if said}
        secret |= {phone.removeprefix("+86") for _name, phone in known.values() if phone}
        texts = ["\n".join((page.text, *(button.label for button in page.buttons))) for page in pages]
        return [text for text in texts if any(said in text for said in secret)]

    async def pauses(self, seconds: float) -> None:
        """The sender waits for its next token: no time of ours."""
        self.steady += seconds

    async def waits(self, **time: float) -> None:
        """Time passes, and the clock ticks."""
        self.at += timedelta(**time)
        self.steady += timedelta(**time).total_seconds()
        await offers.lapse(self.database, self.city, self.at)
        await campaign_rounds.advance(self.database, self.city, self.at)
        await parties.lapse(self.database, self.city, self.at)
        await squads.tick(self.database, self.city, self.at)
        await covers.tick(self.database, self.city, self.at)
        await digests.tick(self.database, self.city, self.at)
        await skills.tick(self.database, self.city, self.at)
        await self.ticks.run_once()

    async def has_organisation(self, organiser: Chat) -> int:
        """An organisation, with this chat's person as its organiser."""
        async with self.database.write() as unit:
            made = organisation.insert().values(
                name="海淀绿芽志愿服务队", english="Haidian Green Shoots", type="association", level="district",
                place=110108, created=self.at,
            )  # fmt: skip
            self.organisation = (await unit.run(made.returning(organisation.c.id))).scalar_one()
            who = await people.at_address(unit, organiser.door, organiser.name)
            assert who is not None
            await people.appoint(unit, who, Role.ORGANISER, self.organisation, None, self.at)
        return self.organisation

    async def publishes(
        self,
        organiser: Chat,
        title: str,
        starts: datetime,
        hours: float = 2,
        seats: int = 10,
        kind: str = "environment",
    ) -> int:
        """An activity by the desk, without the conversation."""
        if not self.organisation:
            await organiser.says("menu")
            await self.has_organisation(organiser)
        async with self.database.write() as unit:
            who = await people.at_address(unit, organiser.door, organiser.name)
            assert who is not None
            desk = Desk(unit, Person(who, "", "en"), self.at, self.city)
            end = starts + timedelta(hours=hours)
            at = (39.9998, 116.2755)
            plan = Plan(
                title, kind, starts, end, 110108, "颐和园东门", seats, "Bring gloves.", None, *at, *cover(kind)
            )  # fmt: skip
            published = await desk.organising.publish(self.organisation, plan)
            assert isinstance(published, Published), published
            return published.activity

    async def code(self, activity: int) -> Code:
        """What the wall shows now."""
        async with self.database.read() as unit:
            secret = await activities.secret(unit, self.city.secrecy, activity)
        assert secret is not None
        return code_at(secret, activity, self.at)


class Chat:
    """One person at one door."""

    def __init__(self, town: Town, door: str, name: str, language: str = "en") -> None:
        self.town, self.door, self.language = town, door, language
        # Platforms' ids are long and mean nothing.
        self.name = hashlib.sha256(name.encode()).hexdigest()[:28]
        self.pages: tuple[Page, ...] = ()
        self.log: list[tuple[str, str]] = []

    @property
    def text(self) -> str:
        return "\n".join(page.text for page in self.pages)

    @property
    def buttons(self) -> list[Button]:
        return [button for page in self.pages for button in page.buttons]

    @property
    def labels(self) -> list[str]:
        """What is offered, in whole: a label that a button is too short for stands in the text beside its number."""
        whole = dict(re.findall(r"^(\d+)  (.*)$", self.text, re.MULTILINE))
        return [whole.get(str(button.number), button.label) for button in self.buttons]

    def incoming(self, **what: Any) -> Incoming:
        self.town.serial += 1
        address = Address(self.door, self.name)
        window = {"window": Window(48 * 3600, 5)} if self.door == "wechat" else {}
        # A moment after whatever they answer arrived: nobody answers what they have not read.
        at = self.town.at + READS
        return Incoming(address, str(self.town.serial), at, language=self.language, **window, **what)

    async def sends(self, **what: Any) -> str:
        reply = await self.town.turns.take(self.incoming(**what))
        self.pages = reply.pages
        if self.door in ABROAD:
            self.town.replies_abroad += reply.pages
        return self.text

    async def says(self, text: str) -> str:
        """Type something."""
        return await self.sends(text=text)

    async def opens(self, script: str, *arguments: object) -> str:
        """Follow a link: a command, a QR, a deep link, a menu key."""
        return await self.sends(intent=Intent(script, tuple(str(one) for one in arguments)))

    async def picks(self, label: str) -> str:
        """Choose what is offered, as the door has it: press it, or type its number where there are no buttons."""
        offered = zip(self.buttons, self.labels, strict=True)
        button = next((one for one, whole in offered if label in whole), None)
        assert button is not None, f"“{label}” is not offered, only {self.labels} under “{self.text}”"
        if not DOORS[self.door].buttons:
            return await self.says(str(button.number))
        if button.wire[0].isdigit():
            return await self.sends(pick=button.wire)
        return await self.sends(intent=Intent.parse(button.wire))

    async def shares_place(self, latitude: float, longitude: float) -> str:
        return await self.sends(place=Place(latitude, longitude, 20.0))

    async def sends_photo(self) -> str:
        return await self.sends(photo=Photo("file"))

    def sees(self, name: str) -> str:
        """A name as this door shows it to who may see it whole."""
        return as_shown(name, self.door)

    def sees_phone(self, phone: str) -> str:
        """A telephone number, likewise."""
        return phone_as_shown(phone, self.door)

    def pushed(self) -> Sequence[Page]:
        """What we said first to this address."""
        return [page for to, page in self.town.mailboxes[self.door].sent if to == self.name]

    async def introduces_itself(self) -> None:
        """Answer what is asked before the first sign-up."""
        await self.says("yes")
        await self.says("Ann Lee")
        await self.says("13800138000")

    async def joins(self, activity: int) -> str:
        """The whole sign-up, from the link to the outcome."""
        await self.opens("join", activity)
        if "Do you agree" in self.text:
            await self.introduces_itself()
        if "Join" in self.text:
            await self.says("yes")
        return self.text


def goes_to(town: Town, moment: datetime) -> None:
    """It is that moment, and nothing has happened meanwhile."""
    town.at = moment.astimezone(town.at.tzinfo)


async def number_of(town: Town, who: Chat) -> int:
    """The row of whoever chats there."""
    async with town.database.read() as unit:
        number = await people.at_address(unit, who.door, who.name)
    assert number is not None
    return number


async def states(town: Town) -> list[str]:
    """How every sign-up stands, the oldest first."""
    async with town.database.read() as unit:
        return list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars())
