"""The demonstration city: 60 organisations, 300 activities over the next three weeks, 2,000 volunteers with a past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice

from bot.city import told
from bot.city.maker import DAY, HOUR, Held, Maker
from bot.city.stories import STORIES, Story
from bot.desk.city import City
from bot.domain.attendance import CHECKOUT_CLOSES
from bot.domain.enrolment import Stand, old_enough
from bot.domain.kinds import KINDS, kind
from bot.domain.questions import Question, Sort
from bot.domain.roles import Role
from bot.talk.wording import Named
from storage import bulk
from storage.database import Database

ACTIVITIES = 300
VOLUNTEERS = 2_000
PAST_ACTIVITIES = 900
AHEAD = 20
"""Days ahead, after today."""
PAST = 182
"""Days of history."""
LIN_HOURS = 118
FIFTEEN = 15

CHAOYANG, HAIDIAN, WANGJING = 110105, 110108, 110105026
LIVES_HERE = Question("您住在望京吗？", Sort.YES)
HOME = 1
"""Zhao's organisation, the first of the file: the volunteers of Wangjing."""
DISTRICT_CENTRE = 2
"""The next in the file: the centre of the district that Wangjing lies in."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody whom a visitor can be, and what is worth typing as them."""

    name: str
    about: Named
    type: Named


PERSONAS = (
    Who("mei", Named("居民，第一次来", "a resident, new here"), Named("周末有什么活动", "what is on this weekend")),
    Who("lin", Named("志愿者，约 120 小时", "a volunteer with about 120 hours"), Named("时长", "hours")),
    Who(
        "zhao",
        Named("组织者，望京街道志愿服务队", "an organiser of Wangjing's volunteers"),
        Named("组织者", "organise"),
    ),
    Who(
        "qiao",
        Named("家长，孩子 15 岁想参加活动", "a parent; the child is 15 and would like to come"),
        Named("我的孩子", "children"),
    ),
    Who("nan", Named("15 岁，等家长同意", "15 years old, waits for the parent's yes"), Named("我的", "my")),
    Who("centre", Named("望京街道指导中心", "the centre of Wangjing street"), Named("组织者", "organise")),
)
"""Of the resident nothing is stored: to Menkou they write for the first time."""

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
    maker.organisations()
    # The first volunteers are the organisers; zhao is the first of them, lin and the centre have no organisation.
    zhao = maker.volunteer("赵立夏", "zhao", CHAOYANG)
    for _one in range(VOLUNTEERS - 3):
        maker.volunteer(youngest=15 if maker.random.random() < 0.1 else 20)
    maker.appoints_organisers()
    lin, centre = maker.volunteer("林小满", "lin", CHAOYANG), maker.volunteer("周望舒", "centre", CHAOYANG)
    maker.appoints(centre, Role.CENTRE, place=WANGJING)
    crowd = Crowd(maker, but={zhao, lin, centre})
    past = [*_wangjing_past(maker), *_past(maker)]
    _lins_past(maker, crowd, lin, past)
    soon, rest = _wangjing_ahead(maker, crowd, lin)
    held_by_zhao = sum(not held.activity for held in (soon, *rest))
    ahead = [*rest, *_ahead(maker, ACTIVITIES - held_by_zhao)]
    for held in past:
        crowd.come(held, maker.random.uniform(0.55, 1.05))
    for place, held in enumerate(ahead):
        _fill(maker, crowd, held, place)
    cast = _cast(maker, crowd, lin, zhao, past, ahead)
    for held in (soon, *past, *ahead):
        maker.closes(held)
    async with database.write() as unit:
        rows = maker.taken_rows()
        for table in bulk.TABLES:
            await bulk.insert_rows(unit, table, rows[table])
        await bulk.write_evidence(unit)
        await bulk.write_audit(unit)
        await bulk.settle(unit)
        await told.tell(unit, city, now, cast)
        await bulk.remind_as_before(unit, now, but=(soon.id,))
        counts = await bulk.census(unit)
    return Demo(counts, soon.id, f"/wall/{soon.id}?k={city.secrecy.signature(f'wall:{soon.id}')}")


