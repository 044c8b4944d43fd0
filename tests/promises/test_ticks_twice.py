"""Several replicas tick beside each other: every tick that is registered, run by two at once, has one effect."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import LargeBinary, insert, select, update
from sqlalchemy.engine import make_url

from bot.app import App
from bot.clock import Ticks
from bot.domain.stars import rules_on
from bot.settings import Settings
from storage import covers, digests, erasing, fanouts
from storage.database import Unit
from storage.tables import metadata
from storage.tables.activities import organisation, shift
from storage.tables.delivery import Lane, State, outbox
from storage.tables.enrolment import attendance, audit, enrolment, record
from storage.tables.kinds import Id, Json, to_milliseconds
from storage.tables.matters import matter
from storage.tables.messages import inbox
from storage.tables.parties import invitation
from storage.tables.privacy import erasure
from storage.tables.squads import squad
from storage.tables.stars import star
from tests.conversations.campaign_kit import crowd as subscribers
from tests.conversations.campaign_kit import drafted, sent
from tests.conversations.kit import BEIJING, Chat, Town, number_of
from tests.postgres import Postgres
from tests.standins.wechat import WeChatApiStandIn
from tests.system.serving import AES_KEY, KEY, WECHAT_TOKEN

pytestmark = [pytest.mark.timeout(240)]

HOLDERS = ("lease.renew.", "outbox.recover.", "wechat.masses")
"""What only the holder of an account's lease does: of two replicas that is one."""

READING = ("figures.count",)
"""What changes nothing that is kept: each replica tells what it counted itself."""

CHANGING = {
    "person": {"number"}, "audit": {"chain", "hash", "seal"}, "audit_head": {"hash", "mac"},
    "token": {"value", "expires"}, "fanout": {"source"},
}  # fmt: skip
"""Columns whose values are made by chance, or follow the order in which rows were written."""

Cell = tuple[str, object]
City = Counter[tuple[Cell, ...]]


@pytest.fixture
async def wechat() -> AsyncIterator[WeChatApiStandIn]:
    async with WeChatApiStandIn() as api:
        yield api


