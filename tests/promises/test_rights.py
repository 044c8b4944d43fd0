"""Nobody sees or changes what the role table does not allow, by any door; and nobody learns what there is."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from bot.app import App
from bot.desk import organising
from bot.desk.desk import Desk
from bot.desk.posters import Sheets
from bot.desk.records import Records
from bot.domain import roles
from bot.domain.roles import Deed, Post, Role
from bot.settings import Settings
from bot.talk import Address, Incoming, Intent
from bot.talk.door import Reply
from handlers.scripts import SCRIPTS
from storage import attendance, people
from storage.database import Unit
from storage.secrecy import Secrecy
from tests.conversations.kit import DOORS, Town
from tests.keys import KEY
from tests.promises.rights import FAR, TABLE, Line, Who, World, without_a_line
from tests.promises.world import built


class Undone(Exception):
    """The turn is not to be kept."""


@pytest.fixture
async def world(town: Town) -> World:
    return await built(town)


async def rehearsed(town: Town, door: str, who: Who, line: Line, arguments: tuple[str, ...]) -> str:
    """What somebody is answered, with no trace left of it: words, labels, and where each button leads."""
    heard: list[Reply] = []
    incoming = Incoming(Address(door, who), "rehearsal", town.at, intent=Intent(line.script, arguments), language="en")

    async def turn(unit: Unit) -> None:
        heard.append((await town.turns._turn(unit, incoming)).reply)
        raise Undone

    with suppress(Undone):
        await town.database.turn(turn)
    (reply,) = heard
    given = {one: f"<{place}>" for place, one in enumerate(arguments)}
    return "\n".join(
        "\n".join((page.text, *(f"{one.label} → {_generic(one.wire, given)}" for one in page.buttons)))
        for page in reply.pages
    )


def _generic(wire: str, given: dict[str, str]) -> str:
    """A link with what was asked for taken out: it comes back whether it is there or not."""
    return "-".join(given.get(part, part) for part in wire.split("-"))


async def mismatches(
    town: Town, world: World, doors: Sequence[str], lines: Sequence[Line] = TABLE, turns: bool = False
) -> list[str]:
    """Where answers are not as the table says, over all relations; `turns`: the doors take turns."""
    asked = list(itertools.product(lines, Who))
    through = itertools.cycle(doors)
    found = []
    for door, (line, who) in [(next(through), one) for one in asked] if turns else itertools.product(doors, asked):
        there = await rehearsed(town, door, who, line, world.asked(line, there=True))
        absent = await rehearsed(town, door, who, line, world.asked(line, there=False))
        if (there != absent) != (who in line.who):
            may = "may" if who in line.who else "may not"
            found.append(f"{door}: {line} by {who}, who {may}:\n    there:  {there!r}\n    absent: {absent!r}")
    return found


def test_every_script_has_its_line() -> None:
    assert without_a_line([one.name for one in SCRIPTS]) == []


def test_a_script_without_a_line_would_be_found() -> None:
    """Control."""
    assert without_a_line(["my", "newest"]) == ["newest"]


def test_every_script_that_takes_a_number_stands_in_the_table() -> None:
    """No script that is asked about something can be passed off as its asker's own."""
    named = {line.script for line in TABLE}
    assert [one.name for one in SCRIPTS if one.arguments([FAR]) == [int(FAR)] and one.name not in named] == []


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", DOORS)
async def test_nobody_gets_more_than_the_table_allows(town: Town, world: World, door: str) -> None:
    found = await mismatches(town, world, [door])
    assert not found, "\n".join(found)


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_nor_on_the_other_database(town: Town, world: World) -> None:
    found = await mismatches(town, world, list(DOORS), turns=True)
    assert not found, "\n".join(found)


