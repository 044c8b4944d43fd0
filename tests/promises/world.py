"""One thing of each sort, owned by one person and held by one organisation, for the table of rights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from bot.domain import people as numbers
from bot.domain import proofs as certificates
from bot.domain.activities import Plan
from bot.domain.attendance import code_at, new_secret
from bot.domain.campaigns import Audience, Scope, Standing, Timing
from bot.domain.corrections import Values
from bot.domain.enrolment import Stand
from bot.domain.guardians import Answer
from bot.domain.matters import About, Said
from bot.domain.mycode import own_code
from bot.domain.parties import Ask, TeamKind
from bot.domain.proofs import Certificate, Issuer, Period
from bot.domain.roles import Role
from bot.domain.rulesets import SHIPPED
from storage import (
    activities,
    claims,
    corrections,
    documents,
    enrolment,
    guardians,
    matters,
    parties,
    people,
    proofs,
    publishing,
    skills,
)
from storage.database import Unit
from storage.tables.activities import activity, organisation, shift
from storage.tables.campaigns import campaign
from storage.tables.enrolment import attendance, record
from storage.tables.enrolment import enrolment as signed_up
from storage.tables.evidence import evidence
from storage.tables.guardians import permission
from storage.tables.people import identity, person
from storage.tables.stars import star
from tests.conversations.kit import DOORS, MONDAY, SECRECY, Town
from tests.promises.rights import Who, World

STREET, DISTRICT, CITY = 110108011, 110108, 110000
"""Zhongguancun Subdistrict in Haidian in Beijing."""

STREET_ELSEWHERE = 110101001

NOON = MONDAY + timedelta(days=5, hours=2)
"""When everybody asks."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def built(town: Town) -> World:
    """Everything at once, in one transaction."""
    town.at = NOON
    world = World()
    async with town.database.write() as unit:
        for who in Who:
            world.people[who] = await _comes(unit, who)
        await _Building(unit, world).all()
    return world


async def _comes(unit: Unit, name: str) -> int:
    """Somebody with a name and a phone, at every door."""
    met = await people.meet(unit, "web", name, "en", MONDAY)
    others = [door for door in DOORS if door != "web"]
    rows = [{"person": met.person.id, "door": door, "external": name, "inbound": MONDAY} for door in others]
    await unit.run(insert(identity), rows)
    if name != Who.STRANGER:
        await people.keep_personal(unit, SECRECY, met.person.id, f"Ann {name}"[:20], "13800138000")
    return met.person.id