@pytest.fixture
def copies(
    city_url: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    """Another city, the same to the last row. Nobody may be connected to the one that is copied."""
    monkeypatch.chdir(tmp_path)
    made: list[str] = []

    def copy() -> str:
        source = make_url(city_url)
        assert source.database is not None
        if source.get_backend_name() == "sqlite":
            file = tmp_path / f"copy{len(list(tmp_path.glob('copy*.db')))}.db"
            file.write_bytes(Path(source.database).read_bytes())
            return f"sqlite+aiosqlite:///{file}"
        server: Postgres = request.getfixturevalue("postgres")
        made.append(f"copy_{secrets.token_hex(6)}")
        return server.create(made[-1], template=source.database.removeprefix(server.prefix))

    yield copy
    for name in made:
        request.getfixturevalue("postgres").drop(name)


class Replicas:
    """Several processes of one city, in this one: each with connections, clock and senders of its own."""

    def __init__(self, url: str, api: WeChatApiStandIn, now: datetime, count: int) -> None:
        settings = Settings(
            database_url=url, secret_key=SecretStr(KEY), listen="127.0.0.1:1", chat=True,
            wechat_app_id=api.app_id, wechat_app_secret=SecretStr(api.secret), wechat_token=SecretStr(WECHAT_TOKEN),
            wechat_aes_key=SecretStr(AES_KEY), wechat_api_base=api.base,
        )  # fmt: skip
        self.apps = [App(settings, clock=lambda: now) for _replica in range(count)]
        self.ticks: list[Ticks] = []

    async def __aenter__(self) -> Replicas:
        for app in self.apps:
            app.open_web()
            app.open_wechat()
            self.ticks.append(app.set_clock())
        await self.apps[0].prepare()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for app in self.apps:
            await app.stop()

    async def at_once(self, name: str) -> None:
        """One tick, by all of them."""
        await asyncio.gather(*(one.once(name) for one in self.ticks))

    async def looks(self) -> City:
        """Every row of the city, but for what is made by chance."""
        found: City = Counter()
        async with self.apps[0].database.read() as unit:
            for table in metadata.sorted_tables:
                if table.name == "sender_slot":
                    continue
                hidden = CHANGING.get(table.name, set())
                for row in (await unit.run(select(table))).mappings():
                    found[("table", table.name), *(
                        (column.name, value if _is_plain(column, hidden) else value is not None)
                        for column in table.columns
                        for value in (row[column.name],)
                    )] += 1  # fmt: skip
        return found


def _is_plain(column: Any, hidden: set[str]) -> bool:
    """Numbers of rows are given out in another order, and seals never twice alike."""
    numbers = column.primary_key or column.foreign_keys
    return not (column.name in hidden or (numbers and isinstance(column.type, type(Id))) or isinstance(
        column.type, LargeBinary | Json
    ))  # fmt: skip


def differences(found: City, wanted: City) -> list[str]:
    """A line for each row that is there too often or not often enough."""
    counts = [(1, row) for row in (found - wanted).elements()] + [(-1, row) for row in (wanted - found).elements()]
    return [f"{count:+} {' '.join(f'{name}={value}' for name, value in row)}" for count, row in counts]


# --- A morning on which everything has become due --------------------------------------------------------------------


async def due_city(town: Town) -> datetime:
    """Two days are told, and at their end, which is returned, each tick has something to do."""
    now = town.at + timedelta(days=2)
    olga, zhao = Chat(town, "web", "Olga"), Chat(town, "web", "Zhao")
    soon = await town.publishes(olga, "Reading to children", now + timedelta(hours=23))
    ended = await town.publishes(olga, "Planting trees", now - timedelta(hours=5))
    queue = await town.publishes(olga, "Cleaning the lake", now + timedelta(days=3), seats=1)
    left = await town.publishes(olga, "Telling stories", now + timedelta(days=4), seats=1)
    names = ("Ann", "Bob", "Cat", "Dan", "Eve", "Gus")
    chats = {name: Chat(town, "web", name) for name in names}
    for one in chats.values():
        await one.joins(soon)
    for activity, pair in ((ended, ("Ann", "Bob")), (queue, ("Cat", "Dan")), (left, ("Gus", "Eve"))):
        for name in pair:
            await chats[name].joins(activity)
    ids = {name: await number_of(town, one) for name, one in chats.items()}
    await subscribers(town, 3, door="web")
    await zhao.says("menu")
    await sent(town, olga, await drafted(town, olga))
    town.at = now
    async with town.database.write() as unit:
        shifts = {row.activity: row.id for row in await unit.run(select(shift.c.activity, shift.c.id))}
        await _enrolled(unit, shifts[ended], ids["Ann"], state="arrived")
        mine = (await unit.run(
            select(enrolment.c.id).where(enrolment.c.shift == shifts[ended], enrolment.c.person == ids["Ann"])
        )).scalar_one()  # fmt: skip
        arrived = {"enrolment": mine, "person": ids["Ann"], "arrived": now - timedelta(hours=5), "arrived_by": "code"}
        await unit.run(insert(attendance).values(arrived))
        offered = {"state": "offered", "offers": 1, "offered_until": now - timedelta(minutes=1)}
        await _enrolled(unit, shifts[queue], ids["Cat"], **offered)
        await unit.run(insert(squad).values(shift=shifts[soon], skill="first_aid", per=2))
        await covers.start(unit, shifts[queue], ids["Ann"], now)
        await unit.run(
            insert(invitation).values(
                kind="handover", shift=shifts[soon], person=ids["Bob"], inviter=ids["Ann"], state="open",
                made=now - timedelta(hours=2), until=now - timedelta(hours=1),
            )
        )  # fmt: skip
        await unit.run(
            insert(erasure).values(
                person=ids["Gus"], door="web", asked=now - timedelta(days=8), due=now - timedelta(days=1)
            )
        )
        await unit.run(insert(inbox).values(door="web", key="old", at=now - timedelta(days=4), state=0))
        here = now.astimezone(BEIJING)
        await digests.want(unit, ids["Bob"], here.weekday(), here.hour, town.at - timedelta(days=20))
        await _ledger(unit, town, ids["Dan"], ids["Eve"], shifts[left], left, now)
        await _outbox(unit, ids["Bob"], now)
    await town.database.close()
    return now


async def _enrolled(unit: Unit, shift_id: int, person_id: int, **values: Any) -> None:
    mine = enrolment.c.shift == shift_id, enrolment.c.person == person_id
    await unit.run(update(enrolment).where(*mine).values(values))


async def _ledger(unit: Unit, town: Town, who: int, other: int, there: int, activity: int, now: datetime) -> None:
    """Minutes that two organisations recorded, a question whose clock has run out, a star at the end of its notice."""
    made = organisation.insert().values(
        name="朝阳邻里互助队", english="Chaoyang Neighbours", type="residents", level="street", place=110105,
        created=town.at,
    )  # fmt: skip
    neighbours = (await unit.run(made.returning(organisation.c.id))).scalar_one()
    numbers = []
    for place, (whose, group) in enumerate(((who, town.organisation), (other, neighbours))):
        sign_up = unit.insert(enrolment).values(
            shift=there, person=whose, queue=900 + place, state="completed", joined=now, changed=now
        )
        same = sign_up.on_conflict_do_update(index_elements=["shift", "person"], set_={"changed": now})
        number = (await unit.run(same.returning(enrolment.c.id))).scalar_one()
        begins = now - timedelta(hours=20)
        present = {"person": whose, "arrived": begins, "left": now, "arrived_by": "code", "left_by": "code"}
        presence = insert(attendance).values(enrolment=number, **present).returning(attendance.c.id)
        kept = insert(record).values(
            attendance=(await unit.run(presence)).scalar_one(), person=who, organisation=group, activity=activity,
            starts=begins, ends=begins + timedelta(hours=11), minutes=660, grade="B", state="counted",
            rules="beijing-2026", made=now - timedelta(hours=1), fresh=True,
        )  # fmt: skip
        numbers.append((await unit.run(kept.returning(record.c.id))).scalar_one())
    asked = {"opened": now - timedelta(days=9), "due": now - timedelta(minutes=1)}
    await unit.run(
        insert(matter).values(
            kind="dispute", mark="dispute:1", record=numbers[0], person=who, organisation=town.organisation,
            state="open", **asked,
        )
    )  # fmt: skip
    await unit.run(
        insert(star).values(
            person=who, level=1, rules=rules_on(now.date()).name, minutes=6_600, place=110108, state="notice",
            applied=now - timedelta(days=9), until=now - timedelta(minutes=1),
        )
    )  # fmt: skip


async def _outbox(unit: Unit, who: int, now: datetime) -> None:
    """A message that waits and is too late, one that was sent long ago, and an announcement to be expanded."""
    number = await fanouts.plan(
        unit, kind="announcement", source=1, revision=1, lane=Lane.CAMPAIGN,
        segment={"subscribers": [["district", "110108"]]}, words={"text": "hello"}, not_before=now,
        expires=now + timedelta(days=1),
    )  # fmt: skip
    past, old = to_milliseconds(now - timedelta(minutes=1)), to_milliseconds(now - timedelta(days=8))
    row = {"fanout": number, "account": "web", "lane": Lane.CAMPAIGN, "due": past, "expires": past}
    await unit.run(insert(outbox).values(**row, person=10_001, state=State.SENT, done=old))
    await unit.run(insert(outbox).values(**row, person=who))


# --- Once, and twice at once -----------------------------------------------------------------------------------------


async def test_every_tick_that_two_replicas_run_at_once_has_one_effect(
    founded: Town, copies: Callable[[], str], wechat: WeChatApiStandIn
) -> None:
    now = await due_city(founded)
    async with AsyncExitStack() as stack:
        replicas = [await asyncio.to_thread(Replicas, copies(), wechat, now, count) for count in (1, 2)]
        once, twice = [await stack.enter_async_context(one) for one in replicas]
        for one in (once, twice):
            for account in ("web", "wechat"):
                senders = [s for app in one.apps for s in app.senders if s.account == account]
                assert sum(await asyncio.gather(*(s.lease.hold() for s in senders))) == 1, account
        for name in once.ticks[0].names:
            before = await once.looks()
            await asyncio.gather(once.at_once(name), twice.at_once(name))
            after = await once.looks()
            assert differences(await twice.looks(), after) == [], name
            if name in READING:
                assert after == before, name
            elif not name.startswith(HOLDERS):
                assert after != before, f"{name} had nothing to do: the test proves nothing"


async def erased(url: str, api: WeChatApiStandIn, now: datetime) -> int:
    """How often two replicas that tick at once write down that somebody was erased."""
    async with await asyncio.to_thread(Replicas, url, api, now, 2) as replicas:
        await replicas.at_once("privacy.erase")
        async with replicas.apps[0].database.read() as unit:
            return len(list(await unit.run(select(audit.c.id).where(audit.c.deed == "erase"))))


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_without_the_lock_on_what_is_due_two_replicas_erase_the_same_person(
    founded: Town, copies: Callable[[], str], wechat: WeChatApiStandIn, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """The control: each erased them and wrote it down."""
    now = await due_city(founded)
    assert await erased(copies(), wechat, now) == 1

    async def read_only(unit: Unit, now: datetime) -> list[Any]:
        ripe = select(erasure.c.id, erasure.c.person, erasure.c.identity).where(erasure.c.done.is_(None))
        return list(await unit.run(ripe.where(erasure.c.due <= now)))

    monkeypatch.setattr(erasing, "due", read_only)
    assert await erased(copies(), wechat, now) == 2