def those(*scripts: str) -> list[Line]:
    return [line for line in TABLE if line.script in scripts]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_leader_who_could_call_activities_off_would_be_found(
    town: Town, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: one right too many in the role table."""
    monkeypatch.setitem(roles.MAY, Role.LEADER, roles.MAY[Role.LEADER] | {Deed.CHANGE})
    found = await mismatches(town, world, ["terminal"], those("calloff", "roster"))
    assert len(found) == 1
    assert "calloff-coming by own leader, who may not" in found[0]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_posts_that_reached_everywhere_would_be_found(
    town: Town, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the organisation and the place of a post are not looked at."""

    def may(posts: Iterable[Post], deed: Deed, **_of: object) -> bool:
        return any(deed in roles.MAY[one.role] for one in posts)

    monkeypatch.setattr(organising, "may", may)
    found = await mismatches(town, world, ["terminal"], those("roster"))
    assert [one.split(" by ")[1].split(", who")[0] for one in found] == [Who.ELSEWHERE, Who.STREET_ELSEWHERE]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_somebody_elses_record_that_is_shown_would_be_found(
    town: Town, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: whose record it is is not looked at."""
    monkeypatch.setattr(Records, "mine", lambda self, number: attendance.one_record(self.unit, number))
    found = await mismatches(town, world, ["terminal"], those("record"))
    assert len(found) == len(Who) - 1


# --- Pages ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def app(founded: Town, city_url: str) -> App:
    """The whole program over the same city, made outside the event loop."""
    key = SecretStr(KEY)
    return App(Settings(database_url=city_url, secret_key=key, listen="127.0.0.1:0"), clock=founded.now)


@pytest.fixture
async def served(app: App, world: World) -> AsyncIterator[str]:
    """The city's pages, on a free port."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(app.serve(stop, told=listening.set_result))
    yield str(await listening)
    stop.set()
    await serving


async def signed(town: Town, world: World) -> dict[str, str]:
    """The signed address of each page, as the desk gives it to whoever may have it."""
    things, found = world.things, {}
    async with town.database.write() as unit:  # an address of one's own may begin with its first use

        async def desk(who: Who) -> Desk:
            me = await people.find(unit, world.people[who])
            assert me is not None
            return Desk(unit, replace(me, door="web", language="en"), town.at, town.city)

        async def poster_of(mine: Desk, kind: str) -> str:
            sheets = await mine.posters.sheets(int(things["coming"]))
            assert isinstance(sheets, Sheets)
            return sheets.png if kind == "png" else sheets.pdf

        organiser, owner = await desk(Who.ORGANISER), await desk(Who.OWNER)
        papers = owner.proofs.papers(things["certificate"])
        register = await organiser.proofs.register(int(things["organisation"]))
        assert register is not None
        found |= {
            "wall": str(await organiser.organising.wall(int(things["running"]))),
            "roll": str(await organiser.rolls.page(int(things["running"]))),
            "pdf": papers.pdf, "png": papers.png, "register": register[1], "months": await owner.records.chart(),
            "mycode": f"/mycode/{things['number']}/{things['shown']}.png",
            "feed": await owner.calendars.address(), "entry": owner.calendars.of_activity(int(things["coming"])),
            "campaign": str(await organiser.campaigns.page(int(things["sent"]))),
            "poster": await poster_of(organiser, "png"), "printed": await poster_of(organiser, "pdf"),
        }  # fmt: skip
    found["wall's code"] = found["wall"].replace("?", "/now?")
    found["figures"] = found["campaign"].replace("?", ".json?")
    return found


def _pattern(route: str) -> str:
    """A route without the rules of its parts: `/wall/{activity}`."""
    return re.sub(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", r"{\1}", route)


SIGNED = {
    "/wall/{activity}": "wall", "/wall/{activity}/now": "wall's code", "/roll/{activity}": "roll",
    "/proof/{number}.{kind}": "pdf", "/register/{organisation}.xlsx": "register", "/months/{number}.png": "months",
    "/mycode/{number}/{token}.png": "mycode", "/calendar/{number}/{key}.ics": "feed",
    "/activity/{number}.ics": "entry", "/campaign/{campaign}": "campaign", "/campaign/{campaign}.json": "figures",
    "/poster/{activity}.png": "poster", "/poster/{activity}.pdf": "printed",
}  # fmt: skip
"""Pages behind a link, each with the address that is forged here."""

ELSEWHERE = {
    "/campaign/{campaign}/picture": "its own signature: tests/pages/test_campaign.py",
    "/campaign/list/{token}.xlsx": "works once: tests/conversations/test_campaign_lists.py",
    "/mydata/{token}": "works once: tests/pages/test_mydata.py",
    "/mydata/{token}.xlsx": "works once: tests/pages/test_mydata.py",
    "/insured/{token}.xlsx": "works once, for whoever is still the organiser: tests/conversations/test_documents.py",
    "/roll/{activity}/ticks": "the roll's own signature: tests/pages/test_roll.py",
    "/roll/worker.js": "a program, the same for everybody",
    "/proof/{number}": "public: a number of 128 bits, the name masked: tests/pages/test_proof.py",
    "/city": "public: figures about nobody: tests/domain/test_figures.py",
    "/city.json": "public: the same figures",
}
"""Pages whose rights are held in another file, or that everybody may see."""


def forgotten(routes: Iterable[str]) -> list[str]:
    """Pages that neither table speaks of."""
    return sorted({_pattern(one) for one in routes} - SIGNED.keys() - ELSEWHERE.keys())


async def test_every_page_behind_a_link_has_its_line(town: Town, world: World, app: App) -> None:
    assert forgotten(one.path for one in app._pages()) == []
    assert set(SIGNED.values()) <= (await signed(town, world)).keys()


def test_a_page_without_a_line_would_be_found() -> None:
    """Control."""
    assert forgotten(["/wall/{activity}", "/newest/{number:[0-9]{1,15}}.png"]) == ["/newest/{number}.png"]


def forgeries(address: str, world: World) -> dict[str, str]:
    """The same address with a key that is not its own, and for something that is not there."""
    things, forged = world.things, world.forged
    places = {
        things["running"]: (things["coming"], FAR), things["certificate"]: (forged["certificate"],),
        things["coming"]: (things["running"], FAR), things["sent"]: (things["paused"], FAR),
        things["organisation"]: (FAR,), things["number"]: (forged["number"],),
    }  # fmt: skip
    path, _mark, query = address.partition("?")
    found = {}
    if query:
        found |= {"altered": address[:-1] + ("0" if address[-1] != "0" else "1"), "cut": address[:-1]}
        found |= {"without": path, "empty": address[: address.rindex("k=") + 2]}
    elif address.endswith(".ics"):
        found["altered"] = address[:-5] + ("0" if address[-5] != "0" else "1") + ".ics"
    else:
        found["altered"] = address.replace(things["shown"], forged["shown"])
    for mine, others in places.items():
        for one in others if re.search(rf"/{mine}\b", path) else ():
            moved = re.sub(rf"/{mine}\b", f"/{one}", path, count=1)
            found[f"moved to {one}"] = f"{moved}?{query}" if query else moved
    return found


async def fetched(session: ClientSession, address: str) -> tuple[int, bytes]:
    async with session.get(address) as answer:
        return answer.status, await answer.read()


async def test_a_page_opens_with_its_own_key_only_and_every_refusal_is_alike(
    town: Town, world: World, served: str
) -> None:
    async with ClientSession() as session:
        for name, address in (await signed(town, world)).items():
            status, _body = await fetched(session, served + address)
            assert status == 200, name
            refusals = {one: await fetched(session, served + other) for one, other in forgeries(address, world).items()}
            assert len(refusals) >= 2
            assert {status for status, _body in refusals.values()} == {404}, (name, refusals)
            assert len(set(refusals.values())) == 1, (name, refusals)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_pages_whose_keys_nobody_looks_at_would_be_found(
    town: Town, world: World, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: every signature is taken for a good one."""
    monkeypatch.setattr(Secrecy, "signed", lambda *_of: True)
    async with ClientSession() as session:
        wall = (await signed(town, world))["wall"]
        opened = [await fetched(session, served + one) for one in forgeries(wall, world).values()]
        assert 200 in {status for status, _body in opened}