class Crowd:
    """Who may come: people with a home, an age and habits; nobody is ever in two places."""

    def __init__(self, maker: Maker, but: set[int]) -> None:
        self._maker = maker
        self._busy: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        people = [row for row in maker.rows["person"] if row["id"] not in but]
        self._born: dict[int, int] = {row["id"]: row["born"] for row in maker.rows["person"]}
        # A few come every week, most now and then.
        keen = {row["id"]: min(maker.random.paretovariate(1.2), 30.0) for row in people}
        homes: dict[int, list[int]] = defaultdict(list)
        for row in people:
            homes[row["district"]].append(row["id"])
            homes[0].append(row["id"])
        self._pools = {home: (ids, list(accumulate(keen[id_] for id_ in ids))) for home, ids in homes.items()}

    def may(self, person: int, held: Held) -> bool:
        """Could they come: old enough, not signed up here, and free at these hours?"""
        minimum = kind(held.story.kind).minimum_age
        return (
            person not in held.people
            and old_enough(self._born[person], minimum, self._maker.now)
            and all(end <= held.starts or start >= held.ends for start, end in self._busy[person])
        )

    def taken(self, person: int, held: Held) -> None:
        """These hours of theirs are given away."""
        self._busy[person].append((held.starts, held.ends))

    def draw(self, held: Held) -> Iterator[int]:
        """People who may come, those who live in the district more often; ends when nobody more is found."""
        random = self._maker.random
        for _try in range(40 * held.capacity):
            ids, weights = self._pools[held.site.district if random.random() < 0.65 else 0]
            person = random.choices(ids, cum_weights=weights)[0]
            if self.may(person, held):
                self.taken(person, held)
                yield person

    def come(self, held: Held, share: float) -> None:
        """Seats taken up to this share; above 1 as many more try as are turned away."""
        wanted = min(round(held.capacity * share), held.capacity) - held.taken
        for person in islice(self.draw(held), max(wanted, 0)):
            self._maker.takes_part(person, held)

    def fill(self, held: Held, free: int = 0) -> None:
        """Seats taken until only so many are free."""
        people = self.draw(held)
        while held.free > free and (person := next(people, None)):
            self._maker.takes_part(person, held)

    def ask(self, held: Held, number: int) -> Iterator[int]:
        """So many would like to come; their hours stay free until they may."""
        for person in islice(self.draw(held), number):
            self._busy[person].pop()
            yield person

    def queue(self, held: Held, number: int) -> None:
        """So many stand in the queue; a place in it is no promise, and clashes with nothing."""
        for person in self.ask(held, number):
            self._maker.signs_up(person, held, Stand.WAITING)


# --- The past --------------------------------------------------------------------------------------------------------


def _past(maker: Maker) -> Iterator[Held]:
    made = 0
    while made < PAST_ACTIVITIES:
        held = maker.holds(maker.day(-PAST, 0), before=maker.now)
        if held is not None:
            made += 1
            yield held


