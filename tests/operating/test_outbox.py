"""Messages that did not arrive: an operator sees which and why, and sends them again; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot import commands
from bot.settings import Settings
from storage import fanouts, migrate
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables.delivery import Lane, State, outbox
from storage.tables.enrolment import audit
from storage.tables.kinds import to_milliseconds
from tests.operating.conftest import NOW

KEY = "a key that only the test of the outbox uses"
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, secret_key=SecretStr(KEY))


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings.database_url, Secrecy(KEY))


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "wall_clock", lambda: NOW)


async def holds(database: Database, *messages: tuple[State, timedelta]) -> None:
    """Messages 1, 2 … of one intention: how each stands, and when it is too late."""
    await migrate.upgrade(database)
    async with database.write() as unit:
        fanout = await fanouts.plan(
            unit, kind="change", source=1, lane=Lane.CHANGE, segment={"person": 1}, words={}, not_before=NOW,
            expires=NOW + HOUR,
        )  # fmt: skip
        due = to_milliseconds(NOW - HOUR)
        for number, (state, lasts) in enumerate(messages, 1):
            await unit.run(
                outbox.insert().values(
                    id=number, fanout=fanout, person=number, account="telegram", lane=Lane.CHANGE, state=state,
                    attempt=8, due=due, expires=to_milliseconds(NOW + lasts), reason="502 Bad Gateway",
                )
            )  # fmt: skip


async def states(database: Database) -> list[State]:
    async with database.read() as unit:
        return [State(one) for one in (await unit.run(select(outbox.c.state).order_by(outbox.c.id))).scalars()]


async def test_what_was_given_up_is_listed_with_its_reason_and_goes_again(
    settings: Settings, database: Database
) -> None:
    await holds(database, (State.DEAD, HOUR), (State.SENT, HOUR), (State.UNCERTAIN, HOUR), (State.DEAD, -HOUR))
    listed = await commands.outbox_list(settings)
    assert [line.split()[:3] for line in listed] == [
        ["1", "dead", "telegram"], ["3", "uncertain", "telegram"], ["4", "dead", "telegram"],
    ]  # fmt: skip
    assert all("502 Bad Gateway" in line for line in listed)
    assert await commands.outbox_again(settings, []) == (1, 1), "the last one is too late"
    assert await states(database) == [State.PENDING, State.SENT, State.UNCERTAIN, State.DEAD]
    assert await commands.outbox_again(settings, []) == (0, 1), "and none goes twice"
    async with database.read() as unit:
        moves = (await unit.run(select(audit.c.deed, audit.c.target).where(audit.c.deed == "resend"))).all()
    assert [tuple(move) for move in moves] == [("resend", "message:1")]
    await database.close()


async def test_what_is_in_doubt_goes_again_only_by_its_number(settings: Settings, database: Database) -> None:
    await holds(database, (State.UNCERTAIN, HOUR), (State.SENT, HOUR))
    assert await commands.outbox_again(settings, []) == (0, 0)
    assert await commands.outbox_again(settings, [1, 2, 99]) == (1, 2), "what was sent is never sent again"
    assert await states(database) == [State.PENDING, State.SENT]
    assert await commands.outbox_list(settings) != [], "it may come twice, so it stays listed"
    await database.close()
