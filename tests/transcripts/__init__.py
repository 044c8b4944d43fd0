"""Whole conversations as people see them: files that are read, played through a door, and compared to the letter.

A file begins with its head (`# door: terminal`), then come lines of four kinds:

    > what somebody says               Bob> the same, where several people are at the door
    [Saturday 28 November, 09:55]      the clock is moved on to this moment: [11月28日 09:55] in a Chinese file
    │ what Menkou says first           Bob│ the same, to Bob
    everything else is the answer, as that door shows it

In what is said, `1234 5678` stands for the code that the wall shows at that moment, `[Sign up]` is a press of that
button, and `(place: 39.999, 116.275)` is a shared place. `python -m tests.transcripts --update` plays all files and
writes down what was answered: the change is then read in the diff.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.channels import wechat
from bot.channels.telegram.pages import layout as telegram_layout
from bot.channels.terminal import WIDTH, Plain, Terminal, wrapped
from bot.channels.wechat.replies import Article, joined
from bot.channels.wechat.replies import layout as wechat_layout
from bot.desk.records import close_shifts
from bot.domain.activities import Plan, Published
from bot.domain.people import Person
from bot.domain.places import beijing
from bot.domain.reach import Offers
from bot.talk.view import Page
from bot.talk.wording import Wording
from handlers.arrivals import first_words
from storage import people
from storage.database import Database
from storage.tables import metadata
from storage.tables.activities import activity as activity_table
from tests.conversations.kit import BEIJING, MONDAY, SECRECY, Chat, Desk, Town, cover

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.txt"))

WALL = "1234 5678"
"""Stands for the digits that the wall shows."""

NUMBER = "7KQ2M9XC4T"
"""Stands for a volunteer number, which is drawn by lot."""

_SAID = re.compile(r"(?:(\w+))?> (.*)")
_PUSHED = re.compile(r"(?:\w+)?│.*")
_HEAD = re.compile(r"# (\w+): (.*)")
_ENGLISH_TIME = re.compile(r"\[(\w+day \d+ \w+), (\d\d:\d\d)\]")
_CHINESE_TIME = re.compile(r"\[(\d+)月(\d+)日 (\d\d):(\d\d)\]")
_PLACE = re.compile(r"\(place: ([\d.]+), ([\d.]+)\)")


class Unreadable(ValueError):
    """A transcript says something that cannot be played; the text quotes the line."""


@dataclass
class Transcript:
    """One file: its head, and the steps that are played."""

    title: str
    head: dict[str, list[str]]
    lines: list[str]
    steps: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Transcript:
        """Read a file's text. Raises Unreadable."""
        all_lines = text.splitlines()
        lines = [line for line in all_lines if line.startswith("# ")]
        if not lines or all_lines[: len(lines)] != lines:
            raise Unreadable("the head must come first, each line of it beginning with “# ”")
        head: dict[str, list[str]] = {}
        for line in lines[1:]:
            found = _HEAD.fullmatch(line)
            if not found:
                raise Unreadable(line)
            head.setdefault(found[1], []).append(found[2])
        steps = [line for line in all_lines[len(lines) :] if _SAID.fullmatch(line) or moment(line)]
        return cls(lines[0].removeprefix("# "), head, lines, steps)

    @property
    def door(self) -> str:
        """Through which door it is played."""
        return self.head["door"][0]

    @property
    def language(self) -> str:
        """What the people speak."""
        return self.head["language"][0]


def moment(line: str) -> datetime | None:
    """The moment that a line moves the clock to; None when it is another kind of line."""
    year = MONDAY.year
    if found := _ENGLISH_TIME.fullmatch(line):
        at = datetime.strptime(f"{found[1]} {year} {found[2]}", "%A %d %B %Y %H:%M").replace(tzinfo=BEIJING)
        if f"{at:%A}" not in line:
            raise Unreadable(f"{line}: that day is a {at:%A}")
        return at
    if found := _CHINESE_TIME.fullmatch(line):
        month, day, hour, minute = (int(part) for part in found.groups())
        return datetime(year, month, day, hour, minute, tzinfo=BEIJING)
    return None


