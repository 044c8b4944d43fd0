"""No way into an activity leads past a gate: ways × gates, each with the control that without the gate it leads in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.desk import enrolment as desk_enrolment
from bot.desk import newcomers, vouching
from bot.desk.desk import Desk
from bot.desk.rolls import Rolls
from bot.desk.vouching import Entry
from bot.domain.enrolment import SEATED, Stand
from bot.domain.guardians import Answer
from bot.domain.parties import Ask, Invitation, Offered, TeamKind
from bot.domain.people import Person
from bot.domain.roles import Role
from bot.domain.roll import Mark, Tick
from storage import enrolment as places
from storage import people, roll
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.agreements import terms
from storage.tables.enrolment import enrolment
from storage.tables.guardians import guardian_code, permission
from storage.tables.people import consent, person
from tests.conversations.kit import MONDAY, Chat, Town

BEGINS = MONDAY + timedelta(days=5)
OVER = BEGINS + timedelta(hours=3)
YOUNG, CHILD, OLD = 2010, 2016, 1970


@dataclass
class Story:
    """One activity, whoever leads it, and whoever wishes to come."""

    town: Town
    unit: Unit
    activity: int
    shift: int
    leader: int
    wisher: int
    friend: int
    """Has a seat, and passes it on or proposes it to the team."""

    async def desk(self, who: int, at: datetime) -> Desk:
        me = await people.find(self.unit, who)
        assert me is not None
        return Desk(self.unit, me, at, self.town.city)

    async def wishing(self) -> Person:
        me = await people.find(self.unit, self.wisher)
        assert me is not None
        return me

    async def came(self) -> bool:
        own = await places.own(self.unit, self.wisher, self.shift)
        return own is not None and Stand(own.state) in SEATED


# --- Ways ------------------------------------------------------------------------------------------------------------

BEFORE = BEGINS - timedelta(days=1)


async def joins(story: Story) -> None:
    await (await story.desk(story.wisher, BEFORE)).enrolment.join(story.shift)


async def with_a_code(friend: Desk, seat: int, kind: Ask, wisher: Desk) -> object:
    """What the code of a friend's seat leads to; None: there is none, and so nothing to go by."""
    offered = await friend.parties.offer(seat, kind)
    return await wisher.parties.with_code(offered.code) if isinstance(offered, Offered) else None


async def is_handed_a_place(story: Story) -> None:
    friend, wisher = await story.desk(story.friend, BEFORE), await story.desk(story.wisher, BEFORE)
    own = await places.own(story.unit, story.friend, story.shift)
    asked = await with_a_code(friend, own.id, Ask.HANDOVER, wisher)
    if isinstance(asked, Invitation):
        await wisher.parties.take(asked)
    await wisher.enrolment.join(story.shift)


async def is_asked_by_a_team(story: Story) -> None:
    friend, wisher = await story.desk(story.friend, BEFORE), await story.desk(story.wisher, BEFORE)
    team = await friend.parties.found("Green team", TeamKind.FAMILY)
    await wisher.parties.enter(team.code)
    own = await places.own(story.unit, story.friend, story.shift)
    await friend.parties.invite(own.id, team.id)
    await wisher.enrolment.join(story.shift)


async def swaps(story: Story) -> None:
    """Their seat in another shift of the activity, which asks for nothing, for one in this."""
    row = (await story.unit.run(select(shift).where(shift.c.id == story.shift))).one()
    other = {**row._mapping, "starts": BEGINS + timedelta(days=2), "ends": OVER + timedelta(days=2), "taken": 0}
    other = {name: value for name, value in other.items() if name != "id"} | {"next_queue": 1, "needs": None}
    number = (await story.unit.run(insert(shift).values(other).returning(shift.c.id))).scalar_one()
    await places.seat(story.unit, number, story.wisher, BEFORE)
    friend, wisher = await story.desk(story.friend, BEFORE), await story.desk(story.wisher, BEFORE)
    own = await places.own(story.unit, story.friend, story.shift)
    mine = await places.own(story.unit, story.wisher, number)
    asked = await with_a_code(friend, own.id, Ask.SWAP, wisher)
    if isinstance(asked, Invitation):
        await wisher.parties.swap(asked, mine.id)


async def walks_in(story: Story) -> None:
    desk = await story.desk(story.leader, BEGINS + timedelta(minutes=5))
    await desk.newcomers.add(story.activity, await story.wishing(), shown=False, lift=False)


async def shows_their_code(story: Story) -> None:
    at = BEGINS + timedelta(minutes=5)
    code = (await story.desk(story.wisher, at)).newcomers.mine()
    leader = await story.desk(story.leader, at)
    who = await leader.newcomers.reads(code.number, code.token)
    await leader.newcomers.add(story.activity, who, shown=True, lift=True)  # type: ignore[arg-type]


async def is_entered_by_hand(story: Story) -> None:
    desk = await story.desk(story.leader, OVER + timedelta(hours=1))
    number = (await story.wishing()).number
    await desk.vouching.enter(story.activity, [Entry(number, BEGINS, OVER)])


WAYS = (joins, is_handed_a_place, is_asked_by_a_team, swaps, walks_in, shows_their_code, is_entered_by_hand)

# --- Gates -----------------------------------------------------------------------------------------------------------


async def no_gate(story: Story) -> None:
    """Nothing is asked for: the control of every way."""


async def too_young(story: Story) -> None:
    await story.unit.run(update(activity).where(activity.c.id == story.activity).values(minimum_age=18))


async def no_guardians_yes(story: Story) -> None:
    await story.unit.run(update(person).where(person.c.id == story.wisher).values(born=YOUNG))


