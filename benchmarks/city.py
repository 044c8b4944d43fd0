"""The city that is measured: people who have written before, activities to find and to join, and what people say."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import String as Text
from sqlalchemy import cast, insert, literal, select, update

from benchmarks.load import Story, post
from benchmarks.processes import ROOT, NotServing
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables.activities import activity, organisation, shift
from storage.tables.people import identity

PEOPLE = 1_000
ACTIVITIES = 300
DAYS = 60
"""Activities with room for everybody, each on a day of its own, so that nobody's sign-ups overlap."""
FIRST_CHAT = 7_000_000_000
OPENID = "o" + "0" * 17
"""What stands before a person's number to make one of WeChat's 28 signs."""
TOKEN = "123456789:AAFakeTokenForTests_0123456789abcde"
SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
KEY = "a key that only benchmarks use, 32 signs and more"


def environment(url: str, **more: str) -> dict[str, str]:
    """What a process of the city is started with."""
    given = {"DATABASE_URL": url, "SECRET_KEY": KEY, "LISTEN": "127.0.0.1:0", **more}
    # Python may keep what it compiled, as it does on an operator's machine.
    own = ("MENKOU_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return kept | {f"MENKOU_{name}": value for name, value in given.items()}


def telegram() -> dict[str, str]:
    """The bot's settings, as a webhook."""
    return {
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_SECRET": SECRET,
        "PUBLIC_URL": "https://city.example",
    }


async def found(url: str, door: str = "telegram") -> list[int]:
    """Make the city in an empty database; its people write through `door`. Returns the activities to join."""
    await _command(url, "migrate")
    await _command(url, "city", "fill", "--volunteers", str(PEOPLE), "--activities", str(ACTIVITIES))
    secrecy = Secrecy(KEY)
    database = Database(url, secrecy)
    now = datetime.now(UTC)
    async with database.write() as unit:
        chat = literal(OPENID) if door == "wechat" else literal("")
        moved = update(identity).values(door=door, external=chat + cast(identity.c.person + FIRST_CHAT, Text))
        await unit.run(moved)
        holder = (await unit.run(select(organisation.c.id).limit(1))).scalar_one()
        numbers = [await _open_day(unit, holder, now, day) for day in range(DAYS)]
    await database.close()
    return numbers


async def _command(url: str, *words: str) -> None:
    """A command as an operator types it."""
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=ROOT,
        env=environment(url),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    told, _nothing = await run.communicate()
    if run.returncode:
        raise NotServing(told.decode()[-2000:])


async def _open_day(unit: Any, holder: int, now: datetime, day: int) -> int:
    starts = now + timedelta(days=30 + day)
    ends = starts + timedelta(hours=2)
    opened = insert(activity).values(
        organisation=holder, title=f"植树第{day}天", english="", about="", kind="environment", risk="low",
        minimum_age=0, district=110108, street=None, address="颐和园东门", latitude=39.99, longitude=116.27,
        starts=starts, ends=ends, words=" 植树 环境 ", created_by=1, created=now, changed=now, secret=b"",
    )  # fmt: skip
    number = (await unit.run(opened.returning(activity.c.id))).scalar_one()
    made = insert(shift).values(activity=number, starts=starts, ends=ends, capacity=1_000_000)
    await unit.run(made)
    return int(number)


# --- What people say -----------------------------------------------------------------------------------------------

SENTENCE = "海淀的环保活动"


def said(activity_number: int) -> tuple[str, ...]:
    """One person's story: what is there, this one, yes, my hours."""
    return (SENTENCE, f"/start join-{activity_number}", "是", "时长")


def told() -> Iterator[tuple[int, tuple[int, int]]]:
    """(person, story) without end: everybody once, then everybody again with the next activity."""
    return ((person, (round_, person)) for round_ in itertools.count() for person in range(1, PEOPLE + 1))


def updates(activities: list[int]) -> Iterator[Story]:
    """Telegram's webhook calls, four a story."""
    serial = itertools.count(500_000_000)
    for person, (round_, _person) in told():
        yield [_update(next(serial), person, text) for text in said(activities[round_ % len(activities)])]


def update_of(serial: int, person: int, text: str) -> dict[str, Any]:
    """One update as Telegram gives it."""
    chat = FIRST_CHAT + person
    user = {"id": chat, "is_bot": False, "first_name": "Wang", "language_code": "zh-hans"}
    message: dict[str, Any] = {
        "message_id": serial % 1_000_000,
        "from": user,
        "chat": {"id": chat, "first_name": "Wang", "type": "private"},
        "date": int(datetime.now(UTC).timestamp()),
        "text": text,
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": text.index(" ")}]
    return {"update_id": serial, "message": message}


def _update(serial: int, person: int, text: str) -> bytes:
    body = json.dumps(update_of(serial, person, text), ensure_ascii=False).encode()
    return post("/telegram", body, Content_Type="application/json", X_Telegram_Bot_Api_Secret_Token=SECRET)