class Stage:
    """A town on which one transcript is played, and what was seen there."""

    def __init__(self, transcript: Transcript, town: Town) -> None:
        self.transcript, self.town = transcript, town
        self.chats: dict[str, Chat] = {}
        self.heard: dict[str, int] = {}
        self.activities: list[int] = []
        self.seen: list[str] = list(transcript.lines)
        town.turns.first_words = first_words
        wording = Wording(transcript.language, BEIJING)
        self.terminal = Terminal(town.turns, "nobody", Plain(io.StringIO(), io.StringIO()), wording)

    def chat(self, name: str) -> Chat:
        """The person of that name, who comes to the door when they speak for the first time."""
        if name not in self.chats:
            self.chats[name] = Chat(self.town, self.transcript.door, name or "somebody", self.transcript.language)
        return self.chats[name]

    async def prepare(self) -> None:
        """Whatever the head says there is."""
        if begins := self.transcript.head.get("begins"):
            self.town.at = datetime.fromisoformat(begins[0]).replace(tzinfo=BEIJING).astimezone(self.town.at.tzinfo)
        organisers = self.transcript.head.get("organiser", [])
        organiser = self.chat(organisers[0]) if organisers else Chat(self.town, "web", "the organiser", "zh_CN")
        await organiser.says("menu")
        await self.town.has_organisation(organiser)
        for line in self.transcript.head.get("open", []):
            self.activities.append(await self.publish(organiser, line))

    async def publish(self, organiser: Chat, line: str) -> int:
        """`title | English title | kind | 2026-11-28 10:00 | hours | seats | place | what to know`, by the desk."""
        title, english, kind, starts, hours, seats, where, about = (part.strip() for part in line.split("|"))
        start = datetime.fromisoformat(starts).replace(tzinfo=BEIJING)
        places = beijing().match(where)
        found = places[0]
        district = found.place if found.place.level == "district" else beijing().ancestors(found.place.code)[0]
        point = next((one.landmark for one in places if one.landmark), None)
        at = (point.latitude, point.longitude) if point else (None, None)
        end = start + timedelta(hours=float(hours))
        plan = Plan(title, kind, start, end, district.code, where, int(seats), about, None, *at, *cover(kind))
        async with self.town.database.write() as unit:
            who = await people.at_address(unit, organiser.door, organiser.name)
            assert who is not None
            desk = Desk(unit, Person(who, "", "zh_CN"), self.town.at, self.town.city)
            published = await desk.organising.publish(self.town.organisation, plan)
            assert isinstance(published, Published), published
            named = activity_table.update().where(activity_table.c.id == published.activity).values(english=english)
            await unit.run(named)
            return published.activity

    async def play(self) -> str:
        """All steps; returns the file as it should be."""
        await self.prepare()
        for step in self.transcript.steps:
            self.seen += ["", step, ""]
            if at := moment(step):
                await self.move(at)
            elif found := _SAID.fullmatch(step):
                await self.say(found[1] or "", found[2])
            self.listen()
        tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in self.seen))
        return tidy.strip() + "\n"

    async def move(self, at: datetime) -> None:
        """The clock goes on to a moment, and what is due happens."""
        if at < self.town.at:
            raise Unreadable(f"the clock does not go back to {at}")
        self.town.at = at.astimezone(self.town.at.tzinfo)
        async with self.town.database.write() as unit:
            await close_shifts(unit, self.town.city, self.town.at)
        await self.town.waits(seconds=3)

    async def say(self, name: str, words: str) -> None:
        """Somebody says, presses or shares something; the answer is written down."""
        chat = self.chat(name)
        self.town.at += timedelta(seconds=5)  # nobody answers in the moment of reading
        if place := _PLACE.fullmatch(words):
            await chat.shares_place(float(place[1]), float(place[2]))
        elif words.startswith("[") and words.endswith("]"):
            await chat.picks(words[1:-1])
        elif words == WALL:
            await chat.says((await self.town.code(self.activities[0])).digits)
        else:
            await chat.says(words)
        self.seen += self.shown(chat.pages)
        await self.town.waits(seconds=3)

    def listen(self) -> None:
        """What was said first since the last look, to whomever."""
        for name, chat in self.chats.items():
            pushed = chat.pushed()
            for page in pushed[self.heard.get(name, 0) :]:
                # Its buttons are good as well.
                chat.pages = (page,)
                lines = [f"{name}│ {line}" for line in self.shown([page])]
                self.seen += ["", *(line.rstrip() for line in lines)]
            self.heard[name] = len(pushed)

    def shown(self, pages: Sequence[Page]) -> list[str]:
        """Pages as this door shows them, line by line."""
        match self.transcript.door:
            case "wechat":
                text = as_wechat(pages)
            case "telegram":
                text = "\n\n".join(as_telegram(page) for page in pages)
            case _:
                text = "\n\n".join(self.as_terminal(page) for page in pages)
        return re.sub(r"\b(?=\w*\d)(?=\w*[A-Z])[A-Z\d]{10}\b", NUMBER, text).split("\n")

    def as_terminal(self, page: Page) -> str:
        """Text, then numbered lines."""
        return "\n".join(line.plain.rstrip() for line in wrapped(self.terminal.lines(page), WIDTH))


def as_wechat(pages: Sequence[Page]) -> str:
    """One message; what WeChat makes a link of stands there as its words."""
    page = joined(pages)
    if page is None:
        return ""
    shown = wechat_layout(page)
    text = f"{shown.title}\n{shown.description}\n{shown.url}" if isinstance(shown, Article) else shown
    assert len(text.encode()) <= wechat.replies.TEXT_LIMIT
    return re.sub(r"</?a\b[^>]*>", "", text)


def as_telegram(page: Page) -> str:
    """Text, then the keyboard's rows."""
    shown = telegram_layout(page)
    lines = [shown.text]
    if page.spot:
        lines.append(f"📍 {page.spot[2]}, {page.spot[3]}")
    if shown.keyboard:
        rows = shown.keyboard.get("inline_keyboard") or shown.keyboard["keyboard"]
        lines += ["  ".join(f"[ {button['text']} ]" for button in row) for row in rows]
    return "\n".join(lines)


def open_town(url: str) -> Town:
    """A town in a fresh database; outside the event loop, where files may be read."""
    beijing()
    town = Town(Database(url, SECRECY))
    # An account as a city has it: with a notice for reminders, which need no open window.
    offers = Offers(templates={"reminder": "reminder"})
    town.turns.city = replace(town.city, means=replace(town.city.means, offers=offers))
    return town


async def play(file: Path, town: Town) -> str:
    """Play one file in a town with an empty database, and close it; returns the file's text as it should be."""
    try:
        async with town.database.write() as unit:
            await unit.connection.run_sync(metadata.create_all)
        return await Stage(Transcript.read(file.read_text(encoding="utf-8")), town).play()
    finally:
        await town.database.close()
