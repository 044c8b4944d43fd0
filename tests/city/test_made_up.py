"""Made-up cities: the same seed makes the same one, and what is in it agrees with itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from sqlalchemy import Select, delete, func, insert, select, update

from bot.city.clock import MovableClock
from bot.city.demo import ACTIVITIES, NAMES, PERSONAS, VOLUNTEERS, WANGJING, Demo, fill_demo
from bot.city.fill import fill
from bot.city.maker import Maker
from bot.city.stories import GROUPS, IN_EVERY_STREET, ONLINE, STORIES, fictional_phone, sites
from bot.desk import figures
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.desk.records import close_shifts
from bot.desk.walls import wall
from bot.domain.activities import TITLE_LENGTH, Activity
from bot.domain.attendance import code_at
from bot.domain.enrolment import Joined, Stand
from bot.domain.guardians import Answer
from bot.domain.kinds import KINDS
from bot.domain.people import Person
from bot.domain.records import free_time
from bot.domain.roles import Role
from storage import activities, bulk, fanouts, people
from storage import audit as log
from storage.database import Database, Unit
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.activities import activity, membership, organisation, shift
from storage.tables.delivery import outbox
from storage.tables.enrolment import attendance, audit, enrolment, record
from storage.tables.kinds import to_milliseconds
from storage.tables.people import identity, person
from tests.seats import miscounted

BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=BEIJING).astimezone(UTC)
"""A Monday morning."""
SECRECY = Secrecy("a key that only the made-up cities use")
CITY = City(BEIJING, SECRECY)
FAMILY = 2
"""Made beside the volunteers: a parent and a child."""

DISTRICTS = {one.code for one in CITY.places.districts}
ANY_HOUR = [
    pytest.param(datetime(2026, 11, 23, 3, 12, tzinfo=BEIJING), id="by night"),
    pytest.param(datetime(2026, 11, 28, 11, 59, tzinfo=BEIJING), id="on a Saturday"),
    pytest.param(datetime(2026, 12, 6, 22, 47, tzinfo=BEIJING), id="on a Sunday evening"),
    pytest.param(datetime(2027, 6, 16, 16, 30, tzinfo=BEIJING), id="in another year"),
]


@pytest.fixture
def opened(database_url: str) -> Database:
    return Database(database_url, SECRECY)


async def one(unit: Unit, statement: Select[tuple[int]]) -> int:
    return int((await unit.run(statement)).scalar_one())


async def agrees_with_itself(unit: Unit, now: datetime) -> None:
    """What must be true of the rows of any city."""
    assert await miscounted(unit) == 0
    for row in await unit.run(select(enrolment.c.state, shift.c.starts, shift.c.ends).join(shift)):
        if row.state in (Stand.COMPLETED, Stand.ABSENT):
            assert row.ends + timedelta(hours=2) <= now, "it is not closed before it is over"
        if row.state in (Stand.WAITING, Stand.JOINED):
            assert row.ends + timedelta(hours=2) > now, "what is over is closed"
    busy = select(enrolment.c.person, shift.c.starts, shift.c.ends).join(shift)
    seated = enrolment.c.state.not_in((Stand.WAITING, Stand.CANCELLED))
    until: dict[int, datetime] = {}
    for row in await unit.run(busy.where(seated).order_by(shift.c.starts)):
        assert row.starts >= until.get(row.person, row.starts), "nobody is in two places"
        until[row.person] = row.ends
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in await unit.run(select(record).where(record.c.minutes > 0)):
        mine = taken.setdefault(row.person, [])
        assert free_time((row.starts, row.ends), mine) == [(row.starts, row.ends)], "no minute counts twice"
        assert row.minutes == (row.ends - row.starts) // timedelta(minutes=1)
        mine.append((row.starts, row.ends))
    joined = select(enrolment.c.joined, activity.c.created, attendance.c.arrived, shift.c.starts).select_from(
        enrolment.join(shift).join(activity).join(attendance)
    )
    # Who was entered by hand, with nothing that shows it, has a seat since then only.
    for row in await unit.run(joined.where(attendance.c.arrived_by != "bulk")):
        assert row.created < row.joined < row.arrived <= now
    # Closing what is over finds nothing that was not closed.
    assert await close_shifts(unit, CITY, now) == 0


# --- The demonstration ---------------------------------------------------------------------------------------------


async def test_the_demonstration_city_has_what_it_promises_and_agrees_with_itself(database: Database) -> None:
    made = await fill_demo(database, CITY, NOW)
    assert (made.counts["organisation"], made.counts["person"]) == (60, VOLUNTEERS + FAMILY)
    async with database.write() as unit:
        ahead = select(activity).where(activity.c.starts > NOW)
        rows = list(await unit.run(ahead))
        assert len(rows) == ACTIVITIES == 300
        assert max(row.starts for row in rows) < NOW + timedelta(days=22)
        assert {row.district for row in rows} == DISTRICTS
        assert {row.kind for row in rows} == {one.code for one in KINDS}
        for row in await unit.run(select(activity)):
            assert len(row.title) <= TITLE_LENGTH
            assert "{" not in row.title + row.english + row.address
            if row.latitude is not None:
                assert 39.4 < row.latitude < 41.1
                assert 115.4 < row.longitude < 117.6
        assert {row.type for row in await unit.run(select(organisation.c.type))} == {
            "government", "association", "employer", "residents"
        }  # fmt: skip
        assert {row.level for row in await unit.run(select(organisation.c.level))} == {"city", "district", "street"}
        counted = select(func.count()).select_from(enrolment)
        assert await one(unit, counted.where(enrolment.c.state == Stand.WAITING)) > 40
        assert await one(unit, select(func.count()).where(shift.c.capacity - shift.c.taken == 1)) > 10
        for why in ("forgotten", "short"):
            assert await one(unit, select(func.count()).where(record.c.why.contains(why))) > 20
        assert await one(unit, select(func.count()).where(record.c.grade == "B", record.c.minutes > 0)) > 100
        assert await one(unit, select(func.count()).select_from(audit)) > made.counts["enrolment"]
        await agrees_with_itself(unit, NOW)
    async with database.write() as unit:
        while await log.chain(unit, NOW, 50_000):
            pass
    async with database.read() as unit:
        assert (await log.verify(unit)).fault is None


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Database:
    """What `menkou demo` has; its rows are the same on either database."""
    return Database(f"sqlite+aiosqlite:///{tmp_path / 'demo.db'}", SECRECY)


@pytest.mark.parametrize("now", ANY_HOUR)
async def test_it_may_be_started_at_any_hour(on_sqlite: Database, now: datetime) -> None:
    opened = on_sqlite
    async with opened.write() as unit:
        await unit.connection.run_sync(metadata.create_all)
    made = await fill_demo(opened, CITY, now)
    async with opened.write() as unit:
        assert await one(unit, select(func.count()).where(activity.c.starts > now)) == ACTIVITIES
        soon = func.count().filter(activity.c.starts.between(now + timedelta(hours=2), now + timedelta(hours=9)))
        assert await one(unit, select(soon)) >= 8
        who = await people.at_address(unit, "web", "lin")
        assert who is not None
        desk = Desk(unit, Person(who, "", "zh_CN"), now, CITY)
        assert 110 <= (await desk.records.ledger()).total / 60 <= 130
        assert await desk.attendance.expected() is None
        assert (await desk.activities.search("周末有什么活动")).dropped == ""
        await agrees_with_itself(unit, now)
    assert await wall(opened, CITY, made.soon, made.wall.partition("k=")[2], now) is not None
    await opened.close()


async def search(database: Database, sentence: str) -> list[Activity]:
    async with database.read() as unit:
        desk = Desk(unit, Person(1, "", "zh_CN"), NOW, CITY)
        found = await desk.activities.search(sentence)
        assert found.dropped == "", sentence
        return await desk.activities.cards(found, found.activities)


async def test_its_public_figures_are_lively(database: Database) -> None:
    """Every district and kind has something to tell, and how hours were proven is told of nearly all of them."""
    await fill_demo(database, CITY, NOW)
    found = await figures.count(database, City(BEIJING, SECRECY), NOW)
    for one in found.whole.values():
        assert one.people is not None
        assert one.people > 100
    for table in ("districts", "kinds"):
        told = [row["all"].people for row in found.tables[table].values()]
        assert min(people or 0 for people in told) > 20, table
    proven, total = found.tables["grades"]["A"]["all"].minutes, found.whole["all"].minutes
    assert proven is not None
    assert total is not None
    assert 0.7 < proven / total < 1


async def test_what_people_ask_for_is_there(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    for sentence in (
        "周末海淀有什么活动", "trees in Haidian on Saturday", "any tree planting in Haidian this weekend?",
        "明天的活动", "望京附近", "下周陪老人", "今天", "望京街道", "reading room", "英语角", "周末朝阳", "延庆",
        "图书馆",
    ):  # fmt: skip
        assert await search(database, sentence), sentence
    for service in KINDS:
        assert await search(database, f"周末 {service.chinese}"), service.code
    for district in CITY.places.districts:
        assert await search(database, f"周末 {district.name}"), district.name
    near = [one.distance for one in await search(database, "望京附近")]
    assert None not in near
    assert near == sorted(near, key=lambda metres: metres or 0.0)


async def test_everybody_whom_one_can_be_finds_what_is_promised(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    assert {one.name for one in PERSONAS} == NAMES
    async with database.write() as unit:
        assert await people.at_address(unit, "web", "mei") is None, "she writes for the first time"
        met = {name: await people.at_address(unit, "web", name) for name in ("lin", "zhao", "centre")}
        for name, who in met.items():
            assert who == await people.at_address(unit, "terminal", name)
        lin, zhao, centre = [
            Desk(unit, (await people.meet(unit, "web", name, "en", NOW)).person, NOW, CITY) for name in met
        ]
        ledger = await lin.records.ledger()
        assert 110 <= ledger.total / 60 <= 130
        assert set(ledger.grades) == {"A", "B", "C", "D"}, "each way of proof can be seen"
        assert len(ledger.months) >= 5
        everything = (await lin.records.ledger(1000)).records
        assert {one.why.rule for one in everything if one.why} == {"forgotten", "short"}
        soon, tomorrow, market = await lin.enrolment.mine()
        assert soon.starts - NOW < timedelta(minutes=35)
        assert timedelta(hours=25) < tomorrow.starts - NOW < timedelta(hours=27)
        assert (market.stand, await lin.enrolment.place_in_queue(market)) == (Stand.WAITING, 2)
        assert await lin.attendance.expected() is None, "a code is all that is needed"
        assert len(await zhao.organising.activities()) >= 5
        roster = await zhao.organising.roster(soon.activity)
        assert roster.whole  # type: ignore[union-attr] # NotAllowed would be a fault
        looked_after = await centre.organising.activities()
        assert {one.street for one in looked_after} == {WANGJING}
        assert len({one.organisation for one in looked_after}) >= 2, "not only zhao's"
        roster = await centre.organising.roster(soon.activity)
        assert not roster.whole  # type: ignore[union-attr]


async def test_a_dispute_waits_and_a_family_decides_together(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    async with database.write() as unit:
        lin, zhao, parent, child = [
            Desk(unit, (await people.meet(unit, "web", name, "en", NOW)).person, NOW, CITY)
            for name in ("lin", "zhao", "qiao", "nan")
        ]
        [(asked, _about)] = await lin.matters.mine()
        assert [one.id for one, _about in await zhao.matters.waiting()] == [asked.id]
        assert [one.name for one in await parent.guardians.children()] == ["乔南"]
        agreed, open_one = sorted(await parent.guardians.permissions(), key=lambda one: one.answer, reverse=False)
        assert (agreed.answer, open_one.answer) == (Answer.AGREED, Answer.ASKED)
        assert [one.activity for one in await child.enrolment.mine()] == [agreed.activity]
        assert isinstance(await parent.guardians.answer(open_one.id, Answer.ACCOMPANIED), Joined)


async def test_zhao_has_roles_a_seat_on_offer_and_people_who_ask_to_come(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    async with database.read() as unit:
        roles = list((await unit.run(select(shift.c.role).where(shift.c.role != "").order_by(shift.c.id))).scalars())
        assert roles == ["绘画", "秩序引导"]
        offered = list(await unit.run(select(enrolment).where(enrolment.c.state == Stand.OFFERED)))
        assert [row.offered_until > NOW for row in offered] == [True]
        ask = select(enrolment, shift.c.activity).join(shift).where(~enrolment.c.admitted)
        asking = list(await unit.run(ask))
        said = [CITY.secrecy.open_json(row.answers, f"enrolment:{row.id}:answers")[0]["said"] for row in asking]
        assert said == ["✓", "✗"]
        zhao = await people.at_address(unit, "web", "zhao")
        assert zhao is not None
        desk = Desk(unit, Person(zhao, "", "zh_CN"), NOW, CITY)
        assert len(await desk.admission.asking(asking[0].activity)) == 2


async def test_lin_checks_in_with_what_the_wall_shows(database: Database) -> None:
    made = await fill_demo(database, CITY, NOW)
    async with database.write() as unit:
        lin = (await people.meet(unit, "web", "lin", "en", NOW)).person
        secret = await activities.secret(unit, SECRECY, made.soon)
        assert secret is not None
        shown = code_at(secret, made.soon, NOW)
        outcome = await Desk(unit, lin, NOW, CITY).attendance.check_in(shown.digits)
        assert type(outcome).__name__ == "CheckedIn"
    seen = await wall(database, CITY, made.soon, made.wall.partition("k=")[2], NOW)
    assert seen is not None
    assert seen.arrived == 4


async def test_what_was_due_before_was_said_before(database: Database) -> None:
    """Or the city would begin with hundreds of reminders; one is left for whoever is lin."""
    made = await fill_demo(database, CITY, NOW)
    async with database.write() as unit:
        assert await fanouts.derive(unit, NOW) == 0
        while await fanouts.expand(unit, NOW, doors=("web",)):
            pass
        assert await one(unit, select(func.count()).select_from(outbox)) <= 12
        lin = await people.at_address(unit, "web", "lin")
        assert await one(unit, select(func.count()).where(outbox.c.person == lin)) >= 1
    assert made.soon


# --- The same and another ------------------------------------------------------------------------------------------


async def rows_of(database: Database) -> list[tuple[object, ...]]:
    sealed = {"name", "phone", "secret", "session", "answers"}
    rows: list[tuple[object, ...]] = []
    async with database.read() as unit:
        for table in bulk.TABLES.values():
            plain = [column for column in table.c if column.name not in sealed or table.name == "organisation"]
            rows += [(table.name, *row) for row in await unit.run(select(*plain).order_by(*table.primary_key))]
    return rows


async def emptied(database: Database) -> None:
    async with database.write() as unit:
        await unit.connection.run_sync(metadata.drop_all)
        await unit.connection.run_sync(metadata.create_all)


async def test_the_same_seed_and_moment_make_the_same_demonstration(database: Database) -> None:
    made = []
    for seed in (1, 1, 2):
        await emptied(database)
        await fill_demo(database, CITY, NOW, seed)
        made.append(await rows_of(database))
    assert made[0] == made[1]
    assert made[0] != made[2]


async def test_the_same_seed_makes_the_same_city_and_another_one_another(database: Database) -> None:
    made = []
    for seed in (1, 1, 2):
        await emptied(database)
        counts = await fill(database, CITY, 200, 60, NOW, lambda *_told: None, seed)
        assert (counts["person"], counts["activity"]) == (200, 60)
        made.append(await rows_of(database))
    assert made[0] == made[1]
    assert made[0] != made[2]


# --- Cities of any size ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("volunteers", "number"), [(1, 1), (7, 150), (400, 300), (1500, 12)])
async def test_a_filling_agrees_with_itself_whatever_its_size(database: Database, volunteers: int, number: int) -> None:
    told: list[tuple[str, int, int]] = []
    counts = await fill(database, CITY, volunteers, number, NOW, lambda *step: told.append(step))
    assert (counts["person"], counts["activity"], counts["shift"]) == (volunteers, number, number)
    assert told[-1] == ("activities", number, number)
    assert ("volunteers", volunteers, volunteers) in told
    async with database.write() as unit:
        await agrees_with_itself(unit, NOW)


async def test_a_counter_that_is_wrong_is_noticed(database: Database) -> None:
    await fill(database, CITY, 50, 20, NOW, lambda *_told: None)
    async with database.write() as unit:
        assert await miscounted(unit) == 0
        some = select(shift.c.id).where(shift.c.taken > 0).limit(1).scalar_subquery()
        await unit.run(update(shift).where(shift.c.id == some).values(taken=shift.c.taken - 1))
        assert await miscounted(unit) == 1


async def test_after_a_filling_people_and_activities_can_still_be_added(database: Database) -> None:
    """PostgreSQL counts its own numbers: left behind the made ones, the next person would collide."""
    async with database.read() as unit:
        assert await bulk.is_empty(unit)
    await fill(database, CITY, 50, 20, NOW, lambda *_told: None)
    async with database.write() as unit:
        met = await people.meet(unit, "web", "somebody new", "en", NOW)
        assert met.person.id == 51
        await people.appoint(unit, 51, Role.LEADER, 1, None, NOW)
        assert not await bulk.is_empty(unit)


async def test_names_and_numbers_are_sealed_and_open_again(database: Database) -> None:
    await fill(database, CITY, 20, 5, NOW, lambda *_told: None)
    async with database.write() as unit:
        opened = await people.personal(unit, SECRECY, list(range(1, 21)))
        assert len({phone for _name, phone in opened.values()}) == 20
        met = await people.meet(unit, "web", "made-7", "en", NOW)
        assert (met.new, met.person.id, met.person.consented) == (False, 7, True)
        numbers = {row.number for row in await unit.run(select(person.c.number))}
        assert len(numbers) == 20


def test_a_million_volunteers_have_a_million_numbers() -> None:
    maker = Maker(CITY, NOW, 1)
    assert len({maker._number(id_) for id_ in range(1_000_000)}) == 1_000_000


# --- What cities are made of ---------------------------------------------------------------------------------------


def test_every_kind_of_service_has_stories_and_every_story_a_place_in_some_district() -> None:
    there = sites(CITY.places)
    sorts = {site.sort for site in there}
    for service in KINDS:
        assert sum(story.kind == service.code for story in STORIES) >= 6
    for story in STORIES:
        assert story.site in sorts
        assert story.site == ONLINE or "{place}" in story.title
        assert ("{place}" in story.title) == ("{place}" in story.english)
        longest = max(len(site.name) for site in there if site.sort == story.site)
        assert len(story.title) - len("{place}") + longest <= TITLE_LENGTH
    assert len({story.title for story in STORIES}) == len(STORIES)


def test_every_place_lies_where_it_says() -> None:
    for site in sites(CITY.places):
        assert CITY.place(site.district) is not None
        assert site.street is None or CITY.within(site.street, site.district)
        assert (site.point is None) == (site.sort == ONLINE)
    assert {one.district for one in sites(CITY.places) if one.sort == IN_EVERY_STREET[0][0]} == DISTRICTS


def test_sixty_organisations_of_every_type_and_level() -> None:
    assert len(GROUPS) == len({group.name for group in GROUPS}) == len({group.english for group in GROUPS}) == 60
    for group in GROUPS:
        place = CITY.place(group.place)
        assert place is not None
        assert place.level == group.level
        assert group.english.isascii()
        assert group.kinds <= {one.code for one in KINDS}
    assert GROUPS[0].place == WANGJING


def test_made_up_telephone_numbers_are_valid_to_programs() -> None:
    for number in (0, 1, 999_999):
        assert phonenumbers.is_valid_number(phonenumbers.parse(fictional_phone(number)))


# --- The clock -----------------------------------------------------------------------------------------------------


def test_the_clock_moves_on_and_never_back() -> None:
    clock = MovableClock(lambda: NOW)
    assert clock.advance(timedelta(hours=1)) == NOW + timedelta(hours=1)
    clock.advance_to(NOW)
    assert clock() == NOW + timedelta(hours=1)
    clock.advance_to(NOW + timedelta(hours=2))
    assert clock() == NOW + timedelta(hours=2, seconds=1)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(seconds=-1))


async def next_of(database: Database, now: datetime, *, quiet: bool = True) -> timedelta | None:
    async with database.read() as unit:
        moment = await bulk.next_moment(unit, sorted(NAMES), now, BEIJING if quiet else None, CITY.quiet)
    return None if moment is None else moment - NOW


async def test_the_next_moment_is_the_next_message_to_whoever_wrote_last(database: Database) -> None:
    made: Demo = await fill_demo(database, CITY, NOW)
    first = await next_of(database, NOW)
    assert first is not None
    assert timedelta(hours=1) < first < timedelta(hours=3), "lin is reminded of tomorrow"
    async with database.write() as unit:
        met = await people.meet(unit, "web", "a visitor", "en", NOW)
        await people.heard_from(unit, met.identity, NOW, None)
        later = select(activity.c.id).where(
            activity.c.starts > NOW + timedelta(days=5), activity.c.minimum_age < 16, shift.c.taken < shift.c.capacity
        )
        chosen = (await unit.run(later.join(shift).order_by(activity.c.starts).limit(1))).scalar_one()
        assert await next_of(database, NOW) == first, "who has nothing ahead sees what the others get"
        card = await activities.card(unit, chosen)
        assert card is not None
        desk = Desk(unit, met.person, NOW, CITY)
        await desk.enrolment.join(card.shifts[0].id)
    theirs = await next_of(database, NOW)
    assert theirs is not None
    assert theirs >= card.starts - timedelta(days=1) - NOW
    assert made.soon != chosen


async def test_what_falls_into_quiet_hours_is_next_at_their_end(database: Database) -> None:
    await fill(database, CITY, 5, 1, NOW, lambda *_told: None)
    early = datetime(2026, 11, 26, 6, 30, tzinfo=BEIJING)
    async with database.write() as unit:
        for table in (record, attendance, enrolment):
            await unit.run(delete(table))
        await unit.run(update(shift).values(starts=early, ends=early + timedelta(hours=2)))
        await unit.run(update(activity).values(starts=early, ends=early + timedelta(hours=2)))
        await unit.run(update(identity).where(identity.c.person == 1).values(inbound=NOW))
        await unit.run(insert(enrolment).values(shift=1, person=1, queue=99, state="joined", joined=NOW, changed=NOW))
    assert await next_of(database, NOW, quiet=False) == early - timedelta(days=1) - NOW
    assert await next_of(database, NOW) == early.replace(hour=8, minute=0) - timedelta(days=1) - NOW


async def test_what_waits_for_its_time_is_next(database: Database) -> None:
    await fill(database, CITY, 5, 1, NOW, lambda *_told: None)
    soon = NOW + timedelta(minutes=20)
    async with database.write() as unit:
        await fanouts.plan(
            unit,
            kind="reply",
            source=1,
            lane=0,
            segment={"person": 2},
            not_before=soon,
            expires=soon + timedelta(days=1),
        )
        await unit.run(update(outbox).values(due=to_milliseconds(soon)))
        await unit.run(update(identity).where(identity.c.person == 2).values(inbound=NOW))
        assert (await unit.run(select(func.count()).select_from(membership))).scalar_one() > 0
    assert await next_of(database, NOW) == timedelta(minutes=20)
