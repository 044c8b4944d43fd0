"""A poster in the chat: for whoever looks after the activity, with a code and words that open it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import insert, update

from bot.answers import Answers
from bot.channels.photos import Seeing
from bot.desk.organising import Organising
from bot.domain.forecast import Means
from bot.domain.posters import typed
from bot.domain.roles import Role
from bot.pages.poster import Kind
from bot.talk import Intent, Wording
from handlers.scripts import SCRIPTS
from storage import activities, people
from storage.tables.activities import activity, shift
from tests.conversations.kit import BEIJING, MONDAY, Chat, Town, goes_to
from tests.keys import SECRECY

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]

WEB = "http://city.test/chat?go={link}"
TELEGRAM = "https://t.me/menkou_bot?start={link}"


def with_doors(town: Town, **doors: str) -> None:
    town.turns.city = town.city = replace(town.city, doors=doors)


async def changed(town: Town, number: int, **values: object) -> None:
    async with town.database.write() as unit:
        await unit.run(update(activity).where(activity.c.id == number).values(**values))


async def fetched(town: Town, address: str, code: str | None = None) -> bytes | None:
    """What the page behind a poster's address gives."""
    whole = urlsplit(address)
    found = re.fullmatch(r"/poster/(\d+)\.(png|pdf)", whole.path)
    assert found, address
    kind: Kind = "png" if found[2] == "png" else "pdf"

    async def made(_activity: int, _until: datetime) -> str | None:
        return code

    return await Answers(town.database, town.city, town.now, made).poster(
        int(found[1]), parse_qs(whole.query)["k"][0], kind
    )


@dataclass
class Told:
    """What stands on a poster, in English."""

    times: list[str]
    asks: list[str]
    where: str
    chats: list[str]
    """Where its words can be sent."""


async def said_on(town: Town, number: int) -> Told:
    async with town.database.read() as unit:
        card = await activities.card(unit, number)
    assert card is not None
    sheet = await Answers(town.database, town.city, town.now)._poster(card)
    english = Wording("en", BEIJING)
    times, asks, chats = ([english(one) for one in some] for some in (sheet.times, sheet.asks, sheet.chats))
    return Told(times, asks, english(sheet.where), chats)


def picture_of(chat: Chat) -> str:
    (picture,) = (page.picture for page in chat.pages if page.picture)
    return picture


def pdf_of(chat: Chat) -> str:
    """Its address; in the text where a door has no buttons for pages."""
    found = next((button.url for button in chat.buttons if "/poster/" in button.url), "")
    return found or re.findall(r"\S+/poster/\S+\.pdf\S+", chat.text)[0]


def read_from(picture: bytes | None) -> list[str]:
    assert picture is not None
    return [one.text for one in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]


async def test_its_organiser_gets_a_picture_and_a_pdf(town: Town, chat: Open) -> None:
    with_doors(town, web=WEB)
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await olga.opens("manage", number)
    await olga.picks("Poster to print")
    assert "The poster for Reading to children: one sheet of A4" in olga.text
    picture = await fetched(town, picture_of(olga))
    assert read_from(picture) == [f"http://city.test/chat?go=activity-{number}"]
    pdf = await fetched(town, pdf_of(olga))
    assert pdf is not None
    assert pdf.startswith(b"%PDF-")


