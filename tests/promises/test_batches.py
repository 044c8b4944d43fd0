"""Turns that share a transaction come to what each comes to alone: what is answered, what is kept, who has a seat.

SQLite's turns are committed together in another way (tests/test_together.py), and have to come to the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.domain.enrolment import Stand
from bot.talk.incoming import Address, Incoming, Intent, Window
from bot.talk.view import Reply
from storage import abreast, batch, people, turns
from storage.database import LINES, Database, Unit
from storage.prepared import Prepared
from storage.shared import each
from storage.tables.enrolment import enrolment
from storage.tables.messages import inbox
from storage.tables.people import conversation, identity, person
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town
from tests.leap import HOUR
from tests.promises.conftest import empty_city, ends
from tests.waiting import somebody_waits_for

SATURDAY = MONDAY + timedelta(days=5)
DOORS = ("telegram", "wechat", "web")
PLENTY, FEW = 60, LINES + 2
"""Seats: more than enough; more than so many that one is foreseen, and fewer than those who want one."""
WHEN = {"after a while": timedelta(minutes=1), "at once": timedelta(seconds=1)}


@pytest.fixture(autouse=True)
def one_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while somebody is at work waits, however long."""
    monkeypatch.setattr(abreast, "AT_WORK", 1)
    monkeypatch.setattr(abreast, "PATIENCE", HOUR)


