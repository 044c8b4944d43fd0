"""A message that comes twice has one effect and one answer; a poisonous one stops nobody; too many are sent away."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from bot import turn
from bot.channels.telegram.updates import Reader, Unreadable
from bot.doctor import Doctor
from bot.meters import Meters
from bot.readiness import figures
from bot.settings import Settings
from bot.talk.door import Overloaded
from bot.talk.incoming import Incoming
from bot.talk.session import Session
from bot.talk.view import Reply
from storage import people, turns
from storage.database import Unit
from storage.tables.activities import shift
from storage.tables.enrolment import audit
from storage.tables.messages import inbox
from storage.tables.people import conversation, identity, person
from tests.conversations.kit import MONDAY, Chat, Town
from tests.keys import KEY
from tests.promises.crowd import Crowd
from tests.waiting import somebody_waits_for

SATURDAY = MONDAY + timedelta(days=5)
DELIVERIES = 5


@pytest.fixture
async def ready_to_confirm(town: Town) -> tuple[Chat, int]:
    """Ann, who has answered everything but the last question."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY)
    ann = Chat(town, "wechat", "Ann")
    await ann.opens("join", activity)
    await ann.introduces_itself()
    return ann, activity


async def deliver(crowd: Crowd, who: Chat, engine: str, guards_off: tuple[str, ...] = ()) -> list[tuple[bool, Any]]:
    """One “yes”, five times at the same moment: PostgreSQL through two processes, SQLite through one."""
    crowd.starts(2 if engine == "postgresql" else 1, guards_off)
    order = {
        "door": who.door, "who": who.name, "key": "m1", "text": "yes",
        "now": crowd.town.at.isoformat(), "when": time.monotonic() + 0.2,
    }  # fmt: skip
    shares = [3, 2] if engine == "postgresql" else [DELIVERIES]
    told = await crowd.order([{**order, "times": times} for times in shares])
    return [(replayed, pages) for one in told for replayed, pages in one["replies"]]


async def effects(town: Town) -> tuple[int, int]:
    """(seats taken, sign-ups logged)."""
    async with town.database.read() as unit:
        taken = (await unit.run(select(shift.c.taken))).scalar_one()
        joins = list(await unit.run(select(audit.c.id).where(audit.c.deed == "join")))
    return taken, len(joins)


async def test_five_simultaneous_deliveries_of_one_message_have_one_effect_and_equal_replies(
    crowd: Crowd, ready_to_confirm: tuple[Chat, int], engine: str
) -> None:
    replies = await deliver(crowd, ready_to_confirm[0], engine)
    assert Counter(replayed for replayed, _pages in replies) == {False: 1, True: DELIVERIES - 1}
    assert all(pages == replies[0][1] for _replayed, pages in replies)
    assert "You are in" in replies[0][1][0]["text"]
    assert await effects(crowd.town) == (1, 1)


async def test_without_the_kept_reply_the_same_message_is_understood_anew_each_time(
    crowd: Crowd, ready_to_confirm: tuple[Chat, int], engine: str
) -> None:
    """The control: the platform that repeats shows the person an answer to a question that is not open any more."""
    replies = await deliver(crowd, ready_to_confirm[0], engine, ("inbox",))
    assert len({str(pages) for _replayed, pages in replies}) > 1


# --- Poison --------------------------------------------------------------------------------------------------------


