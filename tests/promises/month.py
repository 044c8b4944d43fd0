"""A small city for a month, in which all that can fail does: platforms, the database, the process that serves.

One thread, one clock that the story moves, one source of chance: the same seed tells the same month.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import OperationalError

from bot.domain.reach import EXPECTED
from bot.rounds import Rounds
from bot.talk import Incoming
from bot.talk.door import Delivered, NotSent, Outcome, Overloaded, Uncertain
from bot.talk.view import Page, Reply
from storage import audit
from storage.database import Database, Unit
from storage.tables.activities import shift
from storage.tables.delivery import State, fanout, outbox
from storage.tables.enrolment import enrolment, record
from storage.tables.people import identity
from tests.conversations.kit import DOORS, MONDAY, SECRECY, Chat, Mailbox, Town
from tests.seats import miscounted

T = TypeVar("T")

RESIDENTS = ("Ann", "Bob", "Cai", "Dan", "Eve", "Fay")
SPOKEN = ("telegram", "web")
"""Doors through which we may speak first at any time."""
SEATS = 3
BEGINS, LASTS = 14, 2
"""Hours: when each activity begins, and how long it lasts."""
AHEAD = timedelta(days=2)
"""Between its publication and its beginning."""
HOURS = (12, 15, 19)
"""Of a day, when the clock ticks and something may go wrong."""
SOON = timedelta(minutes=2)
"""After which it ticks again and all is well: whatever was due must be settled by then."""
LATE = ("too late", "quiet hours lasted until it was too late")
AGAIN = "(You may have read this already.)"


class Shaky(Database):
    """A database that is away for some calls, or whose commit is not heard of."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SECRECY)
        self.away, self.deaf = 0, 0

    @classmethod
    def _set_up(cls, engine: Engine, *how: Any) -> None:
        """Without the disk: no power is cut here, and a month has many commits."""
        super()._set_up(engine, *how)

        @event.listens_for(engine, "connect")
        def opened(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.close()

    def _answers(self) -> None:
        if self.away:
            self.away -= 1
            raise OperationalError("BEGIN", {}, OSError("no route"))

    def _hears(self) -> None:
        if self.deaf:
            self.deaf -= 1
            raise OperationalError("COMMIT", {}, OSError("reset"))

    async def turn(self, work: Callable[[Unit], Coroutine[Any, Any, T]], *, shares: bool = False) -> T:
        self._answers()
        done = await super().turn(work, shares=shares)
        self._hears()
        return done

    async def look(self, work: Callable[[Unit], Coroutine[Any, Any, T]]) -> T:
        self._answers()
        return await super().look(work)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        self._answers()
        async with super().write() as unit:
            yield unit
        self._hears()


class Platform(Mailbox):
    """A door whose platform has bad days. It is asked by one process, and hears nothing of it once that was killed."""

    def __init__(self, month: Month, name: str) -> None:
        super().__init__(name, DOORS[name])
        self.month, self.cut = month, False

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        if self.cut:
            await asyncio.Event().wait()
        return await self.month.brings(page, key)


class Month:
    """What happened: who heard what, who was there, what was answered."""

    def __init__(self, url: str, seed: int) -> None:
        self.url, self.chance = url, Random(seed)
        self.heard: dict[int, list[str]] = defaultdict(list)
        """What arrived of each message of ours."""
        self.doubtful: set[int] = set()
        """Of which the platform did not say whether it arrived, or was not there to say it."""
        self.was_there: Counter[str] = Counter()
        self.activities: dict[date, int] = {}
        self.faults: Counter[str] = Counter()
        self.bad: list[str] = []
        """What the next calls meet."""
        self.told_twice_otherwise = 0
        self.kills = asyncio.Event()
        self._left: list[tuple[asyncio.Task[None], Town]] = []
        self.serial = 0
        self.at = MONDAY.astimezone(UTC)
        self.confesses = True
        """Does a platform that does not know say so?"""

    # --- Processes -------------------------------------------------------------------------------------------------

    async def starts(self) -> None:
        """A process that serves."""
        self.town = await asyncio.to_thread(self._made)
        self.kills.clear()

    def _made(self) -> Town:
        town = Town(Shaky(self.url))
        town.at = self.at
        town.senders = [sender for sender in town.senders if sender.account in SPOKEN]
        self.platforms = [Platform(self, sender.account) for sender in town.senders]
        for sender, platform in zip(town.senders, self.platforms, strict=True):
            sender._door = platform
        return town

    async def brings(self, page: Page, key: str) -> Outcome:
        """What becomes of a message that goes to a platform."""
        number, luck = int(key.partition(".")[0]), self.bad.pop() if self.bad else "fair"
        self.faults[luck] += 1
        if luck == "refuses":
            return NotSent("502")
        if luck != "lost":
            self.heard[number].append(page.text)
        if luck == "fair":
            return Delivered(key)
        self.doubtful.add(number)
        if luck == "killed":
            for one in self.platforms:
                one.cut = True
            self.kills.set()
            await asyncio.Event().wait()
        return Uncertain("time-out") if self.confesses else NotSent("time-out")

    async def passes(self, at: datetime) -> None:
        """Time passes, and the clock ticks; where the process is killed meanwhile, another one goes on."""
        self.at = self.town.at = at
        ticking = asyncio.create_task(self._ticks(self.town))
        killed = asyncio.create_task(self.kills.wait())
        await asyncio.wait({ticking, killed}, return_when=asyncio.FIRST_COMPLETED)
        if not ticking.done():
            for sender in self.town.senders:
                if sender._watch is not None:
                    sender._watch.cancel()  # whoever is dead ends no call of theirs, however long the story takes
            self._left.append((ticking, self.town))
            await self.starts()
        killed.cancel()
        if ticking.done():
            ticking.result()

    async def _ticks(self, town: Town) -> None:
        town.steady = (town.at - MONDAY).total_seconds()
        rounds = Rounds(town.database, town.city, town.now)
        for one in (rounds.close_shifts, rounds.lapse_offers, rounds.watch_ledger, rounds.chain_moves):
            await tried(one)
        for name in ("planner.tick", "fanout.step", "outbox.sweep"):
            await tried(lambda name=name: town.ticks.once(name))  # type: ignore[misc]
        for sender in town.senders:
            if await tried(sender.drain):
                sender.lease.forget()  # as `run` does

    async def ends(self) -> None:
        """Every process that there was."""
        for ticking, _town in self._left:
            ticking.cancel()
        await asyncio.gather(*(ticking for ticking, _town in self._left), return_exceptions=True)
        for town in (self.town, *(town for _ticking, town in self._left)):
            for sender in town.senders:
                for call in list(sender._calls):
                    call.cancel()
                await asyncio.gather(*sender._calls, return_exceptions=True)
                with suppress(Exception):
                    await sender.lease.release()
            await town.database.close()

    # --- The story -------------------------------------------------------------------------------------------------

    def goes_wrong(self) -> None:
        """Something may, from now on."""
        database = self.town.database
        assert isinstance(database, Shaky)
        match self.chance.choice(("", "", "", "platform", "platform", "database", "commit")):
            case "platform":
                self.bad = [self.chance.choice(("refuses", "lost", "unsure", "killed")) for _call in range(3)]
            case "database":
                database.away = self.chance.randint(1, 6)
            case "commit":
                database.deaf = 1

    def is_well(self) -> None:
        """Nothing goes wrong now."""
        database = self.town.database
        assert isinstance(database, Shaky)
        self.bad, database.away, database.deaf = [], 0, 0

    async def lives(self, days: int) -> None:
        """Day after day, and three more on which nothing is new and nothing goes wrong."""
        for day in range(days + 3):
            morning = MONDAY.replace(hour=0) + timedelta(days=day)
            for hour in HOURS:
                if hour == BEGINS + 1:
                    await self.attends(morning)
                now = (morning + timedelta(hours=hour)).astimezone(UTC)
                if day < days:
                    self.goes_wrong()
                await self.passes(now)
                self.is_well()
                await self.passes(now + SOON)
                if hour == HOURS[0] and day < days:
                    await self.signs_up(morning + AHEAD + timedelta(hours=BEGINS))

    async def signs_up(self, begins: datetime) -> None:
        """An activity is published; more people than it has seats want it, and one may think better of it."""
        self.is_well()
        number = await self.town.publishes(self.chat("Olga"), f"Day {begins:%d}", begins, hours=LASTS, seats=SEATS)
        self.activities[begins.date()] = number
        for name in self.chance.sample(RESIDENTS, SEATS + 1):
            self.goes_wrong()
            self.bad = []
            await self.chat(name).joins(number)
        if self.chance.random() < 0.3:
            chat = self.chat(self.chance.choice(RESIDENTS))
            await chat.opens("leave", number)
            await chat.says("yes")
            await chat.says("menu")

    async def attends(self, morning: datetime) -> None:
        """Whoever has a seat comes, and stays to the end."""
        number = self.activities.get(morning.date())
        if number is None:
            return
        self.is_well()
        for at, script, before in ((BEGINS, "checkin", EXPECTED), (BEGINS + LASTS, "checkout", ("arrived",))):
            self.at = self.town.at = (morning + timedelta(hours=at)).astimezone(UTC)
            for name in RESIDENTS:
                if await self.stands(name, number) in before:
                    token = (await self.town.code(number)).token
                    await self.chat(name).opens(script, number, token)
                    self.was_there[name] += script == "checkout"

    async def stands(self, name: str, number: int) -> str | None:
        """How somebody stands at an activity."""
        chat = self.chat(name)
        async with self.town.database.read() as unit:
            rows = select(enrolment.c.state).join(shift, shift.c.id == enrolment.c.shift)
            rows = rows.join(identity, identity.c.person == enrolment.c.person)
            found = await unit.run(rows.where(shift.c.activity == number, identity.c.external == chat.name))
            return str(state) if (state := found.scalar_one_or_none()) is not None else None

    async def wrong(self) -> list[str]:
        """What is not as it should be, by the rows and by what people heard."""
        found = ["one message was answered in two ways"] * bool(self.told_twice_otherwise)
        for number, texts in self.heard.items():
            allowed = 2 if number in self.doubtful else 1
            if len(texts) > allowed or any(AGAIN not in text for text in texts[1:]):
                found.append(f"message {number} came {len(texts)} times")
        async with self.town.database.read() as unit:
            found += ["seats are miscounted"] * bool(await miscounted(unit))
            of_it = select(outbox, fanout.c.kind, fanout.c.source)
            rows = list(await unit.run(of_it.outerjoin(fanout, fanout.c.id == outbox.c.fanout)))
            for row in rows:
                if State(row.state) in (State.PENDING, State.SENDING, State.DEAD, State.FAILED):
                    found.append(f"message {row.id} ({row.kind}) is {State(row.state).name.lower()}")
                if State(row.state) is State.SENT and row.id not in self.heard:
                    found.append(f"message {row.id} ({row.kind}) was lost")
                if State(row.state) is State.SUPPRESSED and row.reason in LATE:
                    found.append(f"message {row.id} ({row.kind}) came too late: {row.reason}")
            reminded = {(row.source, row.person) for row in rows if row.kind == "reminder"}
            came = select(enrolment.c.shift, enrolment.c.person).where(enrolment.c.state == "completed")
            found += [f"{one} was never reminded" for one in await unit.run(came) if tuple(one) not in reminded]
            hours = select(identity.c.external, func.sum(record.c.minutes).label("minutes"))
            hours = hours.join(record, record.c.person == identity.c.person).group_by(identity.c.external)
            counted = {row.external: row.minutes for row in await unit.run(hours)}
        for name in RESIDENTS:
            if counted.get(self.chat(name).name, 0) != self.was_there[name] * LASTS * 60:
                found.append(f"{name} has {counted.get(self.chat(name).name)} minutes, {self.was_there[name]} times")
        async with self.town.database.read() as unit:
            log = await audit.verify(unit)
            if log.fault or log.waiting:
                found.append(f"the log of moves: {log.fault} at {log.where}, {log.waiting} wait")
        return found

    # --- People ----------------------------------------------------------------------------------------------------

    async def takes(self, message: Incoming) -> Reply:
        """A platform brings a message until it is acknowledged, and at times once more."""
        while True:
            with suppress(Overloaded):
                reply = await self.town.turns.take(message)
                break
        if self.chance.random() < 0.1:
            with suppress(Overloaded):
                again = await self.town.turns.take(message)
                self.told_twice_otherwise += [one.to_json() for one in again.pages] != [
                    one.to_json() for one in reply.pages
                ]
        return reply

    def chat(self, name: str) -> Chat:
        """Somebody in their chat, whoever serves it now."""
        return Patient(self, SPOKEN[RESIDENTS.index(name) % 2] if name in RESIDENTS else "web", name)


class Patient(Chat):
    """A chat whose platform has patience."""

    def __init__(self, month: Month, door: str, name: str) -> None:
        super().__init__(month.town, door, name)
        self.month = month

    def incoming(self, **what: Any) -> Incoming:
        self.town = self.month.town
        self.month.serial += 1  # a process that comes after another does not begin anew
        return replace(super().incoming(**what), key=str(self.month.serial))

    async def sends(self, **what: Any) -> str:
        reply = await self.month.takes(self.incoming(**what))
        self.pages = reply.pages
        return self.text


async def tried(tick: Callable[[], Awaitable[object]]) -> bool:
    """As the clock does it: what fails is tried again at the next tick. Did it fail?"""
    try:
        await tick()
    except OperationalError:
        return True
    return False
