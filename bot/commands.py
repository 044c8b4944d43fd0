"""What the commands do: each function is one of them, called by the command line with what the operator wrote."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from bot import server
from bot.app import App, Clock, revealed, wall_clock, wechat_api
from bot.channels.terminal import Terminal, open_screen
from bot.channels.wechat import MENU, set_menu
from bot.channels.wechat.menu import MenuRefused
from bot.channels.wechat.token import Unavailable
from bot.city.clock import MovableClock
from bot.city.demo import NAMES, PERSONAS, Demo, fill_demo
from bot.city.fill import fill as fill_city
from bot.desk.privacy import erase_again
from bot.domain.roles import Role
from bot.pages.demo import Demonstration, Persona
from bot.settings import FOLDER, NotPossible, Settings
from bot.talk.wording import Wording
from handlers.scripts import SCRIPTS
from storage import (
    audit,
    backup,
    bulk,
    erased,
    migrate,
    moving,
    organisations,
    outbox,
    outbox_reports,
    people,
)
from storage.database import Database
from storage.moving import Moved
from storage.secrecy import Secrecy

CLOCK = "clock"
"""The file beside the demonstration city that tells how far its clock was moved."""


async def demo(settings: Settings, folder: Path) -> None:
    """Make the demonstration city anew in its folder and serve it until it is told to stop."""
    await asyncio.to_thread(clear, folder)
    clock = await asyncio.to_thread(clock_of, folder)
    with server.take(settings.host, settings.port) as taken:
        await _demo(settings.on_port(taken.getsockname()[1]), clock, taken)


async def _demo(settings: Settings, clock: MovableClock, taken: socket.socket) -> None:
    app, made, bar = await open_demo(settings, clock)
    await app.serve(
        demonstration=bar, told=lambda address: print(welcome(settings, address, made), flush=True), taken=taken
    )


async def open_demo(settings: Settings, clock: MovableClock) -> tuple[App, Demo, Demonstration]:
    """A fresh demonstration city, not yet served, and the bar that moves its clock."""
    app = App(settings, clock=clock, persona=lambda name: name if name in NAMES else None)
    await app.prepare()
    print("Making a demonstration city ...", flush=True)
    made = await fill_demo(app.database, app.city, clock())

    async def advance(by: timedelta) -> datetime:
        moved = clock.advance(by)
        await app.catch_up()
        return moved

    async def advance_to_next() -> datetime | None:
        async with app.database.read() as unit:
            moment = await bulk.next_moment(unit, sorted(NAMES), clock(), settings.zone, settings.quiet)
        if moment is None:
            return None
        clock.advance_to(moment)
        await app.catch_up()
        return clock()

    personas = [Persona(one.name, one.about) for one in PERSONAS]
    return app, made, Demonstration(personas, clock, advance, advance_to_next)


def clear(folder: Path) -> None:
    """Take away the demonstration city of last time; its key stays."""
    for old in (*folder.glob("menkou.db*"), folder / CLOCK):
        old.unlink(missing_ok=True)


def clock_of(folder: Path) -> MovableClock:
    """The clock of the demonstration city in this folder, wherever it is moved from."""
    return MovableClock(shared=folder / CLOCK)


def welcome(settings: Settings, address: str, made: Demo) -> str:
    """What somebody who has just started the demonstration reads."""
    speak = Wording("en", settings.zone)
    people = "\n".join(
        f"  {address}/chat?as={one.name:<8} {speak(one.about)}; type: {speak(one.type)}" for one in PERSONAS
    )
    counts = made.counts
    return f"""{counts["organisation"]} organisations, {counts["activity"]} activities, {counts["person"]} volunteers.

Open the web chat as one of them:
{people}
The check-in wall of an activity that begins within the hour:
  {address}{made.wall}
What its volunteers did, for everybody:
  {address}/city
