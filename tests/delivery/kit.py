"""A small city in a database of its own, clocks that a test moves, and a door that does what the test says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, insert, literal, select, update

from bot.delivery.decisions import City
from bot.delivery.pace import Pace, Times
from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from bot.domain.notices import Notice
from bot.talk.capabilities import Capabilities
from bot.talk.door import Delivered, Outcome
from bot.talk.incoming import Intent
from bot.talk.view import Link, Page, View
from bot.talk.wording import Text
from storage import fanouts
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.activities import activity, organisation, shift
from storage.tables.delivery import Lane, State, fanout, outbox
from storage.tables.enrolment import enrolment
from storage.tables.people import conversation, identity, person, subscription

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""Ten in the morning in Beijing, a Tuesday: outside all quiet hours."""

FAST = Pace(rate=1000.0, most_in_flight=64, latency=0.1)
SHOWS = Capabilities(buttons=8, label_length=40, text_length=4096)


class Clockwork:
    """City, wall and steady clock, all moved by hand; a pause passes at once."""

    def __init__(self, now: datetime = TEN) -> None:
        self.now = now
        self.seconds = 0.0
        self.times = Times(self.city, self.wall, self.steady, self.pause)

    def city(self) -> datetime:
        return self.now

    def wall(self) -> float:
        return 1_900_000_000.0 + self.seconds

    def steady(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)
        self.seconds += timedelta(**span).total_seconds()


@dataclass(slots=True)
class Sent:
    """One call that a door got."""

    to: str
    text: str
    key: str
    at: float
    page: Page


Act = Outcome | Callable[[], Any]


@dataclass
class ScriptedDoor:
    """A platform that answers what it is told to, in order, to each address; then it delivers."""

    clock: Clockwork
    name: str = "telegram"
    capabilities: Capabilities = SHOWS
    script: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    calls: list[Sent] = field(default_factory=list)

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        self.calls.append(Sent(to, page.text, key, self.clock.seconds, page))
        acts = self.script.get(to) or self.script.get("*") or []
        act = acts.pop(0) if acts else Delivered(f"r{len(self.calls)}")
        if callable(act):
            result = act()
            act = await result if asyncio.iscoroutine(result) else result
        assert not callable(act)
        return act

    def got(self, to: str) -> list[str]:
        return [call.text for call in self.calls if call.to == to]

    @property
    def to(self) -> list[str]:
        return [call.to for call in self.calls]


def word(notice: Notice) -> View:
    """Words enough to see from the outside what was meant."""
    event = notice.event
    if notice.kind == "announcement":
        return View(notice.words.get("text", ""), (Link("See it", Intent("activity", ("1",))),))
    assert event is not None
    text = Text(
        "{again}{kind} {title} {when}",
        {
            "again": "again: " if notice.repeated else "",
            "kind": notice.kind,
            "title": event.title,
            "when": event.starts,
        },
    )
    return View(text, (Link("Still coming", Intent("coming", (str(notice.enrolment),))),))


SECRECY = Secrecy("a key that only the tests of delivery use")


