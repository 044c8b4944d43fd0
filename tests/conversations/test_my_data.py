"""My data: seen, corrected, taken away once, consent taken back in two messages, erased after a week or kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, insert, select
from sqlalchemy.engine import make_url

from bot.desk import privacy as ticks
from storage import erasing, holdings, people, privacy
from storage.tables import metadata
from storage.tables.delivery import outbox
from storage.tables.enrolment import audit, enrolment, record
from storage.tables.messages import inbox, letter
from storage.tables.people import consent, identity, person
from storage.tables.privacy import erasure
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town, number_of

SATURDAY = MONDAY + timedelta(days=5)
LATER = MONDAY + timedelta(days=30)
NAME, PHONE = "Ann Canaryfeather", "+8613800138000"

Open = Callable[..., Chat]


async def settled(town: Town, chat: Open, starts: datetime = SATURDAY, seats: int = 10) -> tuple[Chat, int]:
    """Ann, who has signed up with her name and phone, and the activity."""
    activity = await town.publishes(chat("Olga"), "Planting trees", starts, seats=seats)
    ann = chat("Ann")
    await ann.opens("join", activity)
    await ann.says("yes")
    await ann.says(NAME)
    await ann.says(PHONE)
    assert "You are in" in await ann.says("yes")
    return ann, activity


async def erases(chat: Chat) -> None:
    await chat.says("erase")
    await chat.picks("Yes, erase")
    await chat.picks("Yes, erase for good")


async def passes(town: Town, **time: float) -> None:
    town.at += timedelta(**time)
    await ticks.tick(town.database, town.city, town.at)


async def row_of(town: Town, id_: int) -> Any:
    async with town.database.read() as unit:
        return (await unit.run(select(person).where(person.c.id == id_))).one()


# --- See and correct --------------------------------------------------------------------------------------------------


async def test_what_is_stored_and_why_is_shown_in_lines(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await ann.says("mydata")
    assert f"Name: {ann.sees(NAME)}, for organisers of what you join; since 23 Nov 2026." in ann.text
    assert "****8000, so that they can reach you" in ann.text
    assert "13800138000" not in ann.text
    assert "1 sign-up, for your seats." in ann.text
    assert "Volunteer number V" in ann.text


async def test_whoever_gave_nothing_is_told_that_there_is_nothing(town: Town, chat: Open) -> None:
    bob = chat("Bob")
    await bob.says("我的数据")
    assert "Name:" not in bob.text
    assert "neither your name nor your phone" in await bob.opens("correct", "name")
    assert "nothing to withdraw" in await bob.says("withdraw")


async def test_name_and_phone_are_put_right(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await ann.says("mydata")
    await ann.picks("Correct my name")
    assert "Put right" in await ann.says("Anna Lee")
    await ann.opens("correct", "phone")
    await ann.says("13912345678")
    await ann.says("mydata")
    assert f"Name: {ann.sees('Anna Lee')}" in ann.text
    assert "5678" in ann.text
    async with town.database.read() as unit:
        found = await people.personal(unit, SECRECY, [await number_of(town, ann)])
    assert list(found.values()) == [("Anna Lee", "+8613912345678")]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("😀😀", "as it is on your documents"),
        ("王小明🌸", "as it is on your documents"),
        ("·", "as it is on your documents"),
        ("王" * 500, "500 characters; at most 40 fit"),
        ("䶮", "Put right"),
        ("𬭳㛃", "Put right"),
        ("\ue863", "Put right"),  # how old systems write 䶮
        ("阿依古丽·买买提", "Put right"),
        ("Seán O'Brien-Nuñez Jr.", "Put right"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_name_is_letters_however_rare_and_no_picture(
    town: Town, chat: Open, name: str, told: str, engine: str
) -> None:
    """😀😀 was a name, and of a name that was too long it was said that it had digits."""
    ann, _activity = await settled(town, chat)
    await ann.opens("correct", "name")
    assert told in await ann.says(name)


# --- Take -------------------------------------------------------------------------------------------------------------


async def address(chat: Chat) -> str:
    """The token of the export that is offered."""
    await chat.opens("takeout")
    shown = chat.text + " ".join(button.url for button in chat.buttons)
    found = re.search(r"/mydata/([0-9a-f]{32})", shown)
    assert found, shown
    return found[1]


async def test_the_export_holds_everything_opened_and_works_once(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    token = await address(ann)
    taken = await ticks.exported(town.database, town.city, token, town.at)
    assert taken is not None
    assert taken["data"]["person"][0]["name"] == NAME
    assert taken["data"]["person"][0]["phone"] == PHONE
    assert taken["data"]["enrolment"][0]["state"] == "joined"
    assert json.loads(json.dumps(taken)) == taken
    assert await ticks.exported(town.database, town.city, token, town.at) is None


async def test_an_address_that_nobody_used_works_for_a_day_and_a_newer_one_replaces_it(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    first, second = await address(ann), await address(ann)
    assert await ticks.exported(town.database, town.city, first, town.at) is None
    late = town.at + timedelta(hours=24, seconds=1)
    assert await ticks.exported(town.database, town.city, second, late) is None
    assert await ticks.exported(town.database, town.city, second, late - timedelta(seconds=2)) is not None  # control


async def test_nobody_elses_rows_are_in_the_export(town: Town, chat: Open) -> None:
    ann, activity = await settled(town, chat)
    bob = chat("Bob")
    await bob.opens("join", activity)
    for said in ("yes", "Bob Otherperson", "13912345678", "yes"):
        await bob.says(said)
    taken = await ticks.exported(town.database, town.city, await address(ann), town.at)
    whole = json.dumps(taken)
    assert NAME in whole
    assert "Otherperson" not in whole
    assert bob.name not in whole


def test_every_column_is_in_the_export_or_left_out_for_a_reason() -> None:
    """A new table, or a new column that is sealed, does not pass until somebody has thought of it."""
    held = {table.name for table in holdings.holdings()}
    assert not held & set(holdings.IMPERSONAL)
    assert held | set(holdings.IMPERSONAL) == set(metadata.tables), "say whether the new table holds something personal"
    assert set(erasing.FATES) == held, "say what an erasure does to the new table"
    reasons = (*holdings.IMPERSONAL.values(), *privacy.LEFT_OUT.values(), *erasing.FATES.values())
    assert all(reasons)
    for table, column in privacy.LEFT_OUT:
        assert column in metadata.tables[table].c


def test_every_column_that_sounds_like_a_person_is_known_as_one() -> None:
    sounds = re.compile(r"person|actor|created_by|kept|gone|shower|typer|holder|asker|owner|merged")
    for table in metadata.sorted_tables:
        if table.name in holdings.IMPERSONAL or table.name in holdings.BY_ADDRESS:
            continue
        known = {column.name for column in holdings.owners(table)}
        named = {column.name for column in table.columns if sounds.search(column.name)}
        assert named <= known | {"id"}, table.name


def test_every_sealed_column_can_be_opened_for_the_export() -> None:
    source = Path(privacy.__file__).read_text(encoding="utf-8")
    for table in holdings.holdings():
        for column in table.columns:
            if isinstance(column.type, LargeBinary) and (table.name, column.name) not in privacy.LEFT_OUT:
                assert re.search(rf'case "{table.name}",.*"{column.name}"', source), f"{table.name}.{column.name}"


# --- Withdraw ---------------------------------------------------------------------------------------------------------


async def test_consent_is_withdrawn_in_two_messages_and_the_seat_goes_to_the_queue(town: Town, chat: Open) -> None:
    ann, activity = await settled(town, chat, seats=1)
    bob = chat("Bob")
    assert "number 1 in the queue" in await bob.joins(activity)
    assert "1 coming sign-up will be given up" in await ann.says("撤回同意")
    assert "your consent is withdrawn" in await ann.says("yes")
    row = await row_of(town, await number_of(town, ann))
    assert (row.name, row.phone, row.phone_index) == (None, None, None)
    async with town.database.read() as unit:
        given = (await unit.run(select(consent.c.withdrawn).where(consent.c.person == row.id))).scalars().all()
        states = (await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars().all()
    assert all(given)
    assert states == ["cancelled", "offered"]
    await ann.opens("join", activity)
    assert "Do you agree?" in ann.text


async def test_a_no_leaves_everything_as_it_was(town: Town, chat: Open) -> None:
    """Control."""
    ann, _activity = await settled(town, chat)
    await ann.says("withdraw")
    await ann.says("no")
    assert (await row_of(town, await number_of(town, ann))).name is not None


# --- Erase ------------------------------------------------------------------------------------------------------------


async def test_erasing_takes_two_yes_and_leaves_a_week_in_which_only_the_undo_is_heard(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await erases(ann)
    assert "will be erased Mon 30 Nov 10:00" in ann.text
    for said in ("find", "menu", "trees on Saturday", "my", "9"):
        assert "You asked me to erase everything" in await ann.says(said)
    assert "do not know that button" in await ann.opens("mydata")
    await ann.says("menu")
    assert "nothing will be erased" in await ann.picks("Keep my data")
    await passes(town, days=8)
    await ann.says("mydata")
    assert f"Name: {ann.sees(NAME)}" in ann.text


@pytest.mark.parametrize("word", ["undo", "keep", "撤销", "保留"])
async def test_the_way_back_works_for_the_whole_week(town: Town, chat: Open, word: str) -> None:
    ann, _activity = await settled(town, chat)
    await erases(ann)
    await passes(town, days=6, hours=23)
    assert "nothing will be erased" in await ann.says(word)


async def test_one_yes_is_not_enough(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await ann.says("erase")
    await ann.picks("Yes, erase")
    await ann.says("no")
    await passes(town, days=8)
    assert (await row_of(town, await number_of(town, ann))).name is not None


async def test_nothing_is_said_to_whoever_asked_to_be_erased(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    bob = chat("Bob")
    await bob.joins(_activity)
    await erases(ann)
    await town.waits(days=3, hours=22)
    await bob.says("my")  # WeChat lets us speak first only to whoever wrote lately
    await ann.says("my")
    await town.waits(hours=3)
    assert not ann.pushed()
    assert bob.pushed()  # control: the same reminder goes to those who stay


async def test_after_a_week_hours_stay_of_nobody_and_the_chat_begins_anew(town: Town, chat: Open) -> None:
    ann, activity = await settled(town, chat)
    id_ = await number_of(town, ann)
    before = await row_of(town, id_)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=1, minutes=55)
    await ann.says("checkout")
    await ann.says((await town.code(activity)).digits)
    await ann.opens("subscribe", "kind", "environment")
    await erases(ann)
    await passes(town, days=7)
    after = await row_of(town, id_)
    assert (after.name, after.phone, after.phone_index, after.born, after.language) == (None,) * 5
    assert after.number != before.number
    async with town.database.read() as unit:
        for table in (identity, metadata.tables["subscription"], metadata.tables["conversation"]):
            count = select(func.count()).select_from(table).where(table.c.person == id_)
            assert (await unit.run(count)).scalar_one() == 0, table.name
        assert (await unit.run(select(func.count()).where(inbox.c.external == ann.name))).scalar_one() == 0
        minutes = (await unit.run(select(func.sum(record.c.minutes)).where(record.c.person == id_))).scalar_one()
    assert minutes == 115
    await ann.says("hours")
    assert "No hours yet" in ann.text
    assert await number_of(town, ann) != id_


async def test_a_seat_held_until_then_goes_to_the_queue(town: Town, chat: Open) -> None:
    ann, activity = await settled(town, chat, LATER, seats=1)
    bob = chat("Bob")
    await bob.joins(activity)
    await erases(ann)
    await passes(town, days=7)
    await town.waits(seconds=5)
    await bob.says("my")
    assert "a seat is held for you" in " ".join(bob.labels)


# --- No trace -------------------------------------------------------------------------------------------------------


def traces(folder: Path, needles: list[bytes]) -> list[bytes]:
    """Which of these stand in the database's files."""
    whole = b"".join(file.read_bytes() for file in sorted(folder.glob("town.db*")) if not file.name.endswith("-shm"))
    return [needle for needle in needles if needle in whole]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", ["web"])
