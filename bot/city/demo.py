"""The demonstration city: 60 organisations, 300 activities over the next three weeks, 2,000 volunteers with a past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.city.maker import Held, Maker
from bot.city.stories import STORIES
from bot.desk.city import City
from bot.domain.enrolment import Stand
from bot.domain.roles import Role
from bot.talk.wording import Named
from storage import bulk
from storage.database import Database

ORGANISATIONS = 60
ACTIVITIES = 300
VOLUNTEERS = 2_000
PAST_ACTIVITIES = 260
WEEKS = 21
"""Days ahead."""

HAIDIAN = 110108


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody whom a visitor can be, and what is worth typing as them."""

    name: str
    about: Named
    type: Named


PERSONAS = (
    Who("mei", Named("居民 · 第一次来", "a resident, new here"), Named("周末有什么活动", "what is on this weekend")),
    Who("lin", Named("志愿者 · 约 120 小时", "a volunteer with about 120 hours"), Named("时长", "hours")),
    Who("zhao", Named("组织者", "an organiser"), Named("组织者", "organise")),
    Who("centre", Named("海淀区指导中心", "the centre of Haidian district"), Named("名单", "roster")),
)  # fmt: skip

NAMES = frozenset(one.name for one in PERSONAS)


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made: counts by table, and the activity that begins within the hour, with its wall's signed path."""

    counts: dict[str, int]
    soon: int
    wall: str


async def fill_demo(database: Database, city: City, now: datetime, seed: int = 2026) -> Demo:
    """Make the demonstration city in an empty database; the same seed and moment make the same city."""
    maker = Maker(city, now, seed)
    maker.organisations(ORGANISATIONS)
    zhao = maker.volunteer("zhao", "赵立夏")
    lin = maker.volunteer("lin", "林小满")
    centre = maker.volunteer("centre", "海淀中心")
    people = [maker.volunteer() for _one in range(VOLUNTEERS - 3)]
    past = [maker.holds((-180, -2)) for _one in range(PAST_ACTIVITIES)]
    for held in sorted(past, key=lambda one: one.starts):
        maker.random.shuffle(people)
        maker.was_held(held, people[:120])
    lins_past(maker, lin, past)
    home = next(number for number, place in maker.places.items() if place == HAIDIAN)
    soon = begins_soon(maker, home, lin, people)
    for index in range(ACTIVITIES - 2):
        held = maker.holds((1, WEEKS - 6), home if index % 25 == 0 else 0)
        maker.random.shuffle(people)
        full = index % 10 == 0
        maker.fills(held, people[:200], 1.0 if full else maker.random.uniform(0.0, 0.9), 4 if full else 0)
    maker.rows["membership"] += [
        {"person": zhao, "role": Role.ORGANISER, "organisation": home, "place": None, "since": now},
        {"person": centre, "role": Role.CENTRE, "organisation": None, "place": HAIDIAN, "since": now},
    ]
    async with database.write() as unit:
        rows = maker.taken_rows()
        for table in bulk.TABLES:
            await bulk.insert_rows(unit, table, rows[table])
        await bulk.settle_counters(unit)
        counts = await bulk.census(unit)
    return Demo(counts, soon.id, f"/wall/{soon.id}?k={city.secrecy.signature(f'wall:{soon.id}')}")


def lins_past(maker: Maker, lin: int, past: list[Held]) -> None:
    """About 120 hours, each record proven from both sides, and one that shows why nothing counted."""
    hours = 0.0
    maker.random.shuffle(past)
    for held in past:
        if hours >= 118:
            break
        if maker.seated[held.shift] < held.seats and maker.is_free(lin, held):
            maker.attends(lin, held, whole=True)
            hours += (held.ends - held.starts).total_seconds() / 3600


def begins_soon(maker: Maker, home: int, lin: int, people: list[int]) -> Held:
    """Two of zhao's: one within the hour, so that its wall is live, and one in 26 hours, to be reminded of."""
    local = maker.now.astimezone(maker.city.zone).replace(second=0, microsecond=0)
    half = local + timedelta(minutes=40 - local.minute % 10)
    soon = maker.held(STORIES[0], half, home, seats=20)
    tomorrow = maker.held(STORIES[10], half + timedelta(hours=26), home, seats=8)
    for held in (soon, tomorrow):
        maker.signs_up(lin, held, Stand.JOINED)
        maker.fills(held, people[:60], 0.6)
    return soon
