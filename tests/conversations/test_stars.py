"""Stars: applied for, looked at, in public notice, objected to, granted; and small steps, thanked once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from bot.desk import stars as ticks
from bot.domain.roles import Role
from storage import people
from storage.tables.activities import shift
from storage.tables.enrolment import attendance, audit, enrolment, record
from storage.tables.matters import matter
from storage.tables.stars import star, step
from tests.conversations.kit import MONDAY, Chat, Town, number_of

FAR = MONDAY + timedelta(days=30)
Open = Callable[..., Chat]


@pytest.fixture(params=["telegram", "wechat"])
def door(request: pytest.FixtureRequest) -> str:
    """One door with buttons, one without."""
    return str(request.param)


async def counted(town: Town, chat: Chat, activity: int, hours: float) -> None:
    """A record of hours, as whoever recorded them entered it."""
    who = await number_of(town, chat)
    async with town.database.write() as unit:
        there = (await unit.run(select(shift.c.id).where(shift.c.activity == activity))).scalar_one()
        queue = (await unit.run(select(func.coalesce(func.max(enrolment.c.queue), 0)))).scalar_one() + 1
        sign_up = insert(enrolment).values(
            shift=there, person=who, queue=queue, state="left", joined=town.at, changed=town.at
        )
        number = (await unit.run(sign_up.returning(enrolment.c.id))).scalar_one()
        present = insert(attendance).values(
            enrolment=number, person=who, arrived=town.at, left=town.at, arrived_by="code", left_by="code"
        )
        presence = (await unit.run(present.returning(attendance.c.id))).scalar_one()
        await unit.run(
            insert(record).values(
                attendance=presence, person=who, organisation=town.organisation, activity=activity, starts=town.at,
                ends=town.at, minutes=int(hours * 60), grade="A", state="counted", rules="test", made=town.at,
            )
        )  # fmt: skip


async def settled(town: Town, chat: Open, hours: float = 120) -> tuple[Chat, Chat]:
    """Ann with her hours, and the centre of her city's district."""
    activity = await town.publishes(chat("Olga"), "Planting trees", FAR)
    ann, centre = chat("Ann"), chat("Centre")
    for one in (ann, centre):
        await one.says("menu")
    await counted(town, ann, activity, hours)
    async with town.database.write() as unit:
        await people.change(unit, await number_of(town, ann), district=110108)
        await people.appoint(unit, await number_of(town, centre), Role.CENTRE, None, 110108, town.at)
    return ann, centre


async def applies(ann: Chat) -> None:
    await ann.says("stars")
    await ann.picks("Apply for it")
    assert "Applied for 1 star" in await ann.says("yes")


async def opens_the_notice(centre: Chat) -> None:
    await centre.says("star cases")
    await centre.picks("1 star")
    assert "in public notice until" in await centre.picks("Open the public notice")


async def passes(town: Town, **time: float) -> None:
    await ticks.tick(town.database, town.city, town.at + timedelta(**time))
    await town.waits(**time)


async def way(town: Town) -> str:
    async with town.database.read() as unit:
        return str((await unit.run(select(star.c.state).order_by(star.c.id.desc()))).scalars().first())


