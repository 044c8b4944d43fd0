"""What ends by itself: each timer a moment too early and a moment late, and no table that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select, update

from bot.desk import privacy as ticks
from bot.domain.privacy import TIMERS, UNTIMED, Timer
from storage import holdings, people, timers
from storage.database import Unit
from storage.tables import metadata
from storage.tables.activities import shift
from storage.tables.claims import claim
from storage.tables.documents import document
from storage.tables.enrolment import attendance, enrolment, wrong_code
from storage.tables.evidence import evidence
from storage.tables.guardians import guardian_code
from storage.tables.messages import brought, inbox, letter
from storage.tables.people import conversation, identity
from storage.tables.privacy import link_code, link_offer, link_try, takeaway
from storage.tables.proofs import certificate, verification
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)
SECOND = timedelta(seconds=1)

Open = Callable[..., Chat]
NAMES = [timer.name for timer in TIMERS]


@pytest.fixture(params=["web"])
def door(request: pytest.FixtureRequest) -> str:
    """No timer knows a door."""
    return str(request.param)


def untimed(tables: set[str]) -> set[str]:
    """Tables with something of a person that have neither a timer nor a reason to have none."""
    return tables - {timer.table for timer in TIMERS} - set(UNTIMED)


def test_every_table_with_something_of_a_person_has_a_timer_or_a_reason_to_have_none() -> None:
    held = {table.name for table in holdings.holdings()}
    assert untimed(held) == set()
    assert not {timer.table for timer in TIMERS} & set(UNTIMED)
    assert set(UNTIMED) <= held
    assert all(UNTIMED.values())
    assert untimed({*held, "diary"}) == {"diary"}  # control: a table that nobody thought of


def test_every_timer_says_what_goes_after_what_and_why() -> None:
    assert set(NAMES) == set(timers.OVER)
    assert len(NAMES) == len(set(NAMES))
    for timer in TIMERS:
        assert set(timer.columns) <= set(metadata.tables[timer.table].columns.keys())
        assert timer.after
        assert timer.why
        assert timer.keeps >= timedelta()


async def rows_of(unit: Unit, town: Town, at: datetime) -> None:
    """One row for each timer whose time began at this moment, of the one sign-up that there is."""
    who, one = (await unit.run(select(enrolment.c.person, enrolment.c.id))).one()
    answers = {"answers": b"x", "why": b"y"}
    await unit.run(update(shift).values(starts=at - timedelta(hours=2), ends=at))
    await unit.run(update(enrolment).values(answers))
    await unit.run(update(identity).values(inbound=at))
    await unit.run(insert(document).values(person=who, enrolment=one, kind="resident", number=b"x", given=at))
    await unit.run(insert(letter).values(address="a", sequence=1, key="k", who="me", body=b"x", at=at))
    for key, state in (("answered", 0), ("dead", 1)):
        await unit.run(insert(inbox).values(door="web", key=key, at=at, state=state))
    await unit.run(insert(brought).values(door="telegram", key="k", at=at))
    await unit.run(insert(wrong_code).values(person=who, at=at))
    await unit.run(insert(link_try).values(person=who, at=at))
    await unit.run(insert(takeaway).values(token="t", person=who, made=at, expires=at))
    await unit.run(insert(link_code).values(code="c", person=who, made=at, expires=at))
    await unit.run(insert(link_offer).values(shower=who, typer=who, made=at, expires=at))
    await unit.run(insert(guardian_code).values(code="g", child=who, made=at, expires=at))
    words = {"what": b"x", "photo": "p", "reason": b"no", "state": "declined"}
    await unit.run(insert(claim).values(enrolment=one, person=who, starts=at, ends=at, made=at, decided=at, **words))
    there = insert(attendance).values(enrolment=one, person=who, arrived=at, arrived_by="code")
    presence = (await unit.run(there.returning(attendance.c.id))).scalar_one()
    proof = {"kind": "claim", "part": "whole", "photo": "p"}
    await unit.run(insert(evidence).values(attendance=presence, person=who, at=at, **proof))
    paper: dict[str, Any] = {
        "number": "n", "person": who, "volunteer": "V", "organisation": town.organisation, "issuer": "i",
        "since": at.date(), "until": at.date(), "minutes": {}, "entries": [], "name": b"x",
        "issued": at, "content": "c",
    }  # fmt: skip
    number = (await unit.run(insert(certificate).values(paper).returning(certificate.c.id))).scalar_one()
    await unit.run(insert(verification).values(certificate=number, at=at, person=who))


async def left(town: Town, timer: Timer) -> bool:
    """Is what the timer means still there?"""
    table: Table = metadata.tables[timer.table]
    async with town.database.read() as unit:
        if table is conversation:
            emptied = select(func.count()).where(conversation.c.emptied.is_(None))
            return bool((await unit.run(emptied)).scalar_one())
        which = [table.c[name].is_not(None) for name in timer.columns]
        if table is inbox:
            which = [inbox.c.key == ("dead" if timer.name == "dead message" else "answered")]
        return bool((await unit.run(select(func.count()).select_from(table).where(*which))).scalar_one())


@pytest.mark.parametrize("timer", TIMERS, ids=NAMES)
async def test_it_is_there_until_its_time_and_gone_after_it(town: Town, chat: Open, timer: Timer) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await ann.joins(await town.publishes(olga, "Trees", SATURDAY))
    began = town.at
    async with town.database.write() as unit:
        await rows_of(unit, town, began)
    await ticks.forget(town.database, began + timer.keeps - SECOND)
    assert await left(town, timer), "too early"
    async with town.database.read() as unit:
        assert timer.name not in await timers.overdue(unit, began + timer.keeps + timedelta(hours=23))
        assert timer.name in await timers.overdue(unit, began + timer.keeps + timedelta(hours=25))
    await ticks.forget(town.database, began + timer.keeps + SECOND)
    assert not await left(town, timer)
    async with town.database.read() as unit:
        assert timer.name not in await timers.overdue(unit, began + timer.keeps + timedelta(hours=25))


async def test_more_than_one_step_of_rows_goes_in_one_go(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "AT_ONCE", 3)
    async with town.database.write() as unit:
        row = {"address": "a", "who": "me", "body": b"x", "at": town.at}
        await unit.run(insert(letter), [row | {"sequence": n, "key": str(n)} for n in range(8)])
    assert await ticks.forget(town.database, town.at + timedelta(days=91)) == 8
    assert await ticks.forget(town.database, town.at + timedelta(days=91)) == 0


async def test_whoever_comes_back_after_long_begins_anew_and_is_emptied_again_only_after_another_silence(
    town: Town, chat: Open
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Trees", SATURDAY)
    await ann.opens("join", activity)
    assert "Do you agree" in ann.text
    await ticks.forget(town.database, town.at + timedelta(days=179))
    await ann.says("yes")
    assert "name" in ann.text  # control: the conversation was still there
    town.at += timedelta(days=181)
    assert await ticks.forget(town.database, town.at) > 0
    async with town.database.read() as unit:
        who = await people.at_address(unit, ann.door, ann.name)
        row = (await unit.run(select(conversation).where(conversation.c.person == who))).one()
        assert unit.secrecy.open_json(row.session, f"conversation:{who}")["thread"] is None
        assert row.emptied == town.at
    await ann.says("Ann Lee")
    assert "phone" not in ann.text
    await ticks.forget(town.database, town.at + timedelta(days=1))
    async with town.database.read() as unit:
        row = (await unit.run(select(conversation).where(conversation.c.person == who))).one()
        assert row.emptied == town.at