The same conversation in a terminal: menkou chat --as lin
Stop with Ctrl-C."""


async def chat(settings: Settings, name: str | None, folder: Path | None) -> None:
    """Talk in this terminal: with the operator's own city, or with the demonstration city (made if there is none)."""
    clock: Clock = wall_clock if folder is None else await asyncio.to_thread(clock_of, folder)
    app = App(settings, clock=clock)
    fresh = folder is not None and not await asyncio.to_thread((folder / "menkou.db").exists)
    await app.prepare()
    if fresh:
        await fill_demo(app.database, app.city, app.clock())
    who = name or ("mei" if folder is not None else "me")
    screen = open_screen(who)
    reader = partial(app.answers.reader, who, None, "terminal")
    scripts = [one.name for one in SCRIPTS]
    terminal = Terminal(app.turns, who, screen, await reader(), scripts, app.clock, reader=reader)
    app.doors[terminal.name] = terminal
    app.begin_sending()
    try:
        await terminal.run(greet=sys.stdin.isatty())
    finally:
        await app.stop()


async def fill(
    settings: Settings, volunteers: int, activities: int, seed: int, told: Callable[[str, int, int], None]
) -> str:
    """Fill an empty city for trials and load. Raises NotPossible when there is somebody already."""
    app = App(settings)
    try:
        await app.prepare()
        async with app.database.read() as unit:
            empty = await bulk.is_empty(unit)
        if not empty:
            raise NotPossible("This city has people already; a made-up one needs a database of its own.")
        counts = await fill_city(app.database, app.city, volunteers, activities, app.clock(), told, seed)
    finally:
        await app.database.close()
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


async def serve(settings: Settings) -> None:
    """Serve the city until it is told to stop."""
    with server.take(settings.host, settings.port) as taken:
        app = await asyncio.to_thread(App, settings.on_port(taken.getsockname()[1]))
        await app.serve(taken=taken)


async def grant(settings: Settings, number: str, role: str, node: str) -> str:
    """Give a person a role in an organisation (by its number) or over a place (by its code)."""
    app = await asyncio.to_thread(App, settings)  # it reads catalogues and makes the database's folder
    try:
        await app.prepare()
        known = [one.value for one in Role]
        if role not in known:
            raise NotPossible(f"There is no role “{role}”; there are {', '.join(known)}.")
        if not node.isdecimal():
            raise NotPossible("Name the organisation by its number, or the place by its code of six or nine digits.")
        place = int(node) if app.city.place(int(node)) else None
        async with app.database.write() as unit:
            who = await people.by_number(unit, number)
            if who is None:
                raise NotPossible("Nobody has that volunteer number; “settings” in the chat shows one's own.")
            there = await organisations.names(unit, [int(node)]) if place is None else {}
            if place is None and int(node) not in there:
                raise NotPossible("There is no such organisation and no such place.")
            await people.appoint(unit, who, Role(role), None if place else int(node), place, app.clock())
            await audit.log(unit, app.clock(), None, "grant", f"person:{who}", None, f"{role}:{node}")
        named = app.city.place(place)
        return f"{number.upper()} is {role} of {named.name if named else there[int(node)][0]} now."
    finally:
        await app.database.close()


async def outbox_list(settings: Settings) -> list[str]:
    """A line for each message of ours that a person must decide about: given up, or in doubt. Names nobody."""
    async with _opened(settings) as database, database.read() as unit:
        listed = [*await outbox_reports.list_dead(unit), *await outbox_reports.list_uncertain(unit)]
    return [
        f"{one.id:>8}  {one.state.name.lower():9}  {one.door or 'no door':8}  {one.kind:12}  "
        f"due {one.due.astimezone(settings.zone):%Y-%m-%d %H:%M}  {one.reason or ''}".rstrip()
        for one in sorted(listed, key=lambda one: one.id)
    ]


async def outbox_again(settings: Settings, numbers: Sequence[int]) -> tuple[int, int]:
    """Send messages again that were given up, or these, given up or in doubt. How many go, and how many cannot."""
    now = wall_clock()
    async with _opened(settings) as database, database.write() as unit:
        wanted = list(numbers) or [one.id for one in await outbox_reports.list_dead(unit)]
        going = [one for one in wanted if await outbox.resend(unit, one, now)]
        for one in going:
            await audit.log(unit, now, None, "resend", f"message:{one}", None, "pending")
    return len(going), len(wanted) - len(going)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    """The city's database at the revision that we need. Raises NotReady."""
    database = await asyncio.to_thread(Database, settings.database_url, Secrecy(settings.key))
    try:
        await migrate.prepare(database)
        yield database
    finally:
        await database.close()


