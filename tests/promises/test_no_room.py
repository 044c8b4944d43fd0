"""The disk is full, the file cannot be written, somebody else holds it: nothing half done, a kind word, and on it goes.

Only SQLite, whose file it is; what PostgreSQL's server does is in `tests/promises/test_server_stops.py`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from bot import turn
from bot.channels.terminal import Plain, Terminal
from bot.channels.wechat import webhook
from bot.talk.door import TRY_AGAIN, Overloaded
from bot.talk.wording import Wording
from storage import together
from storage.database import Database
from storage.tables.enrolment import audit, enrolment
from storage.tables.messages import inbox
from storage.tables.people import person
from tests.channels.wechat_kit import PATIENCE, serve
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town
from tests.promises.crowd import Count, count
from tests.system.serving import held

SATURDAY = MONDAY + timedelta(days=5)
ENGLISH, CHINESE = (Wording(language, ZoneInfo("Asia/Shanghai")) for language in ("en", "zh_CN"))

PRAGMAS = {"full": "max_page_count=1", "read-only": "query_only=1", "held": "busy_timeout=20"}
"""A page count below what there is: not one page more. Held: SQLite's ten seconds are too long for a test."""
TROUBLES = sorted(PRAGMAS)


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def pragmas(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each connection that writes hears from now on as it begins a transaction, beside what it always hears."""
    said: list[str] = []
    sound, within = Database._set_up, together.within

    def set_up(one: Engine, begin: str) -> None:
        @event.listens_for(one, "begin")
        def began(connection: Any) -> None:
            for pragma in said:
                connection.exec_driver_sql(f"PRAGMA {pragma}")

        sound(one, begin)

    @contextmanager
    def of_turns(connection: Connection, *how: str) -> Iterator[None]:
        for pragma in said:
            connection.connection.driver_connection.execute(f"PRAGMA {pragma}")  # type: ignore[union-attr]
        with within(connection, *how):
            yield

    monkeypatch.setattr(together, "within", of_turns)
    monkeypatch.setattr(Database, "_set_up", staticmethod(set_up))
    return said


@pytest.fixture
def founded(pragmas: list[str], city_url: str) -> Town:
    return Town(Database(city_url, SECRECY))


Trouble = Callable[[str], AbstractAsyncContextManager[None]]


@pytest.fixture
def trouble(town: Town, pragmas: list[str], city_url: str) -> Trouble:
    """As long as it lasts nothing can be written."""

    @asynccontextmanager
    async def lasts(kind: str) -> AsyncIterator[None]:
        pragmas.append(PRAGMAS[kind])
        if kind == "held":
            async with held(city_url):
                yield
        else:
            await fill(town)
            yield
        # An end like that of the trouble itself: the connections stay as they are.
        pragmas[:] = ["max_page_count=1000000", "query_only=0"]

    return lasts


async def fill(town: Town) -> None:
    """Say something short until it finds no room: the pages that there are have some left."""
    filler = Chat(town, "web", "Filler")
    with suppress(Overloaded):
        while True:
            await filler.says("hours")


async def rows(town: Town) -> list[int]:
    """As much as there is of everything that a turn writes."""
    async with town.database.read() as unit:
        return [
            int((await unit.run(select(func.count()).select_from(one))).scalar_one())
            for one in (inbox, person, enrolment, audit)
        ]


async def confirming(town: Town, names: str) -> list[Chat]:
    """People who have answered everything but the last question."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY)
    chats = [Chat(town, "telegram", name) for name in names]
    for chat in chats:
        await chat.opens("join", activity)
        await chat.introduces_itself()
    return chats


@pytest.mark.parametrize("kind", TROUBLES)
async def test_nothing_is_half_done_and_the_same_message_is_done_when_there_is_room_again(
    town: Town, trouble: Trouble, kind: str
) -> None:
    """As Telegram brings it again, and the web chat: without the person's doing."""
    chats = await confirming(town, "ABCDE")
    messages = [chat.incoming(text="yes") for chat in chats]
    async with trouble(kind):
        before = await rows(town)
        for _try in range(2):
            outcomes = await asyncio.gather(*map(town.turns.take, messages), return_exceptions=True)
            assert [type(one) for one in outcomes] == [Overloaded] * len(chats)
        assert await rows(town) == before, "whoever only looks is not troubled"
    replies = await asyncio.gather(*map(town.turns.take, messages))
    assert all("You are in" in reply.pages[0].text and not reply.replayed for reply in replies)
    assert await count(town, 1, []) == Count()


@pytest.mark.parametrize("kind", TROUBLES)
async def test_on_wechat_the_person_reads_a_kind_sentence_and_says_it_again(
    town: Town, trouble: Trouble, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "AGAIN", PATIENCE)  # there is no time for another try
    async with serve(town.turns) as served:  # type: ignore[arg-type] # the real turns
        ann = served.platform.person()
        assert (await ann.says("帮助")).kind == "text"
        async with trouble(kind):
            before = await rows(town)
            answered = await ann.says("时长")
            assert (answered.kind, answered.text, answered.tries) == ("text", CHINESE(TRY_AGAIN), 1)
            assert await rows(town) == before
        assert "时长" in (await ann.says("时长")).text


@pytest.mark.parametrize("kind", TROUBLES)
async def test_in_the_terminal_too(town: Town, trouble: Trouble, kind: str) -> None:
    async def says(words: str) -> str:
        screen = io.StringIO()
        await Terminal(town.turns, "ann", Plain(io.StringIO(words + "\n"), screen), ENGLISH, {"hours"}, town.now).run()
        return " ".join(screen.getvalue().split())

    async with trouble(kind):
        assert ENGLISH(TRY_AGAIN) in await says("hours")
    assert "No hours yet" in await says("hours")


@pytest.mark.parametrize("kind", TROUBLES)
async def test_control_a_turn_that_takes_it_for_its_own_fault_leaves_the_person_with_nothing(
    town: Town, trouble: Trouble, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would apologise, and cannot write that down either."""
    async with trouble(kind), serve(town.turns) as served:  # type: ignore[arg-type] # the real turns
        monkeypatch.setattr(turn, "is_away", lambda _error: False)
        assert (await served.platform.person().says("时长")).kind == "unavailable"
