"""The city's figures: what the page says in both languages, what programs are given, and what a look costs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot import server
from bot.domain.figures import BEFORE, MONTH, REST, SPANS, Figures, Tallies, Tally, periods, told
from bot.domain.places import beijing
from bot.pages import city
from bot.pages.site import Site
from bot.pages.visitors import Bucket
from tests.operating.test_guide import ROOT
from tests.webchat import BEIJING

OF = periods(datetime(2026, 11, 26, 2, tzinfo=UTC), BEIJING)
PLACES = beijing()
FIRST = datetime(2025, 5, 1, 2, tzinfo=UTC)


def tally(*figures: tuple[int, int, int], organisations: int = 1) -> Tally:
    """By slice: people, minutes and activities; everybody in one slice only."""
    slices = dict(zip((MONTH, REST, BEFORE), figures, strict=False))
    return Tally(
        {one: people for one, (people, _minutes, _held) in slices.items()},
        {one: minutes for one, (_people, minutes, _held) in slices.items()},
        {one: held for one, (_people, _minutes, held) in slices.items()},
        {sum(slices): organisations},
    )


def lively() -> Figures:
    """A city in which nine people were in one small district and three in another."""
    tallies = Tallies(coming=12, first=FIRST)
    tallies.whole = tally((1_252, 90_060, 40), (3_000, 180_000, 100), (400, 24_000, 20), organisations=31)
    tallies.parts["districts"] = {
        "110105": tally((1_240, 89_000, 36), (3_000, 180_000, 100), (400, 24_000, 20), organisations=28),
        "110108": tally((9, 940, 3)),
        "110109": tally((3, 120, 1)),
        "110101": Tally(),
    }
    tallies.parts["kinds"] = {"environment": tallies.whole}
    tallies.parts["grades"] = {
        "A": tally((1_240, 89_000, 0), (3_000, 180_000, 0), (400, 24_000, 0)), "B": tally((9, 940, 0)),
        "D": tally((3, 120, 0)),
    }  # fmt: skip
    tallies.parts["notice"] = {"final": tally((1_240, 89_460, 0), (3_000, 180_000, 0), (400, 24_000, 0)),
                               "open": tally((12, 600, 0))}  # fmt: skip
    return told(tallies, OF)


def of_nobody() -> Figures:
    """A city that begins tomorrow."""
    tallies = Tallies(coming=1)
    tallies.part("districts", "110105")
    return told(tallies, OF)


@dataclass
class Town:
    """What is asked, without a city."""

    figures: Figures | None
    asked: int = 0
    now: float = 0.0

    async def latest(self) -> Figures | None:
        self.asked += 1
        return self.figures


@pytest.fixture
def town() -> Town:
    return Town(lively())


def app_of(town: Town) -> web.Application:
    app, site = server.create(), Site(BEIJING)
    site.attach(app)
    app.add_routes(city.routes(site, town.latest, PLACES, Bucket(steady=lambda: town.now)))
    return app


@pytest.fixture
async def url(town: Town) -> AsyncIterator[str]:
    runner = web.AppRunner(app_of(town))
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Accept": "text/html", "Accept-Language": "en"}) as session:
        yield session


async def text(session: ClientSession, url: str) -> str:
    """What a page says, its elements left out."""
    async with session.get(url) as answer:
        page = await answer.text()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<body") :]))


async def test_the_page_tells_the_whole_in_three_spans_and_of_which_moment(session: ClientSession, url: str) -> None:
    page = await text(session, f"{url}/city")
    assert "Counted until the end of 25 Nov 2026." in page
    assert "Nov 2026 since 1 Nov 2026 Year 2026 since 1 Jan 2026 In all since 1 May 2025" in page
    assert "People 1,252 4,252 4,652" in page
    assert "Hours counted 1,501 4,501 4,901" in page
    assert "Activities 40 140 160" in page
    assert "Organisations 31 31 31" in page
    assert "12 activities are on or coming up." in page


async def test_what_would_tell_of_three_people_is_not_shown_nor_what_gives_it_away(
    session: ClientSession, url: str
) -> None:
    page = await text(session, f"{url}/city?of=month")
    assert "Chaoyang 1,240 1,483 36" in page
    assert "Mentougou not shown 1" in page
    assert "Haidian not shown 3" in page, "the whole less Chaoyang and Haidian are the three of Mentougou"
    assert "Dongcheng 0 0 0" in page
    assert "fewer than 5 people" in page


async def test_grades_that_are_not_shown_singly_are_shown_together(session: ClientSession, url: str) -> None:
    page = await text(session, f"{url}/city?of=month")
    assert "A: proven from both sides 1,483 98.8 % B, D together 18 1.2 %" in page
    assert "10 h of it is on public notice and not final yet." in page


async def test_it_speaks_the_language_of_the_browser_or_the_one_that_was_chosen(url: str) -> None:
    async with ClientSession(headers={"Accept-Language": "zh-CN,zh;q=0.9"}) as session:
        page = await text(session, f"{url}/city?of=month")
        assert "统计截至2026年11月25日 24 时" in page
        assert "朝阳区 1,240" in page
        assert "Chaoyang 1,240" in await text(session, f"{url}/city?of=month&lang=en")
        assert "朝阳区 4,240" in await text(session, f"{url}/city?of=nonsense&lang=nonsense")
        async with session.get(f"{url}/city?of=month&lang=en") as answer:
            assert 'href="/city?of=year&amp;lang=en"' in await answer.text(), "the choice is kept"
            assert answer.headers["Vary"] == "Accept-Language"


async def test_a_city_of_nobody_has_a_kind_page(session: ClientSession, url: str, town: Town) -> None:
    town.figures = of_nobody()
    page = await text(session, f"{url}/city")
    assert "No hours have been counted yet." in page
    assert "1 activity is on or coming up." in page
    assert "By district" not in page
    async with session.get(f"{url}/city.json") as answer:
        assert (await answer.json())["since"]["all"] is None


async def test_programs_are_given_whole_minutes_nulls_for_what_is_hidden_and_the_licence(
    session: ClientSession, url: str
) -> None:
    async with session.get(f"{url}/city.json", headers={"Origin": "https://anywhere.example"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        data: dict[str, Any] = await answer.json()
    assert (data["version"], data["licence"], data["fewest_people"]) == (1, "CC-BY-4.0", 5)
    assert data["until"] == "2026-11-26T00:00:00+08:00"
    assert data["since"]["month"] == "2026-11-01T00:00:00+08:00"
    assert data["whole"]["year"] == {
        "people": 4_252, "minutes": 270_060, "hidden": False, "activities": 140, "organisations": 31
    }  # fmt: skip
    by_code = {one["code"]: one for one in data["districts"]}
    assert by_code["110105"]["english"] == "Chaoyang"
    hidden = {"people": None, "minutes": None, "hidden": True, "activities": 1, "organisations": 1}
    assert by_code["110109"]["month"] == hidden
    assert [one["code"] for one in data["grades"]] == ["A", "B", "D"]
    assert list(data["notice"][0]["all"]) == ["people", "minutes", "hidden"]


@pytest.mark.parametrize("path", ["/city", "/city.json"])
async def test_who_has_the_figures_already_is_not_given_them_again(
    session: ClientSession, url: str, town: Town, path: str
) -> None:
    async with session.get(url + path) as answer:
        mark = answer.headers["ETag"]
    async with session.get(url + path, headers={"If-None-Match": mark}) as answer:
        assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", mark)
    town.figures = of_nobody()  # control: other figures have another mark
    async with session.get(url + path, headers={"If-None-Match": mark}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != mark


async def test_without_a_database_and_without_figures_it_says_so_kindly(
    session: ClientSession, url: str, town: Town
) -> None:
    town.figures = None
    async with session.get(f"{url}/city") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert "Please try again in a moment." in await answer.text()


async def test_who_looks_without_end_must_wait(session: ClientSession, url: str, town: Town) -> None:
    statuses = []
    for _look in range(62):
        async with session.get(f"{url}/city.json") as answer:
            statuses.append(answer.status)
    assert statuses == [200] * 60 + [429] * 2
    assert town.asked == 60


def test_the_documentation_names_every_field_of_the_open_data() -> None:
    text = (ROOT / "docs/open-data.md").read_text(encoding="utf-8")
    assert fields_without_a_word(text) == set()
    assert fields_without_a_word(text.replace("`fewest_people`", "")) == {"fewest_people"}  # control
    [shown] = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert json.loads(shown)["version"] == city.VERSION



def fields_without_a_word(text: str) -> set[str]:
    def fields(data: Any) -> set[str]:
        if isinstance(data, list):
            return set().union(*map(fields, data))
        return set(data).union(*map(fields, data.values())) if isinstance(data, dict) else set()

    return {one for one in fields(city.as_data(lively(), PLACES)) if f"`{one}`" not in text} - set(SPANS)