@pytest.fixture
def on_a_server(engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has one writer, and no locks of rows")


@pytest.fixture
def stayed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each batch: how many stayed to its end."""
    seen: list[int] = []
    sound = batch.Batch.walk

    async def walk(one: batch.Batch, line: Any) -> Any:
        went = await sound(one, line)
        seen.append(sum(done is not None for done in went))
        return went

    monkeypatch.setattr(batch.Batch, "walk", walk)
    return seen


@pytest.fixture
def twin_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    apart = tmp_path / "twin"
    apart.mkdir()
    with empty_city(engine, request, apart) as url:
        yield url


@pytest.fixture
def founded_too(twin_url: str) -> Town:
    return Town(Database(twin_url, SECRECY))


@pytest.fixture
async def twin(founded_too: Town) -> AsyncIterator[Town]:
    """Another city, like the first."""
    yield founded_too
    await ends(founded_too)


async def all_wait(town: Town, messages: Sequence[Incoming]) -> tuple[asyncio.Event, list[asyncio.Task[Reply]]]:
    """They wait for company until the event."""
    over = asyncio.Event()
    among = town.database._abreast
    if among is None:  # SQLite's go when they come
        return over, [asyncio.create_task(town.turns.take(one)) for one in messages]

    async def holds(_unit: Unit) -> None:
        await over.wait()

    holder = asyncio.create_task(town.database.turn(holds, shares=True))
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(town.turns.take(one)) for one in messages]
    while len(among._waiting) < len(messages):  # noqa: ASYNC110
        await asyncio.sleep(0)
    tasks[-1].add_done_callback(lambda _done: holder.cancel())
    return over, tasks


async def together(town: Town, messages: Sequence[Incoming]) -> list[Reply]:
    over, tasks = await all_wait(town, messages)
    over.set()
    return await asyncio.gather(*tasks)


async def one_by_one(town: Town, messages: Sequence[Incoming]) -> list[Reply]:
    return [await town.turns.take(one) for one in messages]


async def volunteers(town: Town, count: int) -> list[Chat]:
    """People at all doors who have given name and number."""
    chats = [Chat(town, DOORS[one % len(DOORS)], f"volunteer {one}") for one in range(count)]
    for number, chat in enumerate(chats):
        await chat.says("menu")
        async with town.database.write() as unit:
            who = await person_of(unit, chat)
            await people.keep_personal(unit, unit.secrecy, who, f"Volunteer {number}", f"+86138000{number:05}")
            await people.give_consent(unit, who, "profile", "1", chat.door, town.at)
    return chats


async def person_of(unit: Unit, chat: Chat) -> int:
    who = await people.at_address(unit, chat.door, chat.name)
    assert who is not None
    return who


async def opens(town: Town, seats: int) -> int:
    return await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=seats)


def rounds(chats: Sequence[Chat], activity: int) -> Iterator[list[Incoming]]:
    """What all of them say at the same time, one after another."""
    yield [one.incoming(text="menu") for one in chats]
    yield [one.incoming(text="Haidian environment") for one in chats]
    yield [one.incoming(intent=Intent("join", (str(activity),))) for one in chats]
    yield [one.incoming(text="yes") for one in chats]
    yield [one.incoming(text="hours") for one in chats]
    yield [one.incoming(text="my") if place % 2 else one.incoming(text="?!") for place, one in enumerate(chats)]
    # WeChat opens a shorter window for what was pressed than for what was typed.
    pressed = Window(60, 3, True)
    yield [
        Incoming(Address(one.door, one.name), f"pressed {one.name}", one.town.at, text="menu", language="en",
                 window=pressed)
        if one.door == "wechat" else one.incoming(text="menu")
        for one in chats
    ]  # fmt: skip


async def kept(town: Town) -> dict[str, Any]:
    """What turns have written."""
    columns = (
        identity.c.door, identity.c.external, identity.c.inbound, identity.c.open, identity.c.window_until,
        identity.c.window_left, identity.c.action_until, identity.c.action_left,
    )  # fmt: skip
    async with town.database.read() as unit:
        answers = await unit.run(select(inbox).order_by(inbox.c.door, inbox.c.key))
        sessions = await unit.run(select(conversation.c.person, conversation.c.session))
        addresses = await unit.run(select(*columns).order_by(identity.c.id))
        signed_up = await unit.run(
            select(enrolment.c.person, enrolment.c.shift, enrolment.c.state).order_by(enrolment.c.person)
        )
        return {
            "answers": [
                (one.door, one.key, one.external, one.at, one.state,
                 unit.secrecy.open_json(one.reply, f"inbox:{one.door}:{one.key}:reply"),
                 unit.secrecy.open(one.raw, f"inbox:{one.door}:{one.key}:raw") if one.raw else "")
                for one in answers
            ],
            "sessions": {
                one.person: unit.secrecy.open_json(one.session, f"conversation:{one.person}") for one in sessions
            },
            "addresses": list(map(tuple, addresses)),
            "signed up": list(map(tuple, signed_up)),
        }  # fmt: skip


async def lived(town: Town, how: Any, pause: timedelta) -> tuple[list[str], dict[str, Any]]:
    """What was answered, and what is kept."""
    activity = await opens(town, PLENTY)
    chats = await volunteers(town, 6)
    answered = []
    for messages in rounds(chats, activity):
        town.at += pause
        answered += ["\n".join(page.text for page in reply.pages) for reply in await how(town, messages)]
    return answered, await kept(town)


@pytest.mark.parametrize("pause", WHEN)
async def test_together_they_are_answered_as_one_by_one_and_the_same_is_kept(
    town: Town, twin: Town, stayed: list[int], engine: str, pause: str
) -> None:
    answered, now_kept = await lived(town, together, WHEN[pause])
    if engine == "postgresql":
        assert stayed[:5] == [6] * 5, "what people say most is said in company"
    assert (answered, now_kept) == await lived(twin, one_by_one, WHEN[pause])
    assert [stand for _who, _shift, stand in now_kept["signed up"]] == [Stand.JOINED] * 6


@pytest.mark.parametrize("seats", [FEW, 3], ids=["foreseen", "decided"])
async def test_of_more_than_there_are_seats_the_others_wait(town: Town, seats: int) -> None:
    activity = await opens(town, seats)
    chats = await volunteers(town, 14)
    for one in chats:
        await one.opens("join", activity)
    await together(town, [one.incoming(text="yes") for one in chats])
    stands = [stand for _who, _shift, stand in (await kept(town))["signed up"]]
    assert (stands.count(Stand.JOINED), stands.count(Stand.WAITING)) == (seats, 14 - seats)


async def turn_of(town: Town, who: int) -> int:
    """How many turns of a conversation have been kept."""
    return int((await kept(town))["sessions"][who]["turn"])


async def claims_nothing(_member: batch.Member, _whose: int) -> None:
    """Control."""


@pytest.mark.parametrize("claims", [True, False], ids=["sound", "control"])
async def test_one_who_writes_by_two_chats_at_once_has_both_turns_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch, engine: str, claims: bool
) -> None:
    if not claims:
        if engine == "sqlite":
            pytest.skip("SQLite's turns go one after another")
        monkeypatch.setattr(batch.Member, "claim", claims_nothing)
    ann, other = await volunteers(town, 2)
    async with town.database.write() as unit:
        who = await person_of(unit, ann)
        await unit.run(insert(identity).values(person=who, door="web", external="ann's", inbound=town.at))
    before = await turn_of(town, who)
    too = Incoming(Address("web", "ann's"), "too", town.at, text="menu", language="en")
    await together(town, [ann.incoming(text="menu"), too, other.incoming(text="menu")])
    assert await turn_of(town, who) == before + (2 if claims else 1)


ROWS = {
    "person": lambda who: update(person).where(person.c.id == who).values(elder=True),
    "conversation": lambda who: update(conversation).where(conversation.c.person == who).values(pushed=[]),
    "address": lambda who: update(identity).where(identity.c.person == who).values(window_left=0),
}
CONTROL = "conversation, waited for"


@pytest.mark.usefixtures("on_a_server")
@pytest.mark.parametrize("row", [*ROWS, CONTROL])
async def test_whose_row_somebody_has_holds_up_nobody_else(
    town: Town, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    if row == CONTROL:
        monkeypatch.setattr(turns._BEGIN, "for_many", Prepared(each(turns._BEGINNING), named=False))
    ann, bo, cui = await volunteers(town, 3)
    town.at += WHEN["after a while"]
    async with town.database.write() as unit:
        await unit.run(ROWS[row.partition(",")[0]](await person_of(unit, ann)))
        over, (anns, *others) = await all_wait(town, [one.incoming(text="menu") for one in (ann, bo, cui)])
        over.set()
        await somebody_waits_for(unit)
        if row == CONTROL:
            assert not any(one.done() for one in others)
        else:
            await asyncio.gather(*others)
        assert not anns.done()
    assert all(reply.pages for reply in await asyncio.gather(anns, *others))