class SmallCity:
    """One organisation, and what a test puts into it."""

    def __init__(self, url: str, clock: Clockwork) -> None:
        self.url = url
        self.clock = clock
        self.database = Database(url, SECRECY)
        self.doors: dict[str, ScriptedDoor] = {}
        self.senders: list[Sender] = []
        self.made: list[Sender] = []
        self.places = City(SHANGHAI, "en")

    async def build(self) -> None:
        async with self.database.write() as unit:
            await unit.connection.run_sync(metadata.create_all)
            await unit.run(insert(person).values(id=1, number="V0", created=self.long_ago))
            await unit.run(
                insert(organisation).values(
                    id=1,
                    name="春芽",
                    english="Spring",
                    type="association",
                    level="city",
                    place=1,
                    created=self.long_ago,
                )
            )

    @property
    def long_ago(self) -> datetime:
        return TEN - timedelta(days=90)

    async def close(self) -> None:
        for sender in self.senders:
            await sender.stop()
        for sender in self.made:
            # Also of those that a test has let die: a sign of life is a connection of its own.
            await sender.lease.release()
        await self.database.close()

    async def person(self, id_: int, *doors: str, inbound: timedelta | None = None, **columns: Any) -> int:
        """Somebody with addresses `<door>-<id>`, the first one used last."""
        values = {"id": id_, "number": f"V{id_}", "created": self.long_ago} | columns
        async with self.database.write() as unit:
            await unit.run(insert(person).values(values))
            await unit.run(insert(conversation).values(person=id_, session=b"sealed"))
            for place, door in enumerate(doors):
                at = self.clock.now - (inbound or timedelta(hours=1)) - timedelta(minutes=place)
                await unit.run(insert(identity).values(person=id_, door=door, external=f"{door}-{id_}", inbound=at))
        return id_

    async def people(self, ids: Iterable[int], door: str = "telegram") -> None:
        """Many at once, each with one address."""
        numbers = list(ids)
        async with self.database.write() as unit:
            await unit.run(
                insert(person), [{"id": one, "number": f"V{one}", "created": self.long_ago} for one in numbers]
            )
            await unit.run(
                insert(identity),
                [
                    {"person": one, "door": door, "external": f"{door}-{one}", "inbound": self.long_ago}
                    for one in numbers
                ],
            )

    async def crowd(self, ids: range, door: str = "telegram") -> None:
        """Very many at once, each with one address and subscribed to `green`: no row is built here."""
        counted = select(literal(ids.start).label("id")).cte("counted", recursive=True)
        counted = counted.union_all(select(counted.c.id + 1).where(counted.c.id < ids.stop - 1))
        text, then = cast(counted.c.id, String), literal(self.long_ago, person.c.created.type)
        columns = {
            person: {"id": counted.c.id, "number": literal("V") + text, "created": then},
            identity: {
                "person": counted.c.id,
                "door": literal(door),
                "external": literal(f"{door}-") + text,
                "inbound": then,
            },
            subscription: {
                "person": counted.c.id,
                "topic": literal("kind"),
                "value": literal("green"),
                "since": then,
            },
        }
        async with self.database.write() as unit:
            for table, values in columns.items():
                await unit.run(insert(table).from_select([*values], select(*values.values())))

    async def shift(self, id_: int, starts: datetime, hours: float = 2, **columns: Any) -> int:
        """An activity with one shift of the same number."""
        ends = starts + timedelta(hours=hours)
        values: dict[str, Any] = {
            "id": id_,
            "organisation": 1,
            "title": f"A{id_}",
            "kind": "green",
            "district": 110105,
            "address": "Park",
            "starts": starts,
            "ends": ends,
            "secret": b"s",
            "created_by": 1,
            "created": self.long_ago,
            "changed": self.long_ago,
        }
        async with self.database.write() as unit:
            await unit.run(insert(activity).values(values | columns))
            await unit.run(insert(shift).values(id=id_, activity=id_, starts=starts, ends=ends, capacity=5000))
        return id_

    async def joins(self, people: Iterable[int], shift_: int, state: str = "joined") -> None:
        at = self.long_ago
        rows = [
            {"shift": shift_, "person": one, "queue": one, "state": state, "joined": at, "changed": at}
            for one in people
        ]
        async with self.database.write() as unit:
            await unit.run(insert(enrolment), rows)

    async def moves(self, activity_: int, starts: datetime, hours: float = 2) -> int:
        """What rescheduling does: new times, one revision more. Returns the revision."""
        times = {"starts": starts, "ends": starts + timedelta(hours=hours)}
        async with self.database.write() as unit:
            await unit.run(
                update(activity)
                .where(activity.c.id == activity_)
                .values(revision=activity.c.revision + 1, changed=self.clock.now, **times)
            )
            await unit.run(update(shift).where(shift.c.activity == activity_).values(times))
            found = await unit.run(select(activity.c.revision).where(activity.c.id == activity_))
        return int(found.scalar_one())

    async def subscribes(self, people: Iterable[int], topic: str = "kind", value: str = "green") -> None:
        rows = [{"person": one, "topic": topic, "value": value, "since": self.long_ago} for one in people]
        async with self.database.write() as unit:
            await unit.run(insert(subscription), rows)

    async def announces(self, text: str = "hello", revision: int = 1, **changes: Any) -> int:
        """An announcement of activity 1 to all who subscribe to `green`."""
        values: dict[str, Any] = {
            "kind": "announcement",
            "source": 1,
            "revision": revision,
            "lane": Lane.CAMPAIGN,
            "segment": {"subscribers": [["kind", "green"]]},
            "words": {"text": text},
            "not_before": self.clock.now,
            "expires": self.clock.now + timedelta(days=1),
        }
        number = await self.plans(**(values | changes))
        assert number is not None
        return number

    async def plans(self, **values: Any) -> int | None:
        async with self.database.write() as unit:
            return await fanouts.plan(unit, **values)

    def planner(self, doors: Sequence[str] = ("telegram",)) -> Planner:
        return Planner(self.database, self.clock.times, doors)

    def sender(self, door: str = "telegram", pace: Pace = FAST, doors: Sequence[str] = (), **more: Any) -> Sender:
        """A sender with a door of its own, which is then in `doors`."""
        if door not in self.doors:
            self.doors[door] = ScriptedDoor(self.clock, door)
        made = Sender(
            self.database, self.doors[door], word, self.clock.times, self.places,
            pace=pace, doors=doors, chance=lambda: 0.0, **more,
        )  # fmt: skip
        self.senders.append(made)
        self.made.append(made)
        return made

    async def rows(self, kind: str | None = None) -> list[Any]:
        """The outbox, oldest first, with the kind and offset of each message."""
        found = select(outbox, fanout.c.kind, fanout.c.offset.label("minutes")).select_from(outbox.join(fanout))
        if kind:
            found = found.where(fanout.c.kind == kind)
        async with self.database.read() as unit:
            return list(await unit.run(found.order_by(outbox.c.id)))

    async def states(self) -> Mapping[State, int]:
        counted: dict[State, int] = {}
        for row in await self.rows():
            counted[State(row.state)] = counted.get(State(row.state), 0) + 1
        return counted