async def test_it_is_asked_for_by_its_name_too(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    assert "Only organisers can do that." in await ann.says("poster")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    for word in ("poster", "海报", "Poster to print", "打印海报"):
        assert "A poster for which activity?" in await olga.says(word)
    await olga.picks("Reading to children")
    assert picture_of(olga).startswith(f"http://city.test/poster/{number}.png?")


async def test_not_yours_is_answered_like_not_there(town: Town, chat: Open) -> None:
    olga, ann, otto = chat("Olga"), chat("Ann"), chat("Otto")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await changed(town, number, state="draft")
    draft = number
    number = await town.publishes(olga, "Trees", SATURDAY)
    await otto.says("menu")
    async with town.database.write() as unit:
        leader = await people.at_address(unit, otto.door, otto.name)
        assert leader is not None
        await people.appoint(unit, leader, Role.LEADER, town.organisation, None, town.at)
    absent = await ann.opens("poster", number + 1000)
    assert "There is no such activity among those you look after." in absent
    assert await ann.opens("poster", number) == absent
    assert await otto.opens("poster", number) != absent, "control: who may gets it"
    assert await otto.opens("poster", draft) == absent, "a draft is its organiser's alone"
    assert "not open yet" in await olga.opens("poster", draft)


@pytest.mark.parametrize("words", ["poster", "roster"])
async def test_who_has_nothing_but_drafts_is_told_so_and_shown_no_empty_list(
    town: Town, chat: Open, words: str
) -> None:
    olga = chat("Olga")
    number = await town.publishes(olga, "Trees", SATURDAY)
    await olga.says(words)
    assert "Trees" in olga.text + str(olga.labels), "control: what is open is there to choose"
    await changed(town, number, state="draft")
    assert "Nothing that you look after is ahead." in await olga.says(words)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", ["web"])
async def test_somebody_elses_poster_that_is_shown_would_be_found(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: whether I may show the wall is not looked at."""
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Trees", SATURDAY)
    monkeypatch.setattr(Organising, "allowed", lambda self, one, _deed: activities.card(self.unit, one))
    assert await ann.opens("poster", number) != await ann.opens("poster", number + 1000)


@pytest.mark.parametrize("words", [0, 1])
async def test_the_words_printed_on_it_open_it_for_whoever_types_them(town: Town, chat: Open, words: int) -> None:
    """Also for somebody who never wrote before."""
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    said = typed(number)[words]
    for neighbour, as_typed in enumerate(
        (said, said.capitalize(), said.replace("-", "－"), f" {said} ", said.replace("活动", "活动 "))
    ):
        ann = chat(f"neighbour {neighbour}")
        assert "Reading to children" in await ann.says(as_typed), as_typed
        assert "Sign up" in ann.labels
    assert "There is no such activity." in await ann.says(typed(number + 1000)[words])


async def test_its_code_opens_this_very_activity_by_camera_and_by_photo(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    for doors in ({"web": WEB, "telegram": TELEGRAM}, {"telegram": TELEGRAM}):
        with_doors(town, **doors)
        await olga.opens("poster", number)
        (held,) = read_from(await fetched(town, picture_of(olga)))
        seeing = Seeing(town.turns, {}, town.city.public_url, [one.name for one in SCRIPTS])
        assert seeing.meaning(held) == Intent("activity", (str(number),))
        query = parse_qs(urlsplit(held).query)
        await ann.sends(intent=Intent.parse(query.get("go", query.get("start", [""]))[0]))
        assert "Reading to children" in ann.text
        assert held.startswith("http://city.test/" if "web" in doors else "https://t.me/")


async def test_wechats_own_code_comes_first_and_without_any_the_words_stand_alone(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await olga.opens("poster", number)
    assert read_from(await fetched(town, picture_of(olga))) == []
    with_doors(town, web=WEB)
    held = "http://weixin.qq.com/q/0123456789"
    assert read_from(await fetched(town, picture_of(olga), held)) == [held]


@pytest.mark.parametrize("door", ["web"])
async def test_the_official_account_is_called_by_its_name_where_the_city_said_it(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    assert (await said_on(town, number)).chats == ["WeChat official account"]
    town.city = replace(town.city, account="北京志愿服务")
    assert (await said_on(town, number)).chats == ["WeChat official account: 北京志愿服务"]
    town.city = replace(town.city, account="", means=Means({"telegram": 28.0}))
    assert (await said_on(town, number)).chats == [], "it has none"


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("door", ["web"])
async def test_wechats_code_must_last_until_the_last_time_begins(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    later = SATURDAY + timedelta(days=7)
    async with town.database.write() as unit:
        await unit.run(
            insert(shift).values(activity=number, starts=later, ends=later + timedelta(hours=1), capacity=3)
        )
    asked: list[tuple[int, datetime]] = []

    async def made(one: int, until: datetime) -> str | None:
        asked.append((one, until))
        return None

    key = SECRECY.signature(f"poster:{number}")
    assert await Answers(town.database, town.city, town.now, made).poster(number, key, "pdf")
    assert asked == [(number, later)]


async def test_an_activity_without_an_address_is_asked_for_one(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await olga.opens("poster", number)
    before = picture_of(olga)
    await changed(town, number, address="")
    assert "this activity has no address yet" in await olga.opens("poster", number)
    assert not any(page.picture for page in olga.pages)
    assert await fetched(town, before) is None
    await olga.picks("Another place")
    await olga.says("海淀区 中关村街道图书馆")
    await olga.says("yes")
    await olga.opens("poster", number)
    assert await fetched(town, picture_of(olga)) is not None


async def test_what_was_called_off_or_has_begun_has_no_poster(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    other = await town.publishes(olga, "Trees", SATURDAY)
    await olga.opens("poster", other)
    kept = picture_of(olga)
    await olga.opens("poster", number)
    old = picture_of(olga)
    await olga.opens("calloff", number)
    await olga.says("yes")
    assert "It was called off" in await olga.opens("poster", number)
    assert await fetched(town, old) is None
    await olga.opens("manage", number)
    assert "Poster to print" not in olga.labels
    assert await fetched(town, kept) is not None, "control: the other one is still to come"
    goes_to(town, SATURDAY)
    assert "It has begun" in await olga.opens("poster", other)
    assert await fetched(town, kept) is None
    await olga.opens("manage", other)
    assert "Poster to print" not in olga.labels


async def test_an_address_asked_for_anew_is_a_new_one(town: Town, chat: Open) -> None:
    """A platform keeps pictures by their address, and would show the old time."""
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await olga.opens("poster", number)
    first = picture_of(olga)
    town.at += timedelta(minutes=1)
    await olga.opens("poster", number)
    assert picture_of(olga) != first
    assert await fetched(town, first) == await fetched(town, picture_of(olga))


@pytest.mark.parametrize("door", ["web"])
async def test_it_says_what_is_asked_of_those_who_come_and_no_free_seats(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    await changed(town, number, minimum_age=14, approval=True, english="Reading")
    async with town.database.write() as unit:
        hours = {"starts": SATURDAY, "ends": SATURDAY + timedelta(hours=2)}
        role = {"role": "救生员", "role_english": "Lifeguard", "needs": ["lifeguard"], "minimum_age": 18}
        await unit.run(insert(shift).values(activity=number, capacity=3, **hours, **role))
        for name in ("Reading", "Ushering", "Ushering"):
            await unit.run(insert(shift).values(activity=number, capacity=3, **hours, role=name))
    told = await said_on(town, number)
    assert told.times == ["Sat 28 Nov 10:00–12:00"]
    assert told.asks == [
        "For people from 14 years on",
        "Reading · Ushering",
        "Lifeguard · from 18 years on · needs Lifeguard licence",
        "The organiser lets people in.",
        "Bring gloves.",
    ]
    assert told.where == "Haidian 颐和园东门"


@pytest.mark.parametrize("door", ["web"])
async def test_many_times_are_told_by_their_first_and_last_day(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    for days in range(1, 5):
        starts = SATURDAY + timedelta(days=days)
        async with town.database.write() as unit:
            await unit.run(
                insert(shift).values(activity=number, starts=starts, ends=starts + timedelta(hours=1), capacity=3)
            )
        told = (await said_on(town, number)).times
        assert len(told) == (days + 1 if days < 4 else 2)
    assert told == ["Several times", "Sat 28 Nov – Wed 2 Dec"]