ORGANISATION_TYPES = ("government", "association", "employer", "residents")
"""Who leads it: the state, a registered body, a firm or institution, neighbours."""


async def register(settings: Settings, name: str, place: int, type_: str, english: str) -> str:
    """Add an organisation at a place of the tree, so that somebody can be made its organiser."""
    if type_ not in ORGANISATION_TYPES:
        raise NotPossible(f"There is no type “{type_}”; there are {', '.join(ORGANISATION_TYPES)}.")
    if not 2 <= len(name.strip()) <= 120:
        raise NotPossible("The name needs 2 to 120 characters.")
    app = await asyncio.to_thread(App, settings)  # it reads catalogues and makes the database's folder
    try:
        await app.prepare()
        where = app.city.place(place)
        if where is None:
            raise NotPossible("There is no such place; codes have six digits (110108, a district) or nine (a street).")
        async with app.database.write() as unit:
            number = await organisations.register(
                unit, name.strip(), english.strip(), type_, where.level, place, app.clock()
            )
            if number is None:
                raise NotPossible("An organisation of that name is registered at that place already.")
            await audit.log(unit, app.clock(), None, "register", f"organisation:{number}", None, "active")
    finally:
        await app.database.close()
    return f"{name.strip()} ({where.name}) has the number {number}: menkou admin grant NUMBER organiser {number}"


async def restore(
    settings: Settings, file: Path, force: bool, told: Callable[[str, int], None]
) -> tuple[backup.Manifest, int]:
    """Put a backup back, and erase again whoever was erased since it was made. Raises BadBackup, NotPossible."""
    database = await asyncio.to_thread(Database, settings.database_url)  # it makes the database's folder
    try:
        listed = await erased.listed(database, erased.list_of(database, FOLDER))
        done = await backup.restore(database, file, force, told)
    finally:
        await database.close()
    if not listed:
        return done, 0
    app = await asyncio.to_thread(App, settings)
    try:
        await app.prepare()
        return done, await erase_again(app.database, app.city, listed, app.clock())
    finally:
        await app.database.close()


async def move(settings: Settings, told: Callable[[str, int], None]) -> Moved:
    """Move the city into another, empty database. Raises BadBackup, NotPossible."""
    if settings.move_to is None:
        raise NotPossible("Where to? Set MENKOU_MOVE_TO, or MENKOU_MOVE_TO_FILE to a file with the address.")
    if make_url(settings.move_to) == make_url(settings.database_url):
        raise NotPossible("The city is in that database already.")
    source = await asyncio.to_thread(Database, settings.database_url)
    target = await asyncio.to_thread(Database, settings.move_to)
    try:
        return await moving.move(source, target, FOLDER, told)
    finally:
        await source.close()
        await target.close()


async def set_wechat_menu(settings: Settings) -> str:
    """Set the official account's menu."""
    if settings.wechat_app_id is None or settings.wechat_app_secret is None:
        raise NotPossible("Set MENKOU_WECHAT_APP_ID and MENKOU_WECHAT_APP_SECRET first.")
    app = App(settings)
    api = wechat_api(settings, app.database, app.clock)
    try:
        await app.prepare()
        await set_menu(api, MENU)
    except MenuRefused as refused:
        raise NotPossible(f"WeChat did not take the menu: {refused}") from None
    finally:
        await api.close()
        await app.database.close()
    return f"The menu has {len(MENU)} entries now; people see it within five minutes."


async def ask_telegram(settings: Settings) -> str:
    """Does Telegram know our bot? Its name; raises NotPossible."""
    from bot.channels.telegram.api import TelegramApi

    api = TelegramApi(revealed(settings.telegram_token), settings.telegram_api_base)
    try:
        name = await api.username()
    finally:
        await api.close()
    if not name:
        raise NotPossible("Telegram did not answer, or does not know this token.")
    return f"@{name}"


async def ask_wechat(settings: Settings) -> str:
    """Does WeChat give us a token? Raises NotPossible."""
    database = Database(settings.database_url, Secrecy(settings.key))
    api = wechat_api(settings, database, wall_clock)
    try:
        await api.token.current()
    except Unavailable as trouble:
        raise NotPossible(str(trouble)) from None
    finally:
        await api.close()
        await database.close()
    return "the account's token is valid"