async def announced(city: SmallCity, *people: int, doors: tuple[str, ...] = ("telegram",)) -> None:
    """Activity 1 in three days is announced to these people, and the rows are made."""
    await city.shift(1, city.clock.now + timedelta(days=3))
    for number in people:
        await city.person(number, *doors)
    await city.subscribes(people)
    await city.announces()
    await city.planner(doors).expand()


async def reminded(city: SmallCity, *people: int, doors: tuple[str, ...] = ("telegram",)) -> None:
    """These people joined shift 1, which begins in a day; the reminder is made."""
    await city.shift(1, city.clock.now + timedelta(hours=24))
    for number in people:
        await city.person(number, *doors)
    await city.joins(people, 1)
    planner = city.planner(doors)
    await planner.tick()
    await planner.expand()


async def only_row(city: SmallCity) -> Any:
    """The one message that the outbox holds."""
    (row,) = await city.rows()
    return row


async def address(city: SmallCity, external: str) -> Any:
    """What is known of an address."""
    async with city.database.read() as unit:
        return (await unit.run(select(identity).where(identity.c.external == external))).one()


def sealed(city: SmallCity, key: str, pages: Any) -> bytes:
    """A reply as the inbox keeps it."""
    assert city.database.secrecy is not None
    return city.database.secrecy.seal_json(pages, f"inbox:telegram:{key}:reply")