class _Building:
    """The world while it is made."""

    def __init__(self, unit: Unit, world: World) -> None:
        self.unit, self.world = unit, world
        self.owner, self.other = world.people[Who.OWNER], world.people[Who.OTHER]

    def there(self, **things: object) -> None:
        self.world.things |= {name: str(one) for name, one in things.items()}

    async def all(self) -> None:
        ours, theirs = await self.founded("绿芽"), await self.founded("红叶")
        self.there(organisation=ours)
        await self.appointed(ours, theirs)
        number = await self.number(self.owner)
        shown = own_code(SECRECY.signature, number, NOON)
        self.there(number=number, shown=shown.token)
        self.world.forged |= {"number": numbers.new_number(), "shown": "0" * len(shown.token), "code": "0" * 16}
        await self.to_come(ours)
        await self.going_on(ours)
        await self.over(ours)
        await self.around(ours)
        await self.written(ours)

    async def founded(self, name: str) -> int:
        named = {"name": name, "english": "", "type": "association", "level": "street", "place": STREET}
        made = insert(organisation).values(created=MONDAY, **named).returning(organisation.c.id)
        return int((await self.unit.run(made)).scalar_one())

    async def appointed(self, ours: int, theirs: int) -> None:
        posts: Mapping[Who, tuple[Role, int | None, int | None]] = {
            Who.ELSEWHERE: (Role.ORGANISER, theirs, None),
            Who.ORGANISER: (Role.ORGANISER, ours, None),
            Who.LEADER: (Role.LEADER, ours, None),
            Who.STREET_ELSEWHERE: (Role.CENTRE, None, STREET_ELSEWHERE),
            Who.STREET: (Role.CENTRE, None, STREET),
            Who.DISTRICT: (Role.CENTRE, None, DISTRICT),
            Who.CITY: (Role.CITY, None, CITY),
        }
        for who, post in posts.items():
            await people.appoint(self.unit, self.world.people[who], *post, MONDAY)

    async def number(self, who: int) -> str:
        return (await people.numbers(self.unit, [who]))[who]

    async def activity(self, ours: int, starts: datetime, ends: datetime, state: str = "open") -> tuple[int, int]:
        plan = Plan(
            f"At {starts:%d %H}", "environment", starts, ends, DISTRICT, "East Gate", 9, "Gloves.", STREET, 39.9, 116.2
        )
        return await publishing.publish(
            self.unit, SECRECY, plan, ours, self.world.people[Who.ORGANISER], " ", 0, "low", new_secret(), MONDAY, state
        )

    async def seat(self, shift_id: int, who: int, **values: Any) -> int:
        id_, _seated = await enrolment.seat(self.unit, shift_id, who, MONDAY)
        if values:
            await self.unit.run(update(signed_up).where(signed_up.c.id == id_).values(**values))
        return id_

    async def presence(self, seat: int, who: int, arrived: datetime, left: datetime | None) -> int:
        row = insert(attendance).values(
            enrolment=seat, person=who, arrived=arrived, left=left, arrived_by="code", left_by="code" if left else None
        )
        made = int((await self.unit.run(row.returning(attendance.c.id))).scalar_one())
        said = {"attendance": made, "person": who, "kind": "code", "part": "arrival", "at": arrived}
        await self.unit.run(insert(evidence).values(**said))
        return made

    async def to_come(self, ours: int) -> None:
        coming, shift_id = await self.activity(ours, NOON + 7 * DAY, NOON + 7 * DAY + 2 * HOUR)
        await documents.ask(self.unit, coming, True, MONDAY)
        self.there(coming=coming, seat=await self.seat(shift_id, self.owner))
        _offered, held = await self.activity(ours, NOON + 8 * DAY, NOON + 8 * DAY + 2 * HOUR)
        self.there(offer=await self.seat(held, self.owner, state=Stand.OFFERED, offered_until=NOON + DAY))
        asking, asked = await self.activity(ours, NOON + 9 * DAY, NOON + 9 * DAY + 2 * HOUR)
        await self.unit.run(update(activity).where(activity.c.id == asking).values(approval=True))
        await enrolment.seat(self.unit, asked, self.owner, MONDAY, admitted=False)
        self.there(asking=asking)
        draft, _shift = await self.activity(ours, NOON + 10 * DAY, NOON + 10 * DAY + 2 * HOUR, "draft")
        question = [{"text": "Size?", "sort": "text", "options": []}]
        await self.unit.run(update(activity).where(activity.c.id == draft).values(questions=question))
        second = {"activity": draft, "starts": NOON + 10 * DAY, "ends": NOON + 10 * DAY + HOUR, "capacity": 3}
        await self.unit.run(insert(shift).values(**second))
        self.there(draft=draft)

    async def going_on(self, ours: int) -> None:
        running, shift_id = await self.activity(ours, NOON - HOUR, NOON + HOUR)
        present = await self.seat(shift_id, self.owner, state=Stand.ARRIVED)
        await self.presence(present, self.owner, NOON - HOUR / 12, None)
        secret = await activities.secret(self.unit, SECRECY, running)
        assert secret is not None
        self.there(running=running, present=present, code=code_at(secret, running, NOON).token)
        # Of a third organisation: ours has one roll to take now.
        _early, early = await self.activity(await self.founded("白桦"), NOON - 3 * HOUR, NOON - HOUR / 6)
        left = await self.seat(early, self.owner, state=Stand.LEFT)
        await self.presence(left, self.owner, NOON - 3 * HOUR, NOON - HOUR / 12)
        self.there(left=left)

    async def over(self, ours: int) -> None:
        over, shift_id = await self.activity(ours, NOON - DAY, NOON - DAY + 2 * HOUR)
        made = [await self.recorded(ours, over, shift_id, who) for who in (self.owner, self.other)]
        self.there(over=over, record=made[0])
        missed, empty = await self.activity(ours, NOON - 2 * DAY, NOON - 2 * DAY + 2 * HOUR)
        self.there(missed=missed, absent=await self.seat(empty, self.owner, state=Stand.ABSENT))
        _claimed, claimed = await self.activity(ours, NOON - 3 * DAY, NOON - 3 * DAY + 2 * HOUR)
        where = await self.seat(claimed, self.owner, state=Stand.ABSENT)
        span = (NOON - 3 * DAY, NOON - 3 * DAY + HOUR)
        self.there(claim=await claims.make(self.unit, where, self.owner, *span, "I swept.", None, NOON))
        await self.asked_about(made[0], ours)

    async def recorded(self, ours: int, over: int, shift_id: int, who: int) -> int:
        span = (NOON - DAY, NOON - DAY + 2 * HOUR)
        made = await self.presence(await self.seat(shift_id, who, state=Stand.LEFT), who, *span)
        row = insert(record).values(
            attendance=made, person=who, organisation=ours, activity=over, starts=span[0], ends=span[1], minutes=120,
            grade="B", state="counted", rules=SHIPPED.on(NOON.date()).name, made=NOON, settles=NOON + 3 * DAY,
        )  # fmt: skip
        return int((await self.unit.run(row.returning(record.c.id))).scalar_one())

    async def asked_about(self, about: int, ours: int) -> None:
        opened = await matters.open_one(
            self.unit, About.DISPUTE, f"dispute:{about}:0", about, self.owner, ours, None, NOON, NOON + DAY,
            facts={"why": "hours"},
        )  # fmt: skip
        assert opened is not None
        dispute = await matters.one(self.unit, opened)
        assert dispute is not None
        await matters.say(self.unit, dispute, Said.OPENED, NOON, self.owner, words="It was longer.")
        before = Values(NOON - DAY, NOON - DAY + 2 * HOUR, 120)
        after = Values(NOON - DAY, NOON - DAY + HOUR, 60)
        # By somebody who is none of those who ask: the second person is never the first.
        self.first = await _comes(self.unit, "first of two")
        made = await corrections.keep(self.unit, about, self.first, before, after, "A slip.", "waiting", NOON, None)
        self.there(matter=opened, correction=made)

    async def around(self, ours: int) -> None:
        unit, number = self.unit, await self.number(self.owner)
        issuer = Issuer(ours, "绿芽", "", STREET, True)
        period = Period(date(2026, 1, 1), date(2026, 11, 28))
        paper = Certificate(
            0, certificates.new_number(), self.owner, number, issuer, period, {"B": 120}, [], "Ann", "", NOON, "valid"
        )
        self.there(certificate=(await proofs.keep(unit, paper, "as it is")).number)
        self.world.forged["certificate"] = certificates.new_number()
        proof = {"document": "certificate", "issuer": "Red Cross", "number": "A1", "photo": ""}
        self.there(skill=await skills.propose(unit, self.owner, "first_aid", ours, proof, None, NOON))
        self.there(team=await parties.found(unit, "Sweepers", TeamKind.FRIENDS, "K7PM3QRX", self.owner, MONDAY))
        coming = select(shift.c.id).where(shift.c.activity == int(self.world.things["coming"]))
        shift_id = int((await unit.run(coming)).scalar_one())
        asked = {"person": self.owner, "inviter": self.other}
        self.there(invitation=await parties.ask(unit, Ask.TEAM, shift_id, NOON, NOON + DAY, **asked))
        child = await _comes(unit, "child")
        await unit.run(update(person).where(person.c.id == child).values(born=2012))
        await guardians.take(unit, self.owner, child, "web", MONDAY)
        self.there(child=await self.number(child), permission=await guardians.ask(unit, child, shift_id, NOON))
        await unit.run(update(permission).values(state=Answer.ASKED))
        self.world.forged["child"] = numbers.new_number()
        for name, who, state in (("star", self.owner, "applied"), ("notice", self.other, "notice")):
            row = insert(star).values(
                person=who, level=1, rules="stars-2022", minutes=6000, place=STREET, state=state, applied=MONDAY,
                until=NOON + DAY,
            )  # fmt: skip
            self.there(**{name: (await unit.run(row.returning(star.c.id))).scalar_one()})

    async def written(self, ours: int) -> None:
        author = self.world.people[Who.ORGANISER]
        for name, who, standing in (
            ("campaign", author, Standing.DRAFT), ("proposed", self.first, Standing.ASKED),
            ("sent", author, Standing.RUNNING), ("paused", author, Standing.PAUSED),
            ("declined", author, Standing.DECLINED),
        ):  # fmt: skip
            row = insert(campaign).values(
                author=who, organisation=ours, audience=Audience(Scope(ours)).segment(), texts=[{"en": "Do come!"}],
                timing=Timing().to_json(), standing=standing, created=MONDAY,
                started=MONDAY if standing in (Standing.RUNNING, Standing.PAUSED) else None,
            )  # fmt: skip
            self.there(**{name: (await self.unit.run(row.returning(campaign.c.id))).scalar_one()})