async def test_nothing_of_the_erased_is_left_in_the_file_or_its_log(town: Town, chat: Open, engine: str) -> None:
    ann, _activity = await settled(town, chat)
    row = await row_of(town, await number_of(town, ann))
    async with town.database.write() as unit:
        body = SECRECY.seal_json({"text": NAME}, f"letter:{ann.name}:1")
        await unit.run(insert(letter).values(address=ann.name, sequence=1, key="k", who="me", body=body, at=town.at))
        sealed = list((await unit.run(select(inbox.c.reply).where(inbox.c.external == ann.name))).scalars())
    folder = Path(make_url(town.database.url).database or "").parent
    needles = [ann.name.encode(), row.number.encode(), row.phone_index.encode(), row.name, row.phone, body, *sealed]
    assert len(traces(folder, needles)) == len(needles)  # control: before, every one of them is found
    plain = [NAME.encode(), PHONE.encode(), b"13800138000"]
    assert not traces(folder, plain)
    await erases(ann)
    await passes(town, days=7)
    assert not traces(folder, [*needles, *plain])
    async with town.database.read() as unit:
        assert (await unit.run(select(erasure.c.scrubbed))).scalar_one() is not None


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", ["web"])
async def test_without_the_scrubbing_the_log_would_still_tell(town: Town, chat: Open, engine: str) -> None:
    """Control."""
    ann, _activity = await settled(town, chat)
    row = await row_of(town, await number_of(town, ann))
    await erases(ann)
    town.at += timedelta(days=7)
    async with town.database.write() as unit:
        await ticks.carry_out(unit, town.city, town.at)
    folder = Path(make_url(town.database.url).database or "").parent
    assert traces(folder, [row.name, row.phone])


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", ["web"])
async def test_the_scrubbing_is_tried_again_while_somebody_reads(
    town: Town, chat: Open, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _activity = await settled(town, chat)
    await erases(ann)
    true_scrub = town.database.scrub

    async def busy() -> bool:
        return False

    monkeypatch.setattr(town.database, "scrub", busy)
    await passes(town, days=7)
    async with town.database.read() as unit:
        assert await erasing.unscrubbed(unit)
    monkeypatch.setattr(town.database, "scrub", true_scrub)
    await passes(town, minutes=10)
    async with town.database.read() as unit:
        assert not await erasing.unscrubbed(unit)


# --- Unfollowed -----------------------------------------------------------------------------------------------------


async def test_unfollowing_starts_the_erasure_that_the_platform_demands(town: Town, chat: Open, door: str) -> None:
    ann, _activity = await settled(town, chat)
    id_ = await number_of(town, ann)
    await ann.opens("gone")
    await passes(town, days=7)
    erased = (await row_of(town, id_)).name is None
    assert erased == (door == "wechat")  # other doors are the control: blocked is not erased


@pytest.mark.parametrize("door", ["wechat"])
async def test_whoever_follows_again_within_the_week_finds_everything(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await ann.opens("gone")
    await passes(town, days=6)
    await ann.opens("start")
    await passes(town, days=2)
    await ann.says("mydata")
    assert f"Name: {ann.sees(NAME)}" in ann.text


@pytest.mark.parametrize("door", ["wechat"])
async def test_unfollowing_one_of_two_chats_erases_only_that_address(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    id_ = await number_of(town, ann)
    other = Chat(town, "web", "Ann at home")
    async with town.database.write() as unit:
        await unit.run(insert(identity).values(person=id_, door="web", external=other.name, open=True))
    await ann.opens("gone")
    await passes(town, days=7)
    assert (await row_of(town, id_)).name is not None
    await other.says("mydata")
    assert f"Name: {other.sees(NAME)}" in other.text
    async with town.database.read() as unit:
        assert await people.at_address(unit, "wechat", ann.name) is None
        assert (await unit.run(select(func.count()).where(inbox.c.external == ann.name))).scalar_one() == 0


async def test_every_step_stands_in_the_audit(town: Town, chat: Open) -> None:
    ann, _activity = await settled(town, chat)
    await erases(ann)
    await passes(town, days=7)
    async with town.database.read() as unit:
        deeds = (await unit.run(select(audit.c.deed, audit.c.after).where(audit.c.deed == "erase"))).all()
        waiting = select(func.count()).select_from(outbox).where(outbox.c.state == 0)
        assert (await unit.run(waiting)).scalar_one() == 0
    assert [tuple(one) for one in deeds] == [("erase", "marked"), ("erase", "done")]
