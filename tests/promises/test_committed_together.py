"""PostgreSQL's turns under load: those that only looked share a commit, and nobody can tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from storage import inbox, lines, people, turns
from storage.database import Unit
from storage.prepared import OnPostgreSQL
from storage.tables.messages import inbox as messages
from storage.tables.people import conversation, identity, person
from tests.conversations.kit import Chat, Town

HOURS = "No hours yet"


@pytest.fixture
def engine() -> str:
    """SQLite's turns share a flush anyway: tests/test_together.py."""
    return "postgresql"


@pytest.fixture
async def known(town: Town, monkeypatch: pytest.MonkeyPatch) -> list[Chat]:
    """Six people who wrote before, in a city with one line: whoever is not the first has to wait for it."""
    chats = [Chat(town, "telegram", f"number {number}") for number in range(6)]
    for one in chats:
        await one.says("menu")
    monkeypatch.setattr(town.database._turns, "_room", 0)
    monkeypatch.setattr(lines, "TOGETHER", len(chats))
    return chats


@pytest.fixture
def commits(known: list[Chat], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each transaction ended."""
    seen: list[str] = []
    sound = OnPostgreSQL._command

    async def command(driver: OnPostgreSQL, text: str) -> str:
        seen.extend(word for word in ("COMMIT AND CHAIN", "COMMIT", "ROLLBACK") if text.endswith(word))
        return await sound(driver, text)

    monkeypatch.setattr(OnPostgreSQL, "_command", command)
    return seen


async def all_say(chats: list[Chat], text: str = "hours") -> list[str]:
    return await asyncio.gather(*(one.says(text) for one in chats))


async def kept(town: Town) -> int:
    async with town.database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(messages))).scalar_one())


async def test_those_who_only_looked_share_a_commit(town: Town, known: list[Chat], commits: list[str]) -> None:
    before = await kept(town)
    said = await all_say(known)
    assert all(HOURS in text for text in said)
    assert commits == ["COMMIT"]
    assert await kept(town) == before + len(known)
    commits.clear()
    assert all(HOURS in text for text in await all_say(known)), "and goes on"
    assert commits == ["COMMIT"]


async def test_what_is_kept_together_is_kept_as_it_is_alone(town: Town, known: list[Chat]) -> None:
    """Conversation, message, reply and sign of life: row by row the same as of somebody who came by himself."""
    town.at += timedelta(hours=1)
    await all_say(known)
    await known[0].says("find")
    await all_say(known[1:], "find")
    async with town.database.read() as unit:
        heard = list((await unit.run(select(identity.c.inbound))).scalars())
        rows = list(await unit.run(select(messages).where(messages.c.at >= town.at)))
        for one in known:
            assert await people.open_question(unit, one.door, one.name) == "where"
        for row in rows:
            (page,) = inbox.opened(unit, row.door, row.key, row.reply)
            assert page["text"]
            assert row.state == inbox.ANSWERED
    assert heard == [town.at] * len(known)
    assert len(rows) == 2 * len(known)
    assert len({(row.door, row.key) for row in rows}) == len(rows)


async def test_at_most_so_many(town: Town, known: list[Chat], commits: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(lines, "TOGETHER", 2)
    await all_say(known)
    assert commits == ["COMMIT AND CHAIN", "COMMIT AND CHAIN", "COMMIT"]


async def test_a_turn_that_changes_something_is_committed_at_once_with_those_before_it(
    town: Town, known: list[Chat], commits: list[str]
) -> None:
    first, second, changes, last = known[:4]
    looks = [one.says("hours") for one in (first, second)]
    await asyncio.gather(*looks, changes.opens("language", "zh_CN"), last.says("hours"))
    assert commits == ["COMMIT AND CHAIN", "COMMIT"]


async def test_nobody_hears_of_an_answer_before_it_is_on_disk(
    town: Town, known: list[Chat], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sound = OnPostgreSQL.commit

    async def commit(driver: OnPostgreSQL, begin: bool = False) -> None:
        done.append("before the commit")
        await sound(driver, begin)
        done.append("committed")

    async def tells(one: Chat) -> None:
        await one.says("hours")
        done.append("answered")

    monkeypatch.setattr(OnPostgreSQL, "commit", commit)
    await asyncio.gather(*map(tells, known))
    assert done == ["before the commit", "committed", *["answered"] * len(known)]


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_turn_that_breaks_takes_nobody_with_it(
    town: Town, known: list[Chat], commits: list[str], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Whoever is fourth; the three before are done and wait for their commit."""
    scripts = town.turns.router.scripts
    sound = scripts["hours"]

    async def breaks(talk: Any, desk: Any) -> None:
        if desk.me.id == 4:
            raise ZeroDivisionError
        await sound.run(talk, desk)

    monkeypatch.setitem(scripts, "hours", replace(sound, run=breaks))
    if not guarded:

        def told(line: lines.Line, _committed: bool) -> None:
            """Control: they hear that all is well, whatever came of it."""
            waiting, line.done = line.done, []
            line.beside.clear()
            for one in waiting:
                one.set_result(True)

        monkeypatch.setattr(lines.Lines, "_tell", staticmethod(told))
    before = await kept(town)
    said = await all_say(known)
    assert ["Something broke" in text for text in said] == [number == 3 for number in range(len(known))]
    assert [HOURS in text for text in said] == [number != 3 for number in range(len(known))]
    assert (await kept(town) == before + len(known)) is guarded


async def test_when_the_commit_fails_each_is_done_again_alone(
    town: Town, known: list[Chat], commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is at fault may be anybody's row."""
    sound, failed = OnPostgreSQL._end, list[int]()

    async def end(driver: OnPostgreSQL) -> None:
        if len(driver._endings) > 1:
            failed.append(len(driver._endings))
            raise ZeroDivisionError
        await sound(driver)

    monkeypatch.setattr(OnPostgreSQL, "_end", end)
    before = await kept(town)
    assert all(HOURS in text for text in await all_say(known))
    assert failed == [len(known)]
    assert await kept(town) == before + len(known)


async def test_so_it_is_when_one_of_them_was_answered_by_another_replica(
    town: Town, known: list[Chat], commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is there by the time of the commit: that one gets the reply that was kept, and the others theirs."""
    messages_ = [one.incoming(text="hours") for one in known]
    sound = OnPostgreSQL._end

    async def end(driver: OnPostgreSQL) -> None:
        if len(driver._endings) > 1:
            await town.turns.bury("telegram", messages_[2].key, "", "stands for an answer")
        await sound(driver)

    monkeypatch.setattr(OnPostgreSQL, "_end", end)
    replies = await asyncio.gather(*map(town.turns.take, messages_))
    assert [reply.replayed for reply in replies] == [number == 2 for number in range(len(known))]


@pytest.mark.parametrize("guarded", [True, False])
async def test_somebody_who_writes_from_two_chats_is_answered_in_order(
    town: Town, known: list[Chat], commits: list[str], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """What they said first is not written down yet when the second comes: it waits for that."""
    first, other = known[0], known[1]
    async with town.database.write() as unit:
        numbers = list((await unit.run(select(person.c.id).order_by(person.c.id))).scalars())
        moved = update(identity).where(identity.c.external == other.name).values(person=numbers[0])
        await unit.run(moved)
    if not guarded:
        forget = property(lambda _unit: set(), lambda _unit, _given: None)
        monkeypatch.setattr(Unit, "beside", forget, raising=False)
    await asyncio.gather(first.says("find"), other.says("hours"), known[2].says("hours"))
    async with town.database.read() as unit:
        found = select(conversation.c.session).where(conversation.c.person == numbers[0])
        session = unit.secrecy.open_json((await unit.run(found)).scalar_one(), f"conversation:{numbers[0]}")
    # Two turns after the first “menu”: both are counted, and neither has overwritten the other.
    assert (session["turn"] == 3) is guarded


@pytest.mark.parametrize("guarded", [True, False])
async def test_nobody_is_waited_for_while_somebody_waits_for_the_commit(
    town: Town, known: list[Chat], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Another replica holds the second, and might be waiting for the first: that would be a deadlock."""
    first, second = known[0], known[1]
    if not guarded:
        monkeypatch.setattr(turns, "_BEGIN_BESIDE", turns._BEGIN)  # Control: waits as if it were alone
    async with town.database.write() as unit:
        found = select(person.c.id).join(identity, identity.c.person == person.c.id)
        await unit.run(found.where(identity.c.external == second.name).with_for_update(of=person))
        said = asyncio.create_task(first.says("hours"))
        held = asyncio.create_task(second.says("hours"))
        limit = None if guarded else 0.2
        done, _waiting = await asyncio.wait({said, held}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        assert (done == {said}) is guarded
        assert not held.done()
    assert HOURS in await said
    assert HOURS in await held


async def test_a_look_sees_what_is_committed(town: Town, known: list[Chat], commits: list[str]) -> None:
    before = await kept(town)

    async def counts(unit: Unit) -> int:
        return int((await unit.run(select(func.count()).select_from(messages))).scalar_one())

    said = [asyncio.create_task(one.says("hours")) for one in known[:3]]
    await asyncio.sleep(0)
    assert await town.database.look(counts) == before + 3
    await asyncio.gather(*said)
    assert commits == ["COMMIT"]


async def test_whoever_gives_up_waiting_keeps_nobody_from_the_commit(
    town: Town, known: list[Chat], commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is done, and was to be committed with the second, who is gone."""
    second: list[asyncio.Task[str]] = []
    sound = OnPostgreSQL.run_ending

    async def ending(driver: OnPostgreSQL, what: Any) -> None:
        await sound(driver, what)
        if second:
            second.pop().cancel()

    monkeypatch.setattr(OnPostgreSQL, "run_ending", ending)
    first = asyncio.create_task(known[0].says("hours"))
    second.append(asyncio.create_task(known[1].says("hours")))
    assert HOURS in await first
    assert commits == ["COMMIT"]