async def test_minutes_in_public_notice_count_for_no_star_until_it_is_over(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    until = town.at + timedelta(days=3)
    async with town.database.write() as unit:
        await unit.run(update(record).values(settles=until))
    answer = await ann.says("stars")
    assert "Counted so far: 0" in answer
    assert "120 h more are still in public notice" in answer
    assert "Apply for it" not in " ".join(ann.labels)
    assert "100 h more" in await ann.opens("applystar")  # by a link of before, too
    town.at = until
    assert "still in public notice" not in await ann.says("stars")  # control
    await applies(ann)
    async with town.database.write() as unit:  # corrected since: in notice anew
        await unit.run(update(record).values(settles=town.at + timedelta(days=3)))
    await centre.says("star cases")
    await centre.picks("1 star")
    assert "hours are not enough" in await centre.picks("Open the public notice")
    town.at += timedelta(days=3)
    await opens_the_notice(centre)
    assert await way(town) == "notice"


async def asks(town: Town, state: str = "open") -> None:
    """Somebody asks about the record, or it is settled."""
    async with town.database.write() as unit:
        [one] = await unit.run(select(record.c.id, record.c.person))
        values = {
            "kind": "review", "mark": "review:1", "record": one.id, "person": one.person,
            "organisation": town.organisation, "state": state, "opened": town.at, "due": town.at + timedelta(days=60),
        }  # fmt: skip
        await unit.run(unit.insert(matter).values(values).on_conflict_do_update(index_elements=["mark"], set_=values))


async def test_minutes_that_are_asked_about_count_for_no_star_until_that_is_settled(town: Town, chat: Open) -> None:
    """Certificates left them out, stars did not; and what is only asked about refuses nothing either."""
    ann, centre = await settled(town, chat)
    await asks(town)
    answer = await ann.says("stars")
    assert "Counted so far: 0" in answer
    assert "120 h more are still in public notice or asked about" in answer
    await asks(town, "settled")
    await applies(ann)
    await asks(town)
    await centre.says("star cases")
    await centre.picks("1 star")
    assert "some of them are asked about" in await centre.picks("Open the public notice")
    await asks(town, "settled")
    await opens_the_notice(centre)
    await asks(town)
    await passes(town, days=8)
    assert await way(town) == "notice"
    await asks(town, "settled")
    await passes(town, minutes=1)
    assert await way(town) == "granted"


async def test_a_star_comes_after_application_look_and_notice(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    await applies(ann)
    assert "centre of your place is looking" in await ann.says("stars")
    await opens_the_notice(centre)
    await passes(town, days=6, hours=23)
    assert await way(town) == "notice"  # control: a minute less than a week grants nothing
    await ann.says("hello")
    await passes(town, hours=1, minutes=1)
    assert await way(town) == "granted"
    told = [page.text for page in ann.pushed() if "1 star" in page.text]
    assert "in public notice" in told[0]
    assert "granted! The city thanks you" in told[-1]
    assert "You have 1 star" in await ann.says("stars")
    assert "180 h more" in ann.text
    async with town.database.read() as unit:
        moves = select(audit.c.before, audit.c.after).where(audit.c.deed == "star").order_by(audit.c.id)
        assert [tuple(row) for row in await unit.run(moves)] == [
            (None, "applied"), ("applied", "notice"), ("notice", "granted"),
        ]  # fmt: skip


async def test_an_objection_stops_the_grant_until_the_centre_has_looked(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    await applies(ann)
    await opens_the_notice(centre)
    eve = chat("Eve")
    await eve.says("star notices")
    assert "1 star" in " ".join(eve.labels)
    await eve.picks("1 star")
    await eve.picks("the hours were not served")
    assert "The centre looks at it" in eve.text
    await eve.says("star notices")
    await eve.picks("1 star")
    assert "You cannot object" in await eve.picks("counted twice")
    await passes(town, days=8)
    assert await way(town) == "notice"
    await centre.says("star cases")
    await centre.picks("1 objection")
    assert "the hours were not served" in centre.text
    await centre.picks("There is nothing in the objections")
    await passes(town, minutes=1)
    assert await way(town) == "granted"


async def test_one_cannot_object_to_ones_own_and_a_refusal_is_told_with_its_reason(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    await applies(ann)
    await opens_the_notice(centre)
    await ann.says("star notices")
    await ann.picks("1 star")
    assert "it is your own" in await ann.picks("counted twice")
    eve = chat("Eve")
    await eve.says("star notices")
    await eve.picks("1 star")
    await eve.picks("counted twice")
    await centre.says("star cases")
    await centre.picks("1 objection")
    await centre.picks("a record is in doubt")
    assert await way(town) == "refused"
    for _second in range(2):  # one message a second in a chat
        await town.waits(minutes=1)
    assert any("refused, because a record is in doubt" in page.text for page in ann.pushed())
    assert "refused, because a record is in doubt" in await ann.says("stars"), "it stood in one message only"
    town.at += timedelta(seconds=1)
    await applies(ann)  # and may apply again
    assert "refused" not in await ann.says("stars")


async def test_only_the_places_centre_decides_and_not_there_sounds_like_not_yours(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    await applies(ann)
    async with town.database.read() as unit:
        number = (await unit.run(select(star.c.id))).scalar_one()
    other = chat("Other")
    await other.says("menu")
    async with town.database.write() as unit:
        await people.appoint(unit, await number_of(town, other), Role.CENTRE, None, 110105, town.at)
        await people.appoint(unit, await number_of(town, ann), Role.CENTRE, None, 110108, town.at)
    for nosy in (other, chat("Eve"), chat("Olga"), ann):
        assert len({await nosy.opens("starcase", one) for one in (number, 999_999)}) == 1
        assert "no application that you decide about" in nosy.text
    assert "What do you decide?" in await centre.opens("starcase", number)  # control


async def test_too_few_hours_and_hours_that_were_corrected_meanwhile_grant_nothing(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat, hours=99.9)
    await ann.says("stars")
    assert "0.1 h more" in ann.text
    assert "0.1 h more" in await ann.opens("applystar")
    async with town.database.write() as unit:
        await unit.run(update(record).values(minutes=6000))
    await applies(ann)
    async with town.database.write() as unit:
        await unit.run(update(record).values(minutes=5999))
    await centre.says("star cases")
    await centre.picks("1 star")
    assert "the hours are not enough" in await centre.picks("Open the public notice")
    assert await way(town) == "applied"


async def test_where_nobody_objected_there_is_nothing_in_objections_to_decide(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat)
    await applies(ann)
    await opens_the_notice(centre)
    async with town.database.read() as unit:
        number = (await unit.run(select(star.c.id))).scalar_one()
    await centre.opens("starcase", number)
    assert "There is nothing in the objections" not in centre.labels
    eve = chat("Eve")
    await eve.says("star notices")
    await eve.picks("1 star")
    await eve.picks("counted twice")
    await centre.opens("starcase", number)
    assert "There is nothing in the objections" in centre.labels  # control


@pytest.mark.parametrize("said", ["apply for a star", "申请星级"])
async def test_who_says_that_they_apply_is_led_there(town: Town, chat: Open, said: str) -> None:
    ann, _centre = await settled(town, chat)
    await ann.says(said)
    assert "Apply for 1 star?" in await ann.picks("Apply for it")


async def told_of_stars(town: Town, centre: Chat) -> list[str]:
    for _second in range(3):  # one message a second in a chat
        await town.waits(minutes=1)
    return [page.text for page in centre.pushed() if "star" in page.text]


async def test_the_centre_is_told_what_waits_for_it_and_of_an_objection_once(town: Town, chat: Open) -> None:
    """An application waited until somebody of the centre happened to look."""
    ann, centre = await settled(town, chat)
    await applies(ann)
    [applied] = await told_of_stars(town, centre)
    assert "Somebody applies for a star" in applied
    await opens_the_notice(centre)
    for name in ("Eve", "Fay"):
        one = chat(name)
        await one.says("star notices")
        await one.picks("1 star")
        await one.picks("counted twice")
    [_applied, objected] = await told_of_stars(town, centre)
    assert "Somebody objects" in objected
    await centre.says("star cases")
    await centre.picks("2 objections")
    await centre.picks("There is nothing in the objections")
    gus = chat("Gus")
    await gus.says("star notices")
    await gus.picks("1 star")
    await gus.picks("counted twice")
    assert len(await told_of_stars(town, centre)) == 3, "after a look it is news again"
    assert not any("Somebody" in page.text for page in ann.pushed())


async def test_of_a_star_that_the_city_decides_about_the_district_hears_nothing(town: Town, chat: Open) -> None:
    """And the control: of one that it decides about it does."""
    ann, centre = await settled(town, chat, hours=1600)
    city = chat("City")
    await city.says("menu")
    async with town.database.write() as unit:
        await people.appoint(unit, await number_of(town, city), Role.CITY, None, town.city.places.city.code, town.at)
    await ann.opens("applystar")
    await ann.says("yes")
    assert await told_of_stars(town, centre) == []
    assert len(await told_of_stars(town, city)) == 1


async def test_five_stars_are_the_citys_to_grant(town: Town, chat: Open) -> None:
    ann, centre = await settled(town, chat, hours=1600)
    await ann.opens("applystar")
    await ann.says("yes")
    assert "no application" in await centre.says("star cases")
    city = chat("City")
    await city.says("menu")
    async with town.database.write() as unit:
        await people.appoint(unit, await number_of(town, city), Role.CITY, None, town.city.places.city.code, town.at)
    await city.says("star cases")
    assert "5 stars" in " ".join(city.labels)


@pytest.mark.parametrize(("hours", "whose"), [(1600, "city's own office"), (120, "centre")])
async def test_whoever_applies_reads_who_decides(town: Town, chat: Open, hours: float, whose: str) -> None:
    """Of five stars they read that their place's centre was looking at it, which never saw it."""
    ann, _centre = await settled(town, chat, hours)
    assert f"{whose} looks at it" in await ann.opens("applystar")
    await ann.says("yes")
    assert whose in await ann.says("stars")


async def test_whoever_holds_the_citys_office_decides_and_no_citys_post_in_a_district(town: Town, chat: Open) -> None:
    """A centre of the whole city was told of it and found nothing to decide."""
    ann, _centre = await settled(town, chat, hours=1600)
    office, district = chat("Office"), chat("District")
    for one in (office, district):
        await one.says("menu")
    async with town.database.write() as unit:
        whole = town.city.places.city.code
        await people.appoint(unit, await number_of(town, office), Role.CENTRE, None, whole, town.at)
        await people.appoint(unit, await number_of(town, district), Role.CITY, None, 110108, town.at)
    await ann.opens("applystar")
    await ann.says("yes")
    assert len(await told_of_stars(town, office)) == 1
    assert "no application" in await district.says("star cases")
    await office.says("star cases")
    assert "5 stars" in " ".join(office.labels)


async def test_nobody_is_refused_for_too_few_hours_while_they_are_enough(town: Town, chat: Open) -> None:
    """The volunteer read that the hours were not enough any more, and below it that they were enough."""
    ann, centre = await settled(town, chat)
    await applies(ann)
    await centre.says("star cases")
    await centre.picks("1 star")
    assert not any("not enough" in label for label in centre.labels)
    async with town.database.write() as unit:  # control: a record was corrected
        await unit.run(update(record).values(minutes=60))
    await centre.says("star cases")
    await centre.picks("1 star")
    await centre.picks("not enough")
    assert await way(town) == "refused"


async def test_a_small_step_is_thanked_at_the_check_out_and_never_again(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    activity = await town.publishes(chat("Olga"), "A long day", MONDAY + timedelta(days=1), hours=6)
    await ann.joins(activity)
    town.at += timedelta(days=1)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=6)
    await ann.opens("checkout", activity, (await town.code(activity)).token)
    assert "Your first 5 hours." in ann.text
    await ann.says("undo")
    await ann.opens("checkout", activity, (await town.code(activity)).token)
    assert "Checked out" in ann.text
    assert "first 5 hours" not in ann.text
    await passes(town, minutes=10)
    assert not any("first 5 hours" in page.text for page in ann.pushed())


async def test_hours_that_others_entered_are_thanked_by_a_message_once(town: Town, chat: Open) -> None:
    ann, _centre = await settled(town, chat, hours=11)
    for _tick in range(3):
        await passes(town, minutes=10)
    told = [page.text for page in ann.pushed()]
    assert sum("10 hours by now" in text for text in told) == 1
    assert not any("first 5 hours" in text for text in told)
    async with town.database.read() as unit:
        assert set((await unit.run(select(step.c.hours))).scalars()) == {5, 10}