def _wangjing_past(maker: Maker) -> Iterator[Held]:
    """What zhao has held: one a fortnight."""
    for week in range(2, PAST // 7, 2):
        day = maker.day(-7 * week, -7 * week + 6)
        story = maker.random.choice(
            [one for one in STORIES if one.site in ("community", "care", "youth") and one.fits(day.weekday())]
        )
        starts = day + timedelta(hours=maker.random.choice(story.starts))
        yield maker.held(story, starts, maker.site(story.site, CHAOYANG, "望京"), HOME)


def _lins_past(maker: Maker, crowd: Crowd, lin: int, past: list[Held]) -> None:
    """About 120 hours proven from both sides, and two records that show why nothing counted."""
    over = [held for held in past if held.ends < maker.now - DAY]
    # Most of it near home; what is left keeps its chance order.
    maker.random.shuffle(over)
    over.sort(key=lambda held: held.organisation != HOME)
    hours, zeros = 0.0, 2
    for held in over:
        if hours >= LIN_HOURS:
            break
        if not crowd.may(lin, held) or held.story.kind in ("counselling", "legal", "medical"):
            continue
        crowd.taken(lin, held)
        if zeros and hours > 30 * (3 - zeros):
            zeros -= 1
            if zeros:
                maker.forgets(lin, held, held.starts - timedelta(minutes=6), closed=True)
            else:
                left = held.starts + (held.ends - held.starts) * 0.3
                maker.leaves(lin, held, held.starts, left, own=True, closed=True)
            continue
        maker.takes_part(lin, held, sure=True)
        hours += (held.ends - held.starts).total_seconds() / 3600


def _cast(maker: Maker, crowd: Crowd, lin: int, zhao: int, past: list[Held], ahead: list[Held]) -> told.Cast:
    """Who asks and answers what, once everybody else has a seat: three days at zhao's where lin was otherwise free, and
    a family of whom the child is fifteen."""
    disputed = max((one for one in past if one.organisation == HOME and lin in one.people), key=lambda one: one.ends)
    claimed, entered, own = islice(_lins_other_days(maker, crowd, lin), 3)
    for held in (claimed, entered, own):
        past.append(held)
        crowd.taken(lin, held)
        crowd.come(held, 0.6)
    maker.signs_up(lin, claimed, Stand.ABSENT, claimed.ends + CHECKOUT_CLOSES)
    maker.leaves(lin, own, own.starts, own.ends, own=True, closed=True)
    parent, child = maker.volunteer("乔岸", "qiao", CHAOYANG), maker.volunteer("乔南", "nan", CHAOYANG)
    maker.rows["person"][-1]["born"] = maker.now.year - FIFTEEN - 1
    agreed, *others = (one for one in ahead if _suits_a_youth(one, maker.now))
    asked = next(one for one in others if one.ends <= agreed.starts or one.starts >= agreed.ends)
    return told.Cast(lin, zhao, parent, child, claimed, entered, disputed, agreed, asked)


def _suits_a_youth(held: Held, now: datetime) -> bool:
    """Open to somebody of fifteen without a word of the organiser's, and not so soon that nobody can be asked."""
    plain = not held.role[0] and "议事会" not in held.story.title
    return plain and held.free > 1 and held.starts > now + DAY and kind(held.story.kind).minimum_age <= FIFTEEN


def _lins_other_days(maker: Maker, crowd: Crowd, lin: int) -> Iterator[Held]:
    """Afternoons of the last weeks at zhao's, on which lin was nowhere else."""
    for days in range(5, 40):
        starts = maker.day(-days, -days) + timedelta(hours=14)
        held = maker.held(_told("楼门美化"), starts, maker.site("community", CHAOYANG, "望京"), HOME, 10)
        if crowd.may(lin, held):
            yield held


# --- What is ahead ---------------------------------------------------------------------------------------------------


def _told(title: str) -> Story:
    """The story with this title."""
    return next(one for one in STORIES if title in one.title)


def _wangjing_ahead(maker: Maker, crowd: Crowd, lin: int) -> tuple[Held, list[Held]]:
    """Zhao's own: one within the half hour, so that its wall is live; one in 26 hours, to be reminded of; a full one
    with a queue and a seat on offer, one with two roles that is nearly full, one that is nearly empty, where zhao lets
    people in. Lin is in the first three."""

    def at(story: Story, starts: datetime, capacity: int, organisation: int = HOME) -> Held:
        return maker.held(story, starts, maker.site(story.site, CHAOYANG, "望京"), organisation, capacity)

    local = maker.now.astimezone(maker.city.zone).replace(second=0, microsecond=0)
    saturday, sunday = _weekend(maker)
    soon = at(_told("24小时城市书房"), _rounded(local + timedelta(minutes=26), 5), 12)
    tomorrow = at(_told("手机课堂"), _by_day(_rounded(local + timedelta(hours=25, minutes=45), 15)), 10)
    market = saturday + timedelta(hours=13.5)
    if market - 4 * HOUR < tomorrow.ends and tomorrow.starts < market + 4 * HOUR:
        market += timedelta(days=7)  # lin is in both
    full = at(_told("旧物交换集市"), market, 10)
    nearly = at(_told("楼门美化"), sunday + timedelta(hours=14), 12)
    empty = at(_told("社区议事会"), saturday + timedelta(days=4, hours=19), 8)
    # Not zhao's, but the street's centre looks after them too.
    others = [
        at(_told("社区健康日"), sunday + timedelta(hours=8.5), 14, DISTRICT_CENTRE),
        at(_told("课后作业辅导"), sunday + timedelta(days=3, hours=16), 8, DISTRICT_CENTRE),
    ]
    for held in (soon, tomorrow):
        crowd.taken(lin, held)
        maker.signs_up(lin, held, Stand.JOINED)
    for person in islice(crowd.draw(soon), 3):
        maker.arrives(person, soon, maker.now - timedelta(minutes=maker.random.randint(1, 9)))
    crowd.come(soon, 0.7)
    crowd.come(tomorrow, 0.6)
    crowd.fill(full, free=1)
    for person in islice(crowd.draw(full), 1):
        maker.is_offered(person, full)
    crowd.queue(full, 1)
    maker.signs_up(lin, full, Stand.WAITING)
    crowd.queue(full, 3)
    crowd.fill(nearly, free=1)
    nearly.role = ("绘画", "Painting")
    guides = maker.beside(nearly, ("秩序引导", "Ushering"), 4)
    crowd.come(guides, 0.5)
    maker.lets_in(empty, LIVES_HERE)
    crowd.come(empty, 0.2)
    for person, answer in zip(crowd.ask(empty, 2), "✓✗", strict=False):
        maker.asks(person, empty, LIVES_HERE, answer)
    return soon, [tomorrow, full, nearly, guides, empty, *others]


def _ahead(maker: Maker, number: int) -> Iterator[Held]:
    """Some within hours, each kind and each district at the weekend, trees in Haidian; the rest anywhere, any day."""
    made = 0
    local = maker.now.astimezone(maker.city.zone).replace(second=0, microsecond=0)
    weekend = _weekend(maker)
    for hours in (2.3, 2.6, 3.0, 3.5, 4.0, 5.0, 6.5, 8.0):
        story = maker.random.choice([one for one in STORIES if one.at_night])
        district = next(one for one in iter(maker.district, None) if maker.has(story.site, one))
        yield maker.held(story, _rounded(local + timedelta(hours=hours), 15), maker.site(story.site, district))
        made += 1
    for day in weekend:
        starts = day + timedelta(hours=9)
        yield maker.held(_told("植树"), starts, maker.site("park", HAIDIAN))
        made += 1
    wanted = [(one.code, 0) for one in KINDS] + [("", one.code) for one in maker.city.places.districts]
    for place, (service, district) in enumerate(wanted):
        held = maker.holds(weekend[place % 2], service, district) or maker.holds(weekend[0], service, district)
        if held is not None:
            made += 1
            yield held
    while made < number:
        held = maker.holds(maker.day(0, AHEAD), after=maker.now + timedelta(minutes=40))
        if held is not None:
            made += 1
            yield held


def _fill(maker: Maker, crowd: Crowd, held: Held, place: int) -> None:
    """One in twelve is full with a queue, one in eight nearly; what zhao holds is filled already."""
    if held.queue:
        return
    if place % 12 == 5:
        crowd.fill(held)
        if not held.free:
            crowd.queue(held, maker.random.randint(2, 9))
    elif place % 8 == 3:
        crowd.fill(held, free=maker.random.randint(1, 2))
    else:
        crowd.come(held, maker.random.uniform(0.1, 0.8))


def _weekend(maker: Maker) -> tuple[datetime, datetime]:
    """The Saturday and the Sunday that come next after today, at midnight."""
    today = maker.today
    saturday, sunday = (today + timedelta(days=(day - today.weekday() - 1) % 7 + 1) for day in (5, 6))
    return saturday, sunday


def _rounded(at: datetime, minutes: int) -> datetime:
    """The next whole stretch of so many minutes."""
    return at + timedelta(minutes=-at.minute % minutes)


def _by_day(at: datetime) -> datetime:
    """Then, or half past nine of the next morning: nobody teaches at night, and nobody is reminded then."""
    if 9 <= at.hour < 19:
        return at
    return (at + timedelta(days=at.hour >= 19)).replace(hour=9, minute=30)