async def a_child_without_a_guardian(story: Story) -> None:
    """Nothing is kept of them but the code that they showed, not even their year."""
    await story.unit.run(consent.delete().where(consent.c.person == story.wisher))
    kept = {"code": "c" * 32, "child": story.wisher, "made": BEFORE, "expires": OVER}
    await story.unit.run(insert(guardian_code).values(kept))


async def a_guardians_no(story: Story) -> None:
    await no_guardians_yes(story)
    said = {"child": story.wisher, "shift": story.shift, "state": Answer.WITHDRAWN, "asked": MONDAY}
    await story.unit.run(insert(permission).values(said))


async def no_agreement(story: Story) -> None:
    stated = {"activity": story.activity, "conditions": ["asked"], "stated_by": story.leader, "stated": MONDAY}
    await story.unit.run(insert(terms).values(stated))


async def no_skill(story: Story) -> None:
    await story.unit.run(update(shift).where(shift.c.id == story.shift).values(needs=["first-aid"]))


async def not_open(story: Story) -> None:
    """An activity with risks and no insurance is a draft until it has one."""
    await story.unit.run(update(activity).where(activity.c.id == story.activity).values(state="draft"))


GATES = (too_young, no_guardians_yes, a_child_without_a_guardian, a_guardians_no, no_agreement, no_skill, not_open)

Way = Callable[[Story], Awaitable[None]]


async def told(town: Town, way: Way, *gated: Way) -> bool:
    """Did whoever wished to come get in by this way?"""
    olga = Chat(town, "web", "Olga")
    number = await town.publishes(olga, "Planting trees", BEGINS, hours=3)
    async with town.database.write() as unit:
        [leader] = (await unit.run(select(person.c.id))).scalars()
        await people.appoint(unit, leader, Role.LEADER, town.organisation, None, town.at)
        met = [await people.meet(unit, "web", name, "en", MONDAY) for name in ("wisher", "friend")]
        wisher, friend = (one.person.id for one in met)
        for one in (wisher, friend):
            await people.give_consent(unit, one, "enrolment", "2026-11", "web", MONDAY)
        which = (await unit.run(select(shift.c.id).where(shift.c.activity == number))).scalar_one()
        await places.seat(unit, which, friend, MONDAY)
        story = Story(town, unit, number, which, leader, wisher, friend)
        for gate in gated:
            await gate(story)
        await way(story)
        return await story.came()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("gate", GATES)
async def test_no_way_leads_past_a_gate(town: Town, way: Way, gate: Way) -> None:
    assert not await told(town, way, gate)


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_gate_every_way_leads_in(town: Town, way: Way) -> None:
    """The control."""
    assert await told(town, way, no_gate)


@pytest.mark.parametrize("way", [joins, walks_in, is_entered_by_hand])
async def test_a_way_that_forgot_the_guardian_would_be_found(
    town: Town, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_asked: object) -> None:
        return None

    for module in (desk_enrolment, newcomers):
        monkeypatch.setattr(module, "GATES", tuple(one for one in module.GATES if one.__name__ != "permitted"))
    monkeypatch.setattr(vouching, "under_age", nobody)
    assert await told(town, way, no_guardians_yes)


@pytest.mark.parametrize("clashing", [False, True])
@pytest.mark.parametrize("way", [way for way in WAYS if way is not is_entered_by_hand])
async def test_who_is_expected_elsewhere_at_these_hours_is_not_let_in(town: Town, way: Way, clashing: bool) -> None:
    """Hours entered by hand are the ledger's: no minute counts twice, and both recorders are asked."""

    async def elsewhere(story: Story) -> None:
        row = (await story.unit.run(select(activity).where(activity.c.id == story.activity))).one()
        other = {name: value for name, value in row._mapping.items() if name != "id"}
        number = (await story.unit.run(insert(activity).values(other).returning(activity.c.id))).scalar_one()
        at = (await story.unit.run(select(shift).where(shift.c.id == story.shift))).one()
        beside = {name: value for name, value in at._mapping.items() if name != "id"}
        beside |= {"activity": number, "taken": 0, "next_queue": 1, "starts": BEGINS + timedelta(hours=1)}
        which = (await story.unit.run(insert(shift).values(beside).returning(shift.c.id))).scalar_one()
        if clashing:
            await places.seat(story.unit, which, story.wisher, MONDAY)

    assert await told(town, way, elsewhere) is not clashing


@pytest.mark.parametrize("page", [False, True])
async def test_the_roll_has_nobody_on_it_who_passed_no_gate(town: Town, page: bool) -> None:
    """The leader's message and the page that was without network mark who has a seat, and nobody else."""

    async def is_marked(story: Story) -> None:
        leader = await people.find(story.unit, story.leader)
        assert leader is not None
        rolls = Rolls(story.unit, leader, BEGINS + timedelta(minutes=5), town.city)
        values = {"shift": story.shift, "person": story.wisher, "queue": 9, "state": Stand.WAITING}
        made = insert(enrolment).values(joined=MONDAY, changed=MONDAY, **values).returning(enrolment.c.id)
        waits = (await story.unit.run(made)).scalar_one()
        if page:
            await rolls.take(story.activity, [Tick("n" * 32, waits, Mark.HERE, BEGINS + timedelta(minutes=1))])
        else:
            lines = {one.enrolment: one for one in await roll.roll(story.unit, story.activity)}
            await rolls.mark(lines[waits], Mark.HERE, BEGINS + timedelta(minutes=1))

    assert not await told(town, is_marked, no_guardians_yes)