class Poisoned:
    """A town where the script “hours” breaks for whoever is called Ann."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.scripts = town.turns.router.scripts
        self.sound = self.scripts["hours"]

    def poison(self, victim: Callable[[Any], bool]) -> None:
        async def breaks(talk: Any, desk: Any) -> None:
            if victim(desk):
                raise ZeroDivisionError("13800138000")
            await self.sound.run(talk, desk)

        self.scripts["hours"] = replace(self.sound, run=breaks)

    def heal(self) -> None:
        self.scripts["hours"] = self.sound


@pytest.fixture
def poisoned(town: Town) -> Poisoned:
    return Poisoned(town)


@pytest.fixture
def looked_over(town: Town, city_url: str, tmp_path: Path) -> Callable[[], Any]:
    """What an operator sees: (the figure in /metrics, the doctor's line)."""
    settings = Settings(database_url=city_url, secret_key=KEY)
    meters = Meters()
    written = figures(meters, town.database, town.now)

    async def look() -> tuple[float, str]:
        lines = (await written()).decode().splitlines()
        (figure,) = [float(line.split()[-1]) for line in lines if line.startswith("menkou_inbox_dead ")]
        found = await Doctor(now=town.now, folder=tmp_path).examine(settings)
        return figure, next(f"{one.level}: {one.says}" for one in found if one.name == "dead letters")

    return look


async def test_a_script_that_breaks_stops_nobody_else_and_is_shown_to_the_operator(
    town: Town, poisoned: Poisoned, looked_over: Callable[[], Any]
) -> None:
    people = [Chat(town, "web", f"Number {n}") for n in range(20)]
    await asyncio.gather(*(who.says("hello") for who in people))
    assert await looked_over() == (0, "ok: none")
    poisoned.poison(lambda desk: desk.me.id % 4 == 0)
    await asyncio.gather(*(who.says("hours") for who in people))
    said = Counter("broke" if "Something broke on our side" in who.text else who.text for who in people)
    assert said["broke"] == 5
    assert sum(count for text, count in said.items() if "No hours yet" in text) == 15
    assert not [text for text in said if "13800138000" in text or "ZeroDivision" in text]
    figure, line = await looked_over()
    assert figure == 5
    assert line.startswith("warn: 5, the newest at 2026-11-23 02:00 UTC (ZeroDivisionError)")
    poisoned.heal()
    await asyncio.gather(*(who.says("hours") for who in people))
    assert all("No hours yet" in who.text for who in people), "whoever met the poison goes on as before"


async def test_a_poisonous_message_that_comes_again_gets_the_same_apology(town: Town, poisoned: Poisoned) -> None:
    ann = Chat(town, "web", "Ann")
    await ann.says("hello")
    poisoned.poison(lambda _desk: True)
    message = ann.incoming(text="hours")
    first = await town.turns.take(message)
    poisoned.heal()
    again = await town.turns.take(message)
    assert again.replayed
    assert again.pages == first.pages
    assert "Something broke on our side" in first.pages[0].text


async def test_of_a_reply_given_before_it_is_known_whether_another_replica_brought_it(town: Town, engine: str) -> None:
    ann = Chat(town, "telegram", "4242")
    message, alone = ann.incoming(text="hello"), engine == "sqlite"
    assert (await town.turns.take(message)).elsewhere == ""
    assert (await town.turns.take(message)).elsewhere == ("" if alone else "perhaps")
    town.at += turn.BRINGING
    assert (await town.turns.take(message)).elsewhere == "", "by now it has been brought, or the replica is gone"
    await town.turns.told("telegram", ["something else", message.key])
    assert (await town.turns.take(message)).elsewhere == ("" if alone else "told")


async def is_told(town: Town, message: Incoming) -> bool:
    """Would another replica that got this message know that its reply has been brought?"""
    return (await town.turns.take(message)).elsewhere == "told"


async def whereabouts(town: Town) -> list[tuple[Any, ...]]:
    """Where each row of the inbox lies, and who wrote it there: another place once it was written anew."""
    async with town.database.read() as unit:
        rows = await unit.run(text("SELECT key, ctid::text, xmin::text, xmax::text FROM inbox ORDER BY key"))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("beside", [True, False])
async def test_telling_that_replies_were_brought_writes_no_row_of_the_inbox_anew(
    town: Town, engine: str, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no replicas")
    ann = Chat(town, "telegram", "4242")
    messages = [ann.incoming(text=words) for words in ("hello", "menu")]
    for message in messages:
        await town.turns.take(message)
    if not beside:

        async def marks(unit: Unit, door: str, keys: Collection[str], _now: datetime) -> None:
            """Control: the mark is a column of the inbox, whatever column."""
            await unit.run(update(inbox).where(inbox.c.door == door, inbox.c.key.in_(keys)).values(error="told"))

        monkeypatch.setattr(turn.inbox, "told", marks)
    before = await whereabouts(town)
    await town.turns.told("telegram", [message.key for message in messages])
    assert (await whereabouts(town) == before) is beside
    assert [await is_told(town, message) for message in messages] == [beside, beside]


async def test_what_was_brought_may_be_told_twice(town: Town, engine: str) -> None:
    ann = Chat(town, "telegram", "4242")
    messages = [ann.incoming(text=words) for words in ("hello", "menu", "hours")]
    for message in messages:
        await town.turns.take(message)
    keys = [message.key for message in messages]
    await town.turns.told("telegram", [keys[0], keys[0]])
    await town.turns.told("telegram", keys[:2])
    await town.turns.told("telegram", keys)
    assert [await is_told(town, message) for message in messages] == [engine == "postgresql"] * 3


@pytest.mark.parametrize("in_order", [True, False])
async def test_two_replicas_that_tell_the_same_do_not_wait_for_each_other(
    town: Town, engine: str, monkeypatch: pytest.MonkeyPatch, in_order: bool
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no replicas")
    if not in_order:
        monkeypatch.setattr(turn.inbox, "sorted", list, raising=False)  # control: as they were brought
    with nullcontext() if in_order else pytest.raises(DBAPIError):
        async with town.database.write() as unit:
            await unit.run(text("SET LOCAL lock_timeout = 100"))
            await turn.inbox.told(unit, "telegram", ["1"], town.at)
            other = asyncio.create_task(town.turns.told("telegram", ["2", "1"]))
            await somebody_waits_for(unit)
            await turn.inbox.told(unit, "telegram", ["2"], town.at)
    await other


async def forget_inbox(town: Town) -> None:
    async with town.database.write() as unit:
        await unit.run(delete(inbox))


async def test_a_message_that_was_forgotten_is_answered_as_a_new_one_when_it_comes_again(town: Town) -> None:
    ann = Chat(town, "telegram", "4242")
    message = ann.incoming(text="menu")
    first = await town.turns.take(message)
    await forget_inbox(town)
    again = await town.turns.take(message)
    assert not again.replayed
    assert again.pages[0].text in first.pages[-1].text


async def test_what_was_brought_of_it_before_it_was_forgotten_says_nothing_of_the_new_answer(
    town: Town, engine: str
) -> None:
    ann = Chat(town, "telegram", "4242")
    message = ann.incoming(text="menu")
    await town.turns.take(message)
    await town.turns.told("telegram", [message.key])
    assert await is_told(town, message) is (engine == "postgresql")
    await forget_inbox(town)
    town.at += timedelta(minutes=1)
    assert not (await town.turns.take(message)).replayed
    assert not await is_told(town, message), "nobody brought this one"


@pytest.mark.parametrize("looks_again", [True, False])
async def test_so_is_one_that_another_replica_answered_and_that_was_forgotten_before_we_looked(
    town: Town, engine: str, monkeypatch: pytest.MonkeyPatch, looks_again: bool
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no replicas")
    message = Chat(town, "telegram", "4242").incoming(text="menu")
    close, forgets = turns.close, [forget_inbox]

    async def answered_elsewhere(unit: Unit, *rest: Any) -> None:
        """Another replica's answer is on disk just before ours would be."""
        if forgets:
            await town.turns.bury("telegram", message.key, "", "stands for an answer")
        await close(unit, *rest)

    async def pause(_seconds: float) -> None:
        """What happens before we try again."""
        await forgets.pop()(town)

    monkeypatch.setattr(turns, "close", answered_elsewhere)
    monkeypatch.setattr(asyncio, "sleep", pause)
    if not looks_again:
        monkeypatch.setattr(turn, "_is_to_begin_again", lambda _refused: False)
    reply = await town.turns.take(message)
    assert bool(forgets) is not looks_again
    assert not reply.replayed
    assert ("Something broke" in reply.pages[0].text) is not looks_again


async def test_a_turn_that_was_undone_and_done_again_is_told_of_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Undone(Exception):
        pass

    taken = town.database.turn

    async def twice(work: Callable[[Unit], Any], **how: Any) -> Any:
        async def undone(unit: Unit) -> None:
            await work(unit)
            raise Undone

        with pytest.raises(Undone):
            await taken(undone)
        return await taken(work, **how)

    monkeypatch.setattr(town.database, "turn", twice)
    ann = Chat(town, "telegram", "4242")
    with structlog.testing.capture_logs() as logged:
        assert "What would you like to do?" in await ann.says("menu")
    told = [one for one in logged if one["event"] == "turn"]
    assert [(one["script"], one["turn"]) for one in told] == [("menu", 1)]


@pytest.mark.parametrize("begun_anew", [True, False])
async def test_somebody_whose_conversation_is_not_there_any_more_is_answered_with_an_empty_one(
    town: Town, monkeypatch: pytest.MonkeyPatch, begun_anew: bool
) -> None:
    """Whoever emptied the table, or mended a damaged file without it, made everybody be looked for without end."""
    ann, beth = Chat(town, "telegram", "4242"), Chat(town, "telegram", "4343")
    await ann.says("join")
    await beth.says("menu")
    async with town.database.write() as unit:
        known = list((await unit.run(select(person.c.id).order_by(person.c.id))).scalars())
        await unit.run(delete(conversation))
    if not begun_anew:

        async def leaves_it(_unit: Unit, _door: str, _external: str) -> None:
            """Control: they are looked for again as they are."""

        monkeypatch.setattr(people, "_begin_anew", leaves_it)
        assert "Something broke on our side" in await ann.says("menu")
        return
    assert "What would you like to do?" in await ann.says("menu")
    async with town.database.read() as unit:
        assert list((await unit.run(select(person.c.id).order_by(person.c.id))).scalars()) == known
        assert list((await unit.run(select(conversation.c.person))).scalars()) == known[:1]
        assert await people.open_question(unit, "telegram", ann.name) == ""


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_conversation_that_does_not_open_begins_anew(
    town: Town, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Damaged, or sealed with a key that is gone: its owner was told for ever that something broke."""
    ann = Chat(town, "telegram", "4242")
    await ann.says("join")
    async with town.database.write() as unit:
        await unit.run(update(conversation).values(session=b"no such key, and nothing sealed"))
    if not guarded:

        def opens(unit: Unit, sealed: bytes, id_: int) -> Session:
            """Control: whatever is there must open."""
            return Session.from_json(unit.secrecy.open_json(sealed, f"conversation:{id_}"))

        monkeypatch.setattr(people, "_opened", opens)
        assert "Something broke on our side" in await ann.says("menu")
        assert "Something broke on our side" in await ann.says("menu")
        return
    async with town.database.read() as unit:
        assert await people.open_question(unit, "telegram", ann.name) == ""
    assert "What would you like to do?" in await ann.says("menu")
    assert "No hours yet" in await ann.says("hours"), "and goes on"


@pytest.mark.parametrize("guarded", [True, False])
async def test_whoever_cannot_even_be_met_gets_an_apology_and_the_platform_does_not_bring_it_for_ever(
    town: Town, looked_over: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """An address that was left with somebody who is another person by now: nothing of ours leaves it so."""
    ann, beth = Chat(town, "telegram", "4242"), Chat(town, "telegram", "4343")
    await ann.says("menu")
    await beth.says("menu")
    async with town.database.write() as unit:
        of = (await unit.run(select(identity.c.person).where(identity.c.external == ann.name))).scalar_one()
        await unit.run(update(person).where(person.c.id == of).values(merged=of + 1))
    message = ann.incoming(text="hours")
    if not guarded:

        async def nothing_more(self: turn.Turns, incoming: Incoming, broken: Exception) -> Reply:
            """Control: an apology that breaks goes on to whoever brought the message."""
            return await self._apologised(incoming, broken)

        monkeypatch.setattr(turn.Turns, "_apologise", nothing_more)
        for _time in range(2):
            with pytest.raises(people.NotMet):
                await town.turns.take(message)
        return
    first = await town.turns.take(message)
    again = await town.turns.take(message)
    assert "Something broke on our side" in first.pages[0].text
    assert (again.pages, again.replayed, first.replayed) == (first.pages, True, False)
    figure, line = await looked_over()
    assert figure == 1
    assert "NotMet" in line
    assert "No hours yet" in await beth.says("hours")


async def test_an_update_that_nobody_can_read_is_kept_apart(town: Town, looked_over: Callable[[], Any]) -> None:
    reader = Reader(town.now, ["hours"])
    for brought in ({"update_id": 7, "message": {"date": "never"}}, ["no", "update"], {"update_id": -1}):
        with pytest.raises(Unreadable) as unread:
            reader.read(brought)
        await town.turns.bury("telegram", unread.value.key, unread.value.raw, unread.value.why)
    figure, line = await looked_over()
    assert figure == 3
    assert line.startswith("warn: 3")


async def test_when_the_breaking_script_is_not_caught_the_door_sees_it(
    town: Town, poisoned: Poisoned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the apology the exception goes on to whoever brought the message."""

    async def passes_on(self: object, incoming: object, broken: Exception) -> None:
        raise broken

    monkeypatch.setattr(turn.Turns, "_apologise", passes_on)
    ann = Chat(town, "web", "Ann")
    await ann.says("hello")
    poisoned.poison(lambda _desk: True)
    with pytest.raises(ZeroDivisionError):
        await ann.says("hours")


# --- Too many ------------------------------------------------------------------------------------------------------


async def test_over_the_limit_the_platform_is_asked_to_come_again_and_then_everybody_is_answered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "WAITING_LIMIT", 8)
    people = [Chat(town, "web", f"Number {n}") for n in range(20)]
    messages = [who.incoming(text="hello") for who in people]
    outcomes = await asyncio.gather(*(town.turns.take(one) for one in messages), return_exceptions=True)
    away = [one for one, outcome in zip(messages, outcomes, strict=True) if isinstance(outcome, Overloaded)]
    assert len(away) == 12
    assert town.turns.in_flight == 0
    for one in away:
        assert not (await town.turns.take(one)).replayed, "whoever was sent away left no trace"


async def test_below_the_limit_nobody_is_sent_away(town: Town) -> None:
    """The control."""
    people = [Chat(town, "web", f"Number {n}") for n in range(20)]
    replies = await asyncio.gather(*(town.turns.take(who.incoming(text="hello")) for who in people))
    assert all(reply.pages for reply in replies)
